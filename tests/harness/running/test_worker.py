"""A member of a crew: what it forks is fresh, dies alone, and does not outlive the run."""

from __future__ import annotations

import signal
from dataclasses import replace
from functools import partial

import pandas as pd
import psutil
import pytest
from tests.harness.test_crew import dead_member, members

from harness.catalogue.loading import load_study
from harness.running.pool import _Member, measure_with_crew
from harness.running.prestart import Recruits
from harness.running.runner import steps_of
from harness.running.worker import can_fork
from tests.harness.runs import FRESH, Bench, House, bench, drawing, eventually, study_of

#: Two experiments that tell the process a block is in, and the one that this was forked from.
TWO = FRESH.replace('"pid": os.getpid()', '"pid": os.getpid(), "parent": os.getppid()').replace(
    '{"pid": "1", ', '{"pid": "1", "parent": "1", '
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
def test_a_member_forks_blocks_of_several_experiments_but_no_two_of_one(house: House) -> None:
    made = twins(house)
    made.execute(jobs=1)
    one, other = made.table("one"), made.table("other")
    pids = [*numbers(one, "pid").values(), *numbers(other, "pid").values()]
    assert len(set(pids)) == 6
    assert len(set(numbers(one, "parent").values())) == 3
    assert numbers(one, "parent") == numbers(other, "parent")
    assert members() == []


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
    assert members() == []


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["run", "member"])
def test_a_fork_ends_with_the_member_and_the_member_with_the_run(house: House, victim: str) -> None:
    (house.top / "hold").touch()
    with house.process("-m", "harness", "run", "fresh", "--jobs", "1") as process:
        started = house.top / "started-0"
        eventually(lambda: started.exists() and bool(started.read_text()), process)
        fork = psutil.Process(int(started.read_text()))
        member = psutil.Process(process.pid).children()[0]
        assert fork.parent() == member
        (process if victim == "run" else member).send_signal(signal.SIGKILL)
        eventually(lambda: not (fork.is_running() and member.is_running()))
        eventually(lambda: not fork.is_running() or fork.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.slow
def test_processes_that_start_at_once_measure_one_after_another_each_once(house: House) -> None:
    made = twins(house)
    recruits = Recruits(made.protocol, made.folder, 2)
    crew = measure_with_crew(
        made.protocol, made.folder, steps_of(made.protocol), 1, lambda: 0.0, recruits=recruits
    )
    seen = []
    for step, _, failures in crew:
        seen.append((step.rules.name, step.planned.index, failures))
        # The one that measures, and one that waits its turn; of three the last starts alone.
        assert len(members()) <= 2
    assert seen == [(name, block, 0) for block in range(3) for name in ("one", "other")]
    made.execute(jobs=1)
    assert len(set(numbers(made.table("one"), "parent").values())) == 3
    assert members() == []


@pytest.mark.slow
def test_recruits_start_when_a_member_is_idle_once_and_join_the_next_crew(house: House) -> None:
    made = twins(house)
    steps = steps_of(made.protocol)
    first, last = steps[:1], steps[1:]
    recruits = Recruits(made.protocol, made.folder, 2)
    begin = partial(measure_with_crew, made.protocol, made.folder, clock=lambda: 0.0)
    assert len(list(begin(first, 2, when_idle=lambda: recruits.start(last)))) == 1
    early = members()
    assert len(early) == 2
    recruits.start(last)
    assert members() == early, "who waits is not started twice"
    assert len(list(begin(last, 1, recruits=recruits))) == 5
    made.execute(jobs=1)
    assert set(numbers(made.table("other"), "parent").values()) >= set(early)
    assert members() == []


def test_recruits_whom_nobody_asks_for_end_with_the_run(house: House) -> None:
    made = twins(house)
    recruits = Recruits(made.protocol, made.folder, 2)
    recruits.start([])
    assert members() == []
    recruits.start(steps_of(made.protocol))
    assert len(members()) == 2
    recruits.dismiss()
    assert members() == []


def test_where_members_cannot_fork_each_fresh_block_has_one_of_its_own(house: House) -> None:
    made = bench(house.top / "run", study_of(a=drawing(2, fresh_process=True), b=drawing(2)))
    protocol = made.protocol
    assert can_fork(protocol)
    assert not can_fork(replace(protocol, device="cuda"))
    member, steps = _used(made), steps_of(protocol)
    fresh, shared = (next(s for s in steps if s.rules.name == name) for name in "ab")
    member.ask(fresh, 0.0)
    assert not member.suits(shared, forks=False)
    assert not member.suits(fresh, forks=False)
    assert member.suits(shared, forks=True)


def _used(made: Bench) -> _Member:
    member = dead_member(made)
    member.process.returncode = None  # what is asked is what a living one would suit
    return member
