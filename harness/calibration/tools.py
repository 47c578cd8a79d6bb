"""Other gates, as their users call them, on the planted benchmarks: what does each say of head?

Every tool gets base and head as two sets of environment variables of this interpreter, and a time
in which it may measure both, starting its processes included. Its own comparison says whether head
is slower; nothing is judged here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from harness.calibration import planted_benchmarks
from harness.calibration.planted_benchmarks import CALLS, COMPARED, HEAD, ROUNDS, VARIABLE
from harness.errors import HarnessError
from harness.running.trio import TOP

HERE = Path(planted_benchmarks.__file__).parent
SUITE, MATRIX, SCRIPT = (HERE / f"planted_{name}.py" for name in ("suite", "matrix", "script"))
#: What a tool says of a benchmark; "slower" is an alarm.
Said: TypeAlias = Literal["slower", "faster", "no alarm", "inconclusive"]
#: pytest-benchmark's example of a check, and the margin of ours.
CHECK, MARGIN = "mean:5%", "2"
#: pyperf's processes for a benchmark and side; one more calibrates.
PROCESSES = 4
#: benchmatrix wants whole cycles of orders; of two benchmarks these are its fewest.
PAIRS = 8
QUIET = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", "-o", "addopts=")


@dataclass(frozen=True)
class Budget:
    """The time of a tool.

    Attributes:
        seconds: for both sides and all benchmarks, starting included.
        start: seconds until a process of it is ready to measure.
        call: seconds that a call takes.
    """

    seconds: float
    start: float
    call: float

    def of_session(self, sessions: int) -> float:
        """Seconds to measure one benchmark in one of so many sessions."""
        return max((self.seconds / sessions - self.start) / len(COMPARED), 0.05)


Compare: TypeAlias = Callable[[Path, Budget], dict[str, Said]]


def require(packages: Sequence[str] = ("pytest_benchmark", "pyperf", "benchmatrix")) -> None:
    """Refuse to begin where a tool is missing.

    Raises:
        HarnessError: one is.
    """
    missing = [name.replace("_", "-") for name in packages if find_spec(name) is None]
    if missing:
        raise HarnessError(
            f"{' and '.join(missing)} cannot be imported here: pip install {' '.join(missing)}"
        )


def pytest_benchmark(folder: Path, budget: Budget) -> dict[str, Said]:
    """Base saved, then head with ``--benchmark-compare-fail``."""
    most = budget.of_session(2)
    command = [sys.executable, "-m", "pytest", str(SUITE), *QUIET, "--benchmark-only"]
    command += [f"--benchmark-storage=file://{folder}", f"--benchmark-max-time={most:.3f}"]
    run([*command, "--benchmark-save=base"], folder, {VARIABLE: "base"})
    checked = ["--benchmark-compare", f"--benchmark-compare-fail={CHECK}"]
    told = run([*command, *checked], folder, {VARIABLE: HEAD}, codes=(0, 1))
    failed = set(re.findall(r"test_planted\[(\w+)\].* - Field '\w+' has failed", told))
    return {name: "slower" if name in failed else "no alarm" for name in COMPARED}


def pyperf(folder: Path, budget: Budget) -> dict[str, Said]:
    """A file of each side, then ``compare_to``."""
    a_process = budget.seconds / (2 * len(COMPARED) * (PROCESSES + 1)) - budget.start
    values = max(int(a_process / 0.1) - 1, 3)
    files = {side: folder / f"{side}.json" for side in ("base", HEAD)}
    for side, file in files.items():
        command = [sys.executable, str(SCRIPT), "--quiet", "--output", str(file)]
        command += ["--processes", str(PROCESSES), "--values", str(values), "--warmups", "1"]
        command += ["--min-time", "0.1", "--inherit-environ", f"{VARIABLE},PYTHONPATH"]
        run(command, folder, {VARIABLE: side})
    compared = [sys.executable, "-m", "pyperf", "compare_to", *map(str, files.values())]
    found = dict(re.findall(r"(\w+): .*: [\d.]+x (slower|faster)", run(compared, folder, {})))
    return {name: found.get(name, "no alarm") for name in COMPARED}


def benchmatrix(folder: Path, budget: Budget) -> dict[str, Said]:
    """Pairs of sessions by ``collect-paired``, then ``compare --paired`` with our margin."""
    rounds = max(int(budget.of_session(2 * PAIRS) / (CALLS * budget.call)), 5)
    session = [sys.executable, "-m", "pytest", str(MATRIX), *QUIET, "--benchmark-only"]
    sides = [["env", f"{VARIABLE}={side}", *session] for side in ("base", HEAD)]
    collect = [sys.executable, "-m", "benchmatrix", "collect-paired", "--output", "pairs"]
    collect += ["--pairs", str(PAIRS), "--", *sides[0], ":::", *sides[1]]
    run(collect, folder, {ROUNDS: str(rounds)})
    compare = [sys.executable, "-m", "benchmatrix", "compare", "pairs", "--paired"]
    told = run([*compare, "--threshold", MARGIN, "--format", "json"], folder, {}, codes=(0, 1))
    words: dict[str, Said] = {
        "regressed": "slower",
        "improved": "faster",
        "unchanged": "no alarm",
    }
    cells = json.loads(told)["comparisons"]
    found = {cell["implementation_name"]: cell["regression"] for cell in cells}
    return {name: words.get(found.get(name, ""), "inconclusive") for name in COMPARED}


#: By what their users call them.
TOOLS: Mapping[str, Compare] = {
    f"pytest-benchmark, {CHECK}": pytest_benchmark,
    "pyperf compare_to": pyperf,
    f"benchmatrix collect-paired, {MARGIN} %": benchmatrix,
}


def run(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    codes: Sequence[int] = (0,),
) -> str:
    """Run a command and return what it printed.

    Raises:
        HarnessError: it ended with another exit code than one of these.
    """
    path = os.pathsep.join(filter(None, (str(TOP), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in codes:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-5:]
        raise HarnessError(f"{' '.join(command[:4])} ended with {done.returncode}: {last}")
    return done.stdout + done.stderr
