"""A worker of a pool: what it forks is fresh, dies alone, and does not outlive the run."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from functools import partial

import pandas as pd
import psutil
import pytest

from harness.catalogue.loading import load_study
from harness.meters.device import TorchDevice
from harness.running.pool import _Worker, measure_in_pool
from harness.running.prestart import Prestart, starts_at_once
from harness.running.runner import steps_of
from harness.running.worker import _Bench, _measure_in_fork, can_fork
from tests.harness.running.test_pool import dead_worker, workers
from tests.harness.runs import (
    FRESH,
    Bench,
    House,
    bench,
    drawing,
    eventually,
    protocol_of,
    study_of,
)

#: Two experiments that tell the process a block is in, and the one that this was forked from.
TWO = FRESH.replace('"pid": os.getpid()', '"pid": os.getpid(), "parent": os.getppid()').replace(
    "responses=(", 'responses=(Response("parent", "1", "the number of its parent"), '
)


def twins(house: House) -> Bench:
    """A run of two experiments of three blocks each, all in fresh processes."""
    package = house.top / "studies" / "twins"
    package.mkdir()
    (package / "__init__.py").write_text('"""Who comes from whom?"""\n\nCOST = "no time"\n')
    for name in ("one", "other"):
        (package / f"{name}.py").write_text(TWO)
    return bench(house.top / "run", load_study("twins"))


def numbers(table: pd.DataFrame, response: str) -> dict[int, int]:
    """A response's only value of each block."""
    values = table[table["response"] == response].groupby("block")["value"].unique()
    return {int(str(block)): int(value) for block, (value,) in values.items()}


@pytest.mark.slow
def test_a_worker_forks_blocks_of_several_experiments_but_no_two_of_one(house: House) -> None:
    made = twins(house)
    made.execute(jobs=1)
    one, other = made.table("one"), made.table("other")
    pids = [*numbers(one, "pid").values(), *numbers(other, "pid").values()]
    assert len(set(pids)) == 6
    assert len(set(numbers(one, "parent").values())) == 3
    assert numbers(one, "parent") == numbers(other, "parent")
    assert workers() == []


