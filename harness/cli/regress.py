"""A comparison of two sides as its user sees it: checks, interpreters, the bar, the table, why."""

from __future__ import annotations

import fnmatch
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

import harness.workloads
from harness.catalogue.benchmarks import Benchmark, checked_margin, read_benchmarks
from harness.catalogue.cards import studies_folder
from harness.cli.regress_screen import RegressBar, show_report, show_sides
from harness.errors import HarnessError
from harness.figures.ratios import NAME as FIGURE
from harness.judging.differences import FIXED, SET_ALIKE, Difference
from harness.judging.regressions import EXIT_CODES
from harness.meters import gpu
from harness.meters.device import open_device
from harness.meters.machine import DEFAULTS, describe_machine, slug
from harness.protocol.comparison import (
    BASE,
    HEAD,
    SECONDS,
    SIDES,
    Asked,
    Comparison,
    Side,
    blocks_for,
    file_sha256,
    read_comparison,
    suite_sha256,
    write_comparison,
)
from harness.protocol.comparison import NAME as COMPARISON
from harness.publishing.comparison_files import Compared, set_equal
from harness.publishing.job_summary import PAGE, append_to_job
from harness.running.comparing import Comparing
from harness.running.environments import (
    COMMIT,
    Source,
    default_cache,
    interpreter_of,
    read_source,
    uncommitted,
)
from harness.running.suite import collect
from harness.running.trio import Interpreter
from harness.running.turn_worker import from_home
from harness.store.folders import RunFolder, create_folder, current_commit, locked
from harness.store.turns import COMPARISONS, find_comparison, read_proofs, read_turns
from harness.words import plural, shown

#: The benchmarks of the project.
OWN = Path(harness.workloads.__file__).with_name("benchmarks.py")
#: Defaults that a process can set; the others are found out, or have an option of their own.
SETTABLE = tuple(name for name in DEFAULTS if name not in FIXED | SET_ALIKE)
#: Seconds that a trio takes to start, and to build a benchmark and hand over its turns: seen on two
#: cores.
STARTING, BUILDING = 3.0, 0.35


@dataclass(frozen=True)
class Wanted:
    """What a user asked for.

    Attributes:
        base: the side that is known.
        head: the side that is asked about.
        base_environment: "NAME=VALUE" of base's processes.
        head_environment: the same of head's.
        base_settings: defaults of torch that base's processes set first, "NAME=VALUE".
        head_settings: the same of head's.
        only: names, or patterns of names, of benchmarks; empty for all.
        file: a file of benchmarks; None for the project's own.
        suite: folders or files of tests that use pytest-benchmark.
        device: "auto", "cpu" or "cuda".
        threads: of torch in each process.
        margin: of every benchmark; None for what each declares.
        seconds: of measuring a benchmark; None for the default.
        blocks: fresh trios; None for as many as the intervals need.
        seed: every order and every random number starts from it.
        why: whether what got slower is measured once more with each changed default set equal.
    """

    base: str
    head: str
    base_environment: Sequence[str] = ()
    head_environment: Sequence[str] = ()
    base_settings: Sequence[str] = ()
    head_settings: Sequence[str] = ()
    only: Sequence[str] = ()
    file: Path | None = None
    suite: Sequence[Path] = ()
    device: str = "auto"
    threads: int = 1
    margin: float | None = None
    seconds: float | None = None
    blocks: int | None = None
    seed: int = 0
    why: bool = True


