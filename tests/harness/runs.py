"""Planted studies, a recording device and a house to run them in: helpers, no tests."""

from __future__ import annotations

import importlib.util
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from harness.cli.app import main
from harness.design.aa import AA
from harness.design.claims import Claim
from harness.design.contrasts import Value
from harness.design.experiment import Experiment, Responses, Study
from harness.design.factors import Arm, Block, Factor, PerProfile, Profile
from harness.design.regions import at_least
from harness.design.responses import Response
from harness.meters.device import Device
from harness.meters.gpu import Watch
from harness.protocol.protocol import Protocol, new_protocol, write_protocol
from harness.protocol.rules import Step
from harness.protocol.selection import ALL, Selection
from harness.running.runner import execute
from harness.store.folders import RunFolder
from harness.store.observations import read_observations

REPOSITORY = Path(__file__).parents[2]

#: A study of two experiments. `level` finishes at once; `slow` logs every block it measures and
#: waits in block 3 as long as a file "hold" lies in the working folder.
LEVEL = '''
"""Does a planted shift come out?"""

import random

from harness import (
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Unmeasurable,
    Value,
    at_least,
    at_most,
    equals,
)

MODE = Factor("mode", ("plain", "shifted", "again"), control="plain")


def measure(block, arm):
    return {"level": random.random() + (1.0 if arm[MODE] == "shifted" else 0.0)}


def levels_by_block(table):
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.add_subplot()
    for mode, rows in table.groupby("mode"):
        axes.plot(rows["block"], rows["value"], "o", label=mode)
    axes.set_title("Planted levels")
    axes.legend()
    return figure


EXPERIMENT = Experiment(
    question="Does a planted shift of 1 come out?",
    measure=measure,
    responses=(Response("level", "m", "the level"),),
    factors=(MODE,),
    blocks=PerProfile(8, 9, 10),
    claims=(
        Claim("P-up-1", Difference("level", MODE).at(mode="shifted"), at_least(0.5), "Up by half."),
        Claim("P-down-1", Difference("level", MODE).at(mode="shifted"), at_most(0.5), "No more."),
        Claim("P-both-1", Difference("level", MODE), at_least(0.5), "Both go up by half."),
        Claim("P-open-1", Value("level").at(mode="plain"), at_least(0.5), "Half or more is high."),
        Control("two names for one arm", Difference("level", MODE).at(mode="again"), equals(0)),
        Unmeasurable("P-field-1", "field data", "a survey would have to be held"),
    ),
    figures=(levels_by_block,),
)
'''
SLOW = '''
"""Logs what it measures."""

import random
import time
from pathlib import Path

from harness import Claim, Experiment, PerProfile, Response, Value, between


def measure(block, arm):
    with Path("measured.log").open("a") as log:
        log.write(f"{block.index}\\n")
    while block.index == 3 and Path("hold").exists():
        time.sleep(0.01)
    return {"draw": [random.random() for _ in range(3)]}


EXPERIMENT = Experiment(
    question="Is a uniform draw between 0 and 1?",
    measure=measure,
    responses=(Response("draw", "1", "a draw"),),
    blocks=PerProfile(8, 9, 10),
    claims=(Claim("P-draw-1", Value("draw").always(), between(0, 1), "Every draw lies there."),),
)
'''
#: A study whose blocks run in processes of their own. A file "deaths" says which die and how.
FRESH = '''
"""What becomes of blocks in processes of their own?"""

import ctypes
import os
import random
import signal
import time
from pathlib import Path

from harness import Claim, Experiment, Factor, PerProfile, Response, Value, at_least

COST = "no time at all"
PLACE = Factor("place", ("here", "there"))


def measure(block, arm):
    Path(f"started-{block.index}").write_text(str(os.getpid()))
    while Path("hold").exists():
        time.sleep(0.01)
    deaths = Path("deaths").read_text() if Path("deaths").exists() else ""
    if f"kill {block.index}" in deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    if f"crash {block.index}" in deaths:
        ctypes.string_at(0)
    return {"pid": os.getpid(), "draw": random.random()}


EXPERIMENT = Experiment(
    question="Does a block survive the death of another?",
    measure=measure,
    responses=(Response("pid", "1", "the process's number"), Response("draw", "1", "a draw")),
    factors=(PLACE,),
    blocks=PerProfile(3, 3, 3),
    claims=(Claim("P-pid-1", Value("pid"), at_least(1), "Numbers begin at 1."),),
    fresh_process=True,
)
'''
CATALOGUE = """claim,document,section,says,scope,quantifier,same_as,kind,needs,study
P-up-1,A,Shifts,A shift goes up.,shifts,always,,number,cpu,planted
P-down-1,A,Shifts,A shift goes down.,shifts,always,,number,cpu,planted
P-both-1,B,Shifts,Every change goes up.,changes,always,P-up-1,number,cpu,planted
P-open-1,B,Shifts,Levels are high.,levels,single,,number,cpu or cuda,planted
P-field-1,C,Surveys,People like shifts.,people,frequency,,advice,field data,planted
P-draw-1,C,Draws,A draw is between 0 and 1.,draws,always,,number,cpu,planted
P-pid-1,D,Processes,A process has a number.,processes,always,,number,cuda,fresh
P-later-1,D,Later,Nobody has looked into this.,later,always,,number,cpu,unwritten
"""
#: Stands in for torch where a process needs no more of it than that it can be imported, which
#: with the real one takes seconds.
STUB_TORCH = '''
"""As much of torch as opening and describing the CPU takes."""

from types import SimpleNamespace

__version__ = "0.0.stub"
version = SimpleNamespace(cuda=None)
cuda = SimpleNamespace(is_available=lambda: False)
backends = SimpleNamespace(cpu=SimpleNamespace(get_cpu_capability=lambda: "none"))
default_generator = SimpleNamespace(manual_seed=lambda seed: None)


class Tensor:
    """scipy asks whether an array is one."""


def get_num_threads():
    return 1


def get_num_interop_threads():
    return 1
'''