@pytest.mark.slow
@pytest.mark.parametrize(("death", "name"), [("kill", "SIGKILL"), ("crash", "SIGSEGV")])
def test_a_fork_that_dies_leaves_failed_rows_and_the_others_untouched(
    house: House, death: str, name: str
) -> None:
    (house.top / "deaths").write_text(f"{death} 1")
    made = twins(house)
    made.execute(jobs=1)
    for table in (made.table("one"), made.table("other")):
        failed = table[table["status"] != "ok"]
        assert set(failed["block"]) == {1}
        message = f"the block's process was killed by {name} and wrote nothing"
        assert set(failed["message"]) == {message}
    assert workers() == []


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["run", "worker"])
def test_a_fork_ends_with_the_worker_and_the_worker_with_the_run(house: House, victim: str) -> None:
    (house.top / "hold").touch()
    with house.process("-m", "harness", "run", "fresh", "--jobs", "1") as process:
        started = house.top / "started-0"
        eventually(lambda: started.exists() and bool(started.read_text()), process)
        fork = psutil.Process(int(started.read_text()))
        worker = psutil.Process(process.pid).children()[0]
        assert fork.parent() == worker
        (process if victim == "run" else worker).send_signal(signal.SIGKILL)
        eventually(lambda: not (fork.is_running() and worker.is_running()))
        eventually(lambda: not fork.is_running() or fork.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.slow
def test_processes_that_start_at_once_measure_one_after_another_each_once(house: House) -> None:
    made = twins(house)
    prestart = Prestart(made.folder, 2)
    pool = measure_in_pool(
        made.protocol, made.folder, steps_of(made.protocol), 1, lambda: 0.0, prestart=prestart
    )
    seen = []
    for step, _, failures in pool:
        seen.append((step.rules.name, step.planned.index, failures))
        # The one that measures, and one that waits its turn; of three the last starts alone.
        assert len(workers()) <= 2
    assert seen == [(name, block, 0) for block in range(3) for name in ("one", "other")]
    made.execute(jobs=1)
    assert len(set(numbers(made.table("one"), "parent").values())) == 3
    assert workers() == []


@pytest.mark.slow
def test_prestart_start_when_a_worker_is_idle_once_and_join_the_next_pool(house: House) -> None:
    made = twins(house)
    steps = steps_of(made.protocol)
    first, last = steps[:1], steps[1:]
    prestart = Prestart(made.folder, 2)
    begin = partial(measure_in_pool, made.protocol, made.folder, clock=lambda: 0.0)
    assert len(list(begin(first, 2, when_idle=lambda: prestart.start(last)))) == 1
    early = workers()
    assert len(early) == 2
    prestart.start(last)
    assert workers() == early, "who waits is not started twice"
    assert len(list(begin(last, 1, prestart=prestart))) == 5
    made.execute(jobs=1)
    assert set(numbers(made.table("other"), "parent").values()) >= set(early)
    assert workers() == []


def test_prestart_whom_nobody_asks_for_end_with_the_run(house: House) -> None:
    made = twins(house)
    prestart = Prestart(made.folder, 2)
    prestart.start([])
    assert workers() == []
    prestart.start(steps_of(made.protocol))
    assert len(workers()) == 2
    prestart.dismiss()
    assert workers() == []


def test_where_workers_cannot_fork_each_fresh_block_has_one_of_its_own(house: House) -> None:
    made = bench(house.top / "run", study_of(a=drawing(2, fresh_process=True), b=drawing(2)))
    assert can_fork()
    worker, steps = _used(made), steps_of(made.protocol)
    fresh, shared = (next(s for s in steps if s.rules.name == name) for name in "ab")
    worker.ask(fresh, 0.0)
    assert not worker.suits(shared, forks=False)
    assert not worker.suits(fresh, forks=False)
    assert worker.suits(shared, forks=True)


def _used(made: Bench) -> _Worker:
    worker = dead_worker(made)
    worker.process.returncode = None  # what is asked is what a living one would suit
    return worker


@pytest.mark.parametrize(
    ("at_work_on", "next_one", "forks", "suits"),
    [
        ("fresh", "other fresh", True, True),  # forked from one that has measured nothing
        ("fresh", "fresh", True, False),  # no two blocks of one experiment from one process
        ("fresh", "other fresh", False, False),  # it has measured itself, and is used up
        ("fresh", "shared", True, True),
        ("fresh", "shared", False, False),
        ("shared", "shared", True, True),
        ("shared", "shared", False, True),
        ("shared", "fresh", True, False),  # it has measured: nothing forked from it is fresh
        ("shared", "fresh", False, False),
    ],
)
def test_a_worker_suits_a_step_that_what_it_has_measured_leaves_untouched(
    at_work_on: str, next_one: str, forks: bool, suits: bool, house: House
) -> None:
    names = {"fresh": "a", "other fresh": "b", "shared": "c"}
    made = bench(
        house.top / "run",
        study_of(a=drawing(2, fresh_process=True), b=drawing(2, fresh_process=True), c=drawing(2)),
    )
    steps = {step.rules.name: step for step in steps_of(made.protocol)}
    worker = _used(made)
    worker.experiments.clear()
    worker.ask(steps[names[at_work_on]], 0.0)
    assert worker.suits(steps[names[next_one]], forks=forks) is suits
    worker.process.returncode = -9
    assert not worker.suits(steps[names[next_one]], forks=forks), "it is dead"


@dataclass(frozen=True)
class SpoiltDevice(TorchDevice):
    """CUDA that a process has used before it forked."""

    def spoilt_by_fork(self) -> bool:
        return True


@pytest.mark.parametrize("spoilt", [False, True])
def test_a_fork_that_finds_the_device_spoilt_measures_nothing(spoilt: bool, house: House) -> None:
    made = bench(house.top / "run", load_study("fresh"))
    device = SpoiltDevice("cpu") if spoilt else TorchDevice("cpu")
    plans = {"fresh": made.protocol.experiments["fresh"].plan("fresh", 0)}
    worker = _Bench(made.study, made.protocol, made.folder, device, plans)
    step = steps_of(made.protocol)[0]
    reader, writer = os.pipe()
    with os.fdopen(reader) as requests, os.fdopen(writer, "w"):
        failures = _measure_in_fork(worker, step, requests)
    assert failures == (None if spoilt else 0)
    assert made.folder.part("fresh", step.planned.index).is_file() is not spoilt


def test_a_worker_that_has_measured_itself_is_not_asked_to_fork_again(house: House) -> None:
    made = bench(house.top / "run", study_of(a=drawing(2, fresh_process=True), b=drawing(2)))
    worker, steps = _used(made), steps_of(made.protocol)
    fresh, shared = (next(s for s in steps if s.rules.name == name) for name in "ab")
    worker.ask(shared, 0.0)
    worker.spent = True
    assert not worker.suits(fresh, forks=True)
    assert worker.suits(shared, forks=True)


@pytest.mark.parametrize(
    ("device", "jobs", "cores", "at_once"),
    [
        ("cpu", 1, 16, 1),
        ("cpu", 4, 2, 4),
        ("cuda", 1, 16, 8),
        ("cuda", 1, 2, 2),
        ("cuda", 12, 4, 12),
    ],
)
def test_on_a_gpu_workers_start_side_by_side_although_one_measures(
    device: str, jobs: int, cores: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.running.prestart.usable_cores", lambda: cores)
    protocol = protocol_of(study_of(a=drawing(1)), device=device)
    assert starts_at_once(protocol, jobs) == at_once