def start(
    wanted: Wanted, results: Path, *, cache: Path | None = None, repository: Path = Path()
) -> int:
    """Compare two sides; nothing is written before every argument has been checked.

    Args:
        wanted: what to compare.
        results: the folder of results; those of comparisons are below ``regress``.
        cache: keeps environments.
        repository: the git repository of commits.

    Returns:
        The exit code: 0 no regression, 1 regression, 3 inconclusive, 4 nothing was measured.

    Raises:
        HarnessError: a bad argument, a side that cannot be had, or a full disk.
    """
    console = Console(stderr=True, highlight=False)
    _check(wanted)
    asked = {
        BASE: Asked(
            wanted.base, _variables(wanted.base_environment), _settings(wanted.base_settings)
        ),
        HEAD: Asked(
            wanted.head, _variables(wanted.head_environment), _settings(wanted.head_settings)
        ),
    }
    sources = {side: read_source(each.source, repository) for side, each in asked.items()}
    asked = {side: _pinned(each, sources[side]) for side, each in asked.items()}
    device = open_device(wanted.device).kind
    benchmarks = () if wanted.suite else _declared(wanted, device, console)
    if not wanted.suite and not benchmarks:
        console.print("No benchmark is selected: nothing was measured.")
        return EXIT_CODES["nothing measured"]
    interpreters = _interpreters(asked, sources, console, cache or default_cache())
    if wanted.suite:
        benchmarks = _tests(wanted, interpreters[BASE], console)
        if not benchmarks:
            console.print("No test of the suite uses the fixture benchmark: nothing was measured.")
            return EXIT_CODES["nothing measured"]
    path = (wanted.file or OWN).resolve()
    file = "" if wanted.suite else from_home(str(path))
    suite = tuple(str(path) for path in wanted.suite)
    comparison = Comparison(
        asked[BASE],
        asked[HEAD],
        benchmarks,
        file,
        _measured_sha256(path, suite),
        suite,
        device,
        wanted.threads,
        wanted.seed,
        wanted.blocks or blocks_for(len(benchmarks)),
        SECONDS if wanted.seconds is None else wanted.seconds,
        datetime.now(UTC).isoformat(timespec="seconds"),
        current_commit(studies_folder().parent),
        describe_machine(device),
    )
    day = comparison.started[:10]
    name = f"{day}_{slug(dict(comparison.machine))}_{comparison.commit}"
    folder = create_folder(results, COMPARISONS, name)
    write_comparison(folder.path, comparison)
    return _carry_out(comparison, folder, interpreters, console, why=wanted.why)


def resume(
    run: str,
    results: Path,
    *,
    cache: Path | None = None,
    repository: Path = Path(),
    why: bool = True,
) -> int:
    """Go on with a comparison that was stopped; finished blocks are kept and not repeated.

    Args:
        run: its folder, or the name of it.
        results: the folder of results.
        cache: keeps environments.
        repository: the git repository of commits.
        why: see ``Wanted``.

    Returns:
        See ``start``.

    Raises:
        HarnessError: there is none, what it measures has changed, a file is broken, or another
            process is at it.
    """
    console = Console(stderr=True, highlight=False)
    folder = find_comparison(run, results)
    comparison = read_comparison(folder.path)
    if _measured_sha256(comparison.path, comparison.suite) != comparison.file_sha256:
        what = comparison.file or " and ".join(comparison.suite)
        raise HarnessError(f"{what} has changed since the comparison began: start a new one.")
    asked = {BASE: comparison.base, HEAD: comparison.head}
    # The newest torch is the newest of the day on which the comparison began.
    day = comparison.started[:10]
    sources = {side: read_source(each.source, repository, day) for side, each in asked.items()}
    interpreters = _interpreters(asked, sources, console, cache or default_cache())
    return _carry_out(comparison, folder, interpreters, console, why=why)


def _measured_sha256(file: Path, suite: Sequence[str]) -> str:
    """The checksum of what is measured: of a file of benchmarks, or of a suite of tests."""
    return suite_sha256(suite) if suite else file_sha256(file)


def _carry_out(
    comparison: Comparison,
    folder: RunFolder,
    interpreters: Mapping[Side, Interpreter],
    console: Console,
    *,
    why: bool,
) -> int:
    console.print(f"Folder: {folder.path}", soft_wrap=True)
    console.print(_forecast(comparison), soft_wrap=True)
    with _resumable(console, folder), locked(folder):
        folder.drop_partials()
        _measure(comparison, folder, interpreters, console, "measuring")
        show_sides(console, read_proofs(folder) or {})
        told = Compared.read(folder)
        told.write(folder)  # what was found stands, whatever becomes of the question why
        try:
            if why:
                _Explain(told, folder, interpreters, console).all()
        finally:
            explained = Compared.read(folder) if why else told
            if why and explained.explanations:
                explained.write(folder)
            _tell(explained, folder)
    return told.report.exit_code


def _measure(
    comparison: Comparison,
    folder: RunFolder,
    interpreters: Mapping[Side, Interpreter],
    console: Console,
    what: str,
) -> None:
    watch = gpu.open_watch if comparison.device == "cuda" else None
    with RegressBar(console, what) as bar:
        where = Path.cwd() if comparison.suite else folder.path
        Comparing(comparison, folder, interpreters, bar, where, watch).carry_out()