@dataclass
class RecordingDevice:
    """Writes down what the runner asks of it, and seeds Python's generator like the real one."""

    calls: list[tuple[object, ...]] = field(default_factory=list)
    kind: str = "cpu"

    def start(self, seed: int, threads: int) -> None:
        self.calls.append(("start", seed, threads))
        random.seed(seed)

    def synchronise(self) -> None:
        self.calls.append(("synchronise",))

    def mark(self) -> object:
        return None

    def seconds_between(self, first: object, last: object) -> float | None:
        return None

    def watch(self) -> Watch | None:
        return None


@dataclass
class RecordingReporter:
    """Writes down what the runner reports."""

    todo: list[tuple[str, int]] = field(default_factory=list)
    finished: list[tuple[str, int, float, int]] = field(default_factory=list)

    def begin(self, steps: list[Step]) -> None:
        self.todo = [named(step) for step in steps]

    def done(self, step: Step, seconds: float, failures: int) -> None:
        self.finished.append((*named(step), seconds, failures))


def ticking(blocks: int, **settings: Any) -> Experiment[Any]:  # noqa: ANN401 - whatever it takes
    """A timed experiment whose tasks do nothing."""
    return Experiment(
        question="How long does nothing take?",
        task=lambda cell, arm: lambda: None,
        rounds=PerProfile(2, 4, 8),
        aa=AA(0.5, at={"mode": "plain"}),
        factors=(MODE,),
        blocks=PerProfile(blocks, blocks, blocks),
        **settings,
    )


def named(step: Step) -> tuple[str, int]:
    """A step as experiment and block."""
    return step.rules.name, step.planned.index


def study_of(**experiments: Experiment[Any]) -> Study:
    """A study made of these experiments."""
    return Study("planted", "Does it run?", experiments, ())


def protocol_of(
    study: Study, *, device: str = "cpu", profile: Profile = "quick", selection: Selection = ALL
) -> Protocol:
    """The protocol of a run with seed 0, the same whenever it is made."""
    return new_protocol(
        study,
        profile,
        device,
        seed=0,
        started="2026-01-01T00:00:00+00:00",
        commit="0000000",
        source_sha256="source",
        machine={"cpu": "planted"},
        selection=selection,
    )


@dataclass(frozen=True)
class Bench:
    """A run folder with its protocol, run by calls instead of by the command line."""

    study: Study
    protocol: Protocol
    folder: RunFolder

    def execute(
        self,
        device: Device | None = None,
        clock: Callable[[], float] = lambda: 0.0,
        jobs: int = 1,
        *,
        order: Sequence[str] = (),
        ends: float = math.inf,
        reporter: RecordingReporter | None = None,
    ) -> RecordingReporter:
        """Run what is not done yet."""
        reporter = reporter or RecordingReporter()
        execute(
            self.study,
            self.protocol,
            self.folder,
            device or RecordingDevice(),
            reporter,
            jobs=jobs,
            clock=clock,
            order=order,
            ends=ends,
        )
        return reporter

    def table(self, name: str) -> pd.DataFrame:
        """The finished table of an experiment."""
        return read_observations(self.folder, self.protocol, self.protocol.experiments[name])

    def part(self, name: str, index: int) -> Path:
        """The file of one finished block."""
        return self.folder.part(name, index)


def bench(path: Path, study: Study, *, device: str = "cpu", selection: Selection = ALL) -> Bench:
    """A fresh run folder for a study."""
    protocol = protocol_of(study, device=device, selection=selection)
    path.mkdir(parents=True, exist_ok=True)
    write_protocol(path, protocol, {"cpu": "planted"})
    return Bench(study, protocol, RunFolder(path))


