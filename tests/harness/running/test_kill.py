"""Nothing is lost: runs that are really killed, again and again, end like undisturbed ones."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest

from harness.running.runner import steps_of
from harness.store.folders import RunFolder
from tests.harness.mortal import LONG, SHORT
from tests.harness.runs import (
    REPOSITORY,
    Bench,
    House,
    bench,
    eventually,
    named,
    snapshot,
)

Order = Callable[[Bench, str], str]


@pytest.fixture
def mortal() -> Iterator[Order]:
    """Gives orders to ``mortal.py``."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).parents[1] / "mortal.py")],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        sent, answers = process.stdin, process.stdout

        def order(made: Bench, manner: str) -> str:
            sent.write(f"{made.folder.path} {manner}\n")
            sent.flush()
            return answers.readline().strip()

        yield order
        sent.close()


def begun(made: Bench) -> list[tuple[str, int]]:
    """The blocks that all attempts so far have begun, in order."""
    log = Path(f"{made.folder.path}.log")
    lines = log.read_text().splitlines() if log.exists() else []
    return [(name, int(index)) for name, _, index in (line.partition(" ") for line in lines)]


def finished(made: Bench) -> set[tuple[str, int]]:
    """The blocks that are on the disk."""
    return {
        (step.rules.name, step.planned.index)
        for step in steps_of(made.protocol)
        if made.folder.table(step.rules.name).is_file()
        or made.part(step.rules.name, step.planned.index).is_file()
    }


def killed_until_done(made: Bench, order: Order, manners: Iterator[str]) -> int:
    """Start a run again after each kill until it is done; how many kills it took."""
    for kills, manner in enumerate(manners):
        kept, before = finished(made), len(begun(made))
        answer = order(made, manner)
        repeated = kept & set(begun(made)[before:])
        assert not repeated, f"finished blocks were measured again: {repeated}"
        assert kept <= finished(made), "a finished block was lost"
        if answer == "done":
            return kills
        assert answer == "killed"
    raise AssertionError("unreachable")


def moments(seed: int) -> Iterator[str]:
    """Ways to die, drawn from a seed: before an operation on a file, or at any time."""
    draw = random.Random(seed)
    while True:
        if draw.random() < 0.75:
            yield f"before {draw.randint(1, 12)}"
        else:
            yield f"after {draw.uniform(0, 0.15):.4f}"


def test_a_run_killed_at_many_random_moments_ends_like_an_undisturbed_one(
    tmp_path: Path, mortal: Order
) -> None:
    undisturbed = bench(tmp_path / "undisturbed", LONG)
    assert mortal(undisturbed, "never") == "done"
    expected = snapshot(undisturbed.folder.path)
    assert begun(undisturbed) == [named(step) for step in steps_of(undisturbed.protocol)]
    kills = runs = 0
    while kills < 25:
        made = bench(tmp_path / f"killed-{runs}", LONG)
        kills += killed_until_done(made, mortal, moments(seed=runs))
        assert snapshot(made.folder.path) == expected
        runs += 1


def test_a_run_killed_before_any_single_operation_on_its_files_ends_like_an_undisturbed_one(
    tmp_path: Path, mortal: Order
) -> None:
    undisturbed = bench(tmp_path / "undisturbed", SHORT)
    assert mortal(undisturbed, "never") == "done"
    expected = snapshot(undisturbed.folder.path)
    for number in range(1, 100):
        made = bench(tmp_path / f"killed-{number}", SHORT)
        kills = killed_until_done(made, mortal, iter([f"before {number}", "never"]))
        assert snapshot(made.folder.path) == expected
        if not kills:
            break
    # Each of two blocks and the table: open, flush, rename. The rest makes and removes folders.
    assert number - 1 >= 3 * 3 + 4


# -- the command line, killed ----------------------------------------------------------------------


@pytest.mark.slow
def test_a_command_killed_within_a_block_takes_its_pool_along_and_goes_on_with_resume(
    house: House,
) -> None:
    (house.top / "hold").touch()
    with house.process("-m", "harness", "run", "planted", "--jobs", "2") as process:
        eventually(lambda: 3 in house.measured(), process)
        pool = psutil.Process(process.pid).children()
        assert len(pool) == 2
        process.send_signal(signal.SIGKILL)
    eventually(lambda: all(ended(worker) for worker in pool))
    (house.top / "hold").unlink()
    resumed, measured = house.only_run(), house.measured()
    finished = [int(path.stem) for path in resumed.parts("slow").glob("*.parquet")]
    assert 3 not in finished

    assert house("run", "planted", "--resume", resumed.path.name).code == 0
    assert sorted(finished + house.measured()[len(measured) :]) == list(range(9))
    undisturbed = RunFolder(next(house.stored.glob("*/*")))
    assert snapshot(resumed.figures) == snapshot(undisturbed.figures)
    for name in ("verdicts.csv", "summary.csv"):
        assert (resumed.path / name).read_bytes() == (undisturbed.path / name).read_bytes()
    for name in ("level", "slow"):
        found, expected = (pd.read_parquet(run.table(name)) for run in (resumed, undisturbed))
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    leftovers = [*resumed.path.rglob("*.partial"), *resumed.path.rglob("*.parts")]
    assert not leftovers


@pytest.mark.slow
def test_a_block_in_a_process_of_its_own_does_not_outlive_the_run_that_is_killed(
    house: House,
) -> None:
    """It would go on writing into the folder, beside the run that resumes."""
    (house.top / "hold").touch()
    started = house.top / "started-0"
    with house.process("-m", "harness", "run", "fresh") as process:
        eventually(lambda: started.exists() and started.read_text() != "", process)
        worker = psutil.Process(int(started.read_text()))
        assert worker.is_running()
        process.send_signal(signal.SIGKILL)
    eventually(lambda: ended(worker))
    assert not list(house.only_run().parts("fresh").glob("*"))


def ended(process: psutil.Process) -> bool:
    """Whether a process has ended, be it that nobody has asked for its exit code yet."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