@dataclass(frozen=True)
class _Explain:
    """Measures what got slower once more, with one thing set equal on both sides at a time."""

    told: Compared
    folder: RunFolder
    interpreters: Mapping[Side, Interpreter]
    console: Console

    def all(self) -> None:
        """Measure each benchmark that got slower, with each thing that can be equal.

        A side that cannot be used so is said, and is no reason to lose the others.
        """
        slower = [
            f.benchmark for f in self.told.report.findings if f.word in ("slower", "hungrier")
        ]
        for difference in self.told.differing if slower else ():
            if difference.can_be_set_equal:
                try:
                    self.one(slower, difference)
                except HarnessError as error:
                    self.console.print(f"Not tried with {difference.name} set equal: {error}")

    def one(self, slower: Sequence[Benchmark], difference: Difference) -> None:
        """Measure the benchmarks that got slower, with this set to base's value on both sides.

        In as many trios as before: who asked for more did so because fewer would not do.
        """
        comparison = replace(
            self.told.comparison,
            base=_with_equal(self.told.comparison.base, difference),
            head=_with_equal(self.told.comparison.head, difference),
            benchmarks=tuple(slower),
        )
        folder = set_equal(self.folder, difference)
        if not (folder.path / COMPARISON).is_file():
            write_comparison(folder.path, comparison)
        comparison = read_comparison(folder.path)
        interpreters = {
            side: replace(
                self.interpreters[side], environment=dict(comparison.asked(side).environment)
            )
            for side in SIDES
        }
        what = f"{difference.name} set equal"
        _measure(comparison, folder, interpreters, self.console, what)
        read_turns(folder, comparison)  # what is broken is said


def _with_equal(asked: Asked, difference: Difference) -> Asked:
    if difference.kind == "default":
        return replace(asked, settings={**asked.settings, difference.name: difference.value})
    # Where base has no such variable, neither side has one: the value is None.
    return replace(asked, environment={**asked.environment, difference.name: difference.value})


def _tell(told: Compared, folder: RunFolder) -> None:
    """Show what was found, and say it to the job."""
    out = Console(highlight=False)
    show_report(out, told.comparison, told.report, told.differing, told.explanations)
    out.print(f"Page    {folder.path / PAGE}", soft_wrap=True)
    out.print(f"Figure  {folder.figures / f'{FIGURE}.png'}", soft_wrap=True)
    append_to_job(told.page)


def _check(wanted: Wanted) -> None:
    """Refuse what cannot be compared.

    Raises:
        HarnessError: a number out of its range.
    """
    if wanted.seed < 0:
        raise HarnessError(f"The seed must be 0 or more, not {wanted.seed}.")
    if wanted.threads < 1:
        raise HarnessError(f"The number of threads must be 1 or more, not {wanted.threads}.")
    if wanted.seconds is not None and not 0 < wanted.seconds <= 3600:
        raise HarnessError(f"The seconds of a benchmark must lie in 0 to 3600: {wanted.seconds}.")
    if wanted.blocks is not None and wanted.blocks < 1:
        raise HarnessError(f"The number of blocks must be 1 or more, not {wanted.blocks}.")
    if wanted.margin is not None:
        checked_margin(wanted.margin, "--margin")
    if wanted.file is not None and wanted.suite:
        raise HarnessError("Give a file of benchmarks or a suite of tests, not both.")


def _variables(given: Sequence[str]) -> dict[str, str | None]:
    return dict(_named(each, "an environment variable") for each in given)


def _settings(given: Sequence[str]) -> dict[str, str | bool | int | float]:
    """Defaults of torch by name, each a truth value, a number or a word."""
    found: dict[str, str | bool | int | float] = {}
    for name, value in (_named(each, "a default of torch") for each in given):
        if name not in SETTABLE:
            raise HarnessError(
                f"{shown(name)} is no default that can be set; there are {', '.join(SETTABLE)}."
            )
        try:
            found[name] = json.loads(value.lower())
        except ValueError:
            found[name] = value
        if not isinstance(found[name], (str, bool, int, float)):
            raise HarnessError(f"{shown(value)}: {name} is a truth value, a number or a word.")
    return found