MODE = Factor("mode", ("plain", "shifted"), control="plain")


def draw(cell: Block, arm: Arm) -> Responses:
    """Two numbers of Python's stream."""
    return {"draw": [random.random(), random.random()]}


def drawing(blocks: int, **settings: Any) -> Experiment[Any]:  # noqa: ANN401 - any setting
    """Draws two numbers in each of two arms."""
    settings = {"measure": draw, **settings}
    return Experiment(
        question="What is drawn?",
        responses=(Response("draw", "1", "a draw"),),
        factors=(MODE,),
        blocks=PerProfile(blocks, blocks, blocks),
        claims=(Claim("P-draw-1", Value("draw"), at_least(0)),),
        **settings,
    )


def interrupting(index: int) -> Experiment[Any]:
    """Stops at a block, as Ctrl-C would, the first time it gets there."""
    times: list[int] = []

    def measure(cell: Block, arm: Arm) -> Responses:
        if cell.index == index and not times:
            times.append(index)
            raise KeyboardInterrupt
        return draw(cell, arm)

    return drawing(4, measure=measure)


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


@contextmanager
def children_hear_ctrl_c() -> Iterator[None]:
    """A shell starts what it runs in the background deaf to Ctrl-C, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass(frozen=True)
class House:
    """A working folder with a package of planted studies, and a command line that sees only it.

    Attributes:
        top: the working folder; the package ``studies`` lies in it.
        capture: pytest's captured output.
        stored: a results folder with a finished run of the planted study, to copy from.
    """

    top: Path
    capture: pytest.CaptureFixture[str]
    stored: Path

    @property
    def results(self) -> Path:
        return self.top / "results"

    def __call__(self, *arguments: str) -> Outcome:
        """Run a command in this process."""
        self.capture.readouterr()
        before, sys.argv = sys.argv, ["harness", *arguments]
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        else:
            code = 0
        finally:
            sys.argv = before
        captured = self.capture.readouterr()
        return Outcome(code, captured.out, captured.err)

    def finished(self) -> RunFolder:
        """A finished reference run of the planted study, as a run of this version would be."""
        shutil.copytree(self.stored, self.results)
        return self.only_run()

    def only_run(self) -> RunFolder:
        """The one run in the results folder."""
        (path,) = self.results.glob("*/*")
        return RunFolder(path)

    @contextmanager
    def process(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command in a process of its own, in a process group of its own."""
        with children_hear_ctrl_c():
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.top,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def ended(self, *arguments: str) -> Outcome:
        """How a command in a process of its own ended."""
        with self.process(*arguments) as process:
            out, err = process.communicate(timeout=60)
            return Outcome(process.returncode, out, err)

    def measured(self) -> list[int]:
        """The blocks that ``slow`` has measured, in order."""
        log = self.top / "measured.log"
        return [int(line) for line in log.read_text().split()] if log.exists() else []


def build_house(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the planted studies into a folder and make this process's command line see them."""
    package = top / "studies"
    (package / "planted").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "claims.csv").write_text(CATALOGUE)
    head = '"""Does the harness run what is planted?"""\n\nCOST = "1 s"\n'
    (package / "planted" / "__init__.py").write_text(head)
    (package / "planted" / "level.py").write_text(LEVEL)
    (package / "planted" / "slow.py").write_text(SLOW)
    (package / "fresh.py").write_text(FRESH)
    (top / "stub" / "torch").mkdir(parents=True)
    (top / "stub" / "torch" / "__init__.py").write_text(STUB_TORCH)
    # The real studies may be imported already: in this process the package has another name.
    alias = f"studies_{uuid.uuid4().hex}"
    (top / alias).symlink_to(package)
    monkeypatch.syspath_prepend(str(top))
    monkeypatch.setattr("harness.catalogue.cards.PACKAGE", alias)
    monkeypatch.setitem(sys.modules, "torch", _stub_torch(top / "stub" / "torch" / "__init__.py"))
    monkeypatch.chdir(top)
    monkeypatch.setenv("COLUMNS", "160")
    # Other processes find the stub of torch, then the harness; the studies are where they start.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(top / "stub"), str(REPOSITORY)]))
    # In this process blocks are measured here unless a test asks for more jobs.
    monkeypatch.setattr("harness.cli.open_run.usable_cores", lambda: 1)


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder with its content, None for folders; not how long a run took."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if "__pycache__" not in path.parts and path.name != "durations.json"
    }


def eventually(happened: Callable[[], bool], process: subprocess.Popen[Any] | None = None) -> None:
    """Wait until something has happened, a minute at most or until the process has ended."""
    for _ in range(6000):
        if happened():
            return
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise AssertionError("it did not happen within a minute")


def _stub_torch(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("torch", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