def _named(given: str, what: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals or not name or "\0" in given:
        raise HarnessError(f"{shown(given)}: {what} is given as NAME=VALUE.")
    return name, value


def _pinned(asked: Asked, source: Source) -> Asked:
    """The side as it may be published, with its commit in full: HEAD is another one tomorrow."""
    pinned = f"{COMMIT}{source.revision}" if source.revision else from_home(asked.source)
    return replace(asked, source=pinned)


def _declared(wanted: Wanted, device: str, console: Console) -> tuple[Benchmark, ...]:
    """The benchmarks of a file that are wanted and can run here."""
    file = wanted.file or OWN
    kept = []
    for each in _chosen(read_benchmarks(file), wanted.only, str(file)):
        if lacking := _lacking(each.needs, device):
            console.print(f"{each.name} is left out: {lacking}.", soft_wrap=True)
        else:
            kept.append(each)
    return _with_margin(kept, wanted.margin)


def _chosen(
    benchmarks: Sequence[Benchmark], patterns: Sequence[str], where: str
) -> Sequence[Benchmark]:
    """Those that are wanted.

    Raises:
        HarnessError: nothing there has such a name.
    """
    unknown = [pattern for pattern in patterns if not _matching(benchmarks, [pattern])]
    if benchmarks and unknown:
        there = shown(", ".join(each.name for each in benchmarks), 400)
        raise HarnessError(f"{where}: there is no benchmark {unknown[0]!r}; there are {there}.")
    return _matching(benchmarks, patterns) if patterns else benchmarks


def _matching(benchmarks: Sequence[Benchmark], patterns: Sequence[str]) -> tuple[Benchmark, ...]:
    return tuple(b for b in benchmarks if any(fnmatch.fnmatch(b.name, p) for p in patterns))


def _with_margin(benchmarks: Sequence[Benchmark], margin: float | None) -> tuple[Benchmark, ...]:
    """The benchmarks with another margin for times; that of bytes stays what was declared."""
    return tuple(
        replace(b, margin=margin) if margin is not None and b.unit == "s" else b for b in benchmarks
    )


def _lacking(needs: str, device: str) -> str:
    """What a benchmark needs and this machine lacks; empty where it lacks nothing."""
    if needs == "cuda" and device != "cuda":
        return "it needs CUDA"
    if needs == "compiler" and not (shutil.which("c++") or shutil.which("g++")):
        return "it needs a C++ compiler"
    return ""


def _tests(wanted: Wanted, interpreter: Interpreter, console: Console) -> tuple[Benchmark, ...]:
    """The tests of a suite that are wanted and can run here."""
    found = collect(interpreter, wanted.suite, Path.cwd())
    for test, reason in found.skipped.items():
        console.print(f"{test} is left out: it is skipped ({shown(reason)}).", soft_wrap=True)
    tests = [Benchmark(test) for test in found.tests]
    where = " and ".join(map(str, wanted.suite))
    return _with_margin(_chosen(tests, wanted.only, where), wanted.margin)


def _interpreters(
    asked: Mapping[Side, Asked], sources: Mapping[Side, Source], console: Console, cache: Path
) -> dict[Side, Interpreter]:
    """An interpreter for each of the three; the two of base share one environment."""
    found: dict[Side, Interpreter] = {}
    for repository in {s.repository for s in sources.values() if s.repository is not None}:
        if uncommitted(repository):
            console.print(
                f"The working tree of {repository.resolve()} has changes that are not committed: "
                f"a side {COMMIT}... is measured without them.",
                soft_wrap=True,
            )
    for side, source in sources.items():
        with console.status(f"{side}: {source.text}"):
            python = interpreter_of(source, cache)
        found[side] = Interpreter(python, asked[side].environment, source.kind == "commit")
    return {side: found[HEAD if side == HEAD else BASE] for side in SIDES}


def _forecast(comparison: Comparison) -> str:
    count = len(comparison.benchmarks)
    measuring = comparison.seconds * count / 60
    starting = comparison.blocks * (STARTING + BUILDING * count) / 60
    return (
        f"{plural(count, 'benchmark')}, {comparison.blocks} fresh trios of processes, about "
        f"{measuring:.1f} min of measuring and {starting:.1f} min of starting and building"
    )


@contextmanager
def _resumable(console: Console, folder: RunFolder) -> Iterator[None]:
    """Say how to go on where a comparison is stopped."""
    try:
        yield
    except (KeyboardInterrupt, HarnessError):
        command = f"{Path(sys.executable).name} -m harness regress --resume {folder.path}"
        console.print(f"Finished blocks are kept. Go on with: {command}", soft_wrap=True)
        raise
