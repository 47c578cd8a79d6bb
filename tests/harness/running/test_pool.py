"""Blocks measured side by side: the same rows, and no block lost with the process that dies."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from selectors import DefaultSelector

import pandas as pd
import psutil
import pytest

from harness.catalogue.loading import load_study
from harness.errors import HarnessError
from harness.protocol.protocol import read_protocol
from harness.protocol.selection import Selection
from harness.running.budget import unlimited
from harness.running.measure import measure_step
from harness.running.pool import _Pool, _Worker, measure_in_pool
from harness.running.prestart import Prestart, end
from harness.running.runner import steps_of
from harness.running.worker import serve
from tests.harness.runs import (
    FRESH,
    Bench,
    House,
    RecordingDevice,
    RecordingReporter,
    bench,
    drawing,
    named,
    study_of,
)


def crowd(house: House, *, fresh: bool = False) -> Bench:
    """A run of six blocks that may be measured side by side."""
    alike = FRESH.replace("fresh_process=True", f"fresh_process={fresh}")
    (house.top / "studies" / "crowd.py").write_text(alike.replace("(3, 3, 3)", "(6, 6, 6)"))
    return bench(house.top / "run", load_study("crowd"))


@pytest.mark.slow
def test_what_is_under_way_when_the_time_is_over_is_given_up(house: House) -> None:
    (
        house.top / "hold"
    ).touch()  # the experiment "slow" waits in its block 3 as long as this is there
    made = bench(house.top / "run", load_study("planted"), selection=Selection((), 60.0))
    blocks = made.protocol.experiments["level"].blocks
    reporter = RecordingReporter()

    def finished() -> int:
        return sum(name == "level" for name, *_ in reporter.finished)

    def clock() -> float:
        # What was reported, not what is on the disk: a worker says so a moment after it wrote.
        return 100.0 if finished() == blocks else 0.0

    made.execute(jobs=2, clock=clock, ends=50.0, order=["level", "slow"], reporter=reporter)
    assert made.folder.has_table("level")
    assert not made.folder.has_table("slow")
    assert not list(made.folder.path.rglob("*.partial"))
    assert workers() == []
    assert finished() == blocks
    (house.top / "hold").unlink()
    made.execute(jobs=2)
    assert made.folder.has_table("slow")


@pytest.mark.slow
def test_a_first_block_that_takes_too_long_for_the_others_is_given_up_before_the_end(
    house: House,
) -> None:
    (house.top / "hold").touch()  # every block waits as long as this is there
    made = crowd(house)
    ticks = itertools.count(0.0, 0.1)
    asked: list[float] = []

    def clock() -> float:
        asked.append(next(ticks))
        return asked[-1]

    made.execute(jobs=1, clock=clock, ends=6.0, order=["crowd"])
    assert asked[-1] < 6.0
    assert not made.folder.has_table("crowd")
    assert workers() == []
    (house.top / "hold").unlink()
    made.execute(jobs=1)
    assert made.folder.has_table("crowd")


def workers() -> list[int]:
    """The processes of a pool that this process has started."""
    children = psutil.Process().children(recursive=True)
    return [
        child.pid for child in children if "harness.running.worker" in " ".join(child.cmdline())
    ]


@pytest.mark.slow
def test_a_block_that_asks_for_a_fresh_process_shares_it_with_no_other(house: House) -> None:
    made = crowd(house, fresh=True)
    made.execute(jobs=2)
    table = made.table("crowd")
    pids = table[table["response"] == "pid"].groupby("block")["value"].unique()
    assert len({float(pid) for found in pids for pid in found}) == 6
    assert workers() == []


@pytest.mark.slow
def test_workers_share_the_blocks_and_where_one_dies_another_takes_its_place(
    house: House,
) -> None:
    (house.top / "deaths").write_text("kill 1")
    made = crowd(house)
    reporter = made.execute(jobs=2)
    assert sorted((index, failures) for _, index, _, failures in reporter.finished) == [
        (0, 0),
        (1, 4),
        (2, 0),
        (3, 0),
        (4, 0),
        (5, 0),
    ]
    assert workers() == []
    table = made.table("crowd")
    assert table["block"].tolist() == [index for index in range(6) for _ in range(4)]
    assert set(table.loc[table["block"] == 1, "message"]) == {
        "the block's process was killed by SIGKILL and wrote nothing"
    }
    measured = table[table["block"] != 1]
    assert set(measured["status"]) == {"ok"}
    for _, rows in measured[measured["response"] == "draw"].groupby("block"):
        assert set(rows["value"]) == {random.Random(int(rows["seed"].iloc[0])).random()}
    pids = measured[measured["response"] == "pid"].groupby("block")["value"].unique()
    assert all(len(found) == 1 for found in pids), "a block stays in one process"
    assert os.getpid() not in {int(found[0]) for found in pids}


def test_a_pool_that_cannot_write_stops_the_run_and_is_dismissed(house: House) -> None:
    made = crowd(house)
    (made.folder.path / "observations").write_text("a file where the folder should be")
    steps = steps_of(made.protocol)
    pool = measure_in_pool(made.protocol, made.folder, steps, 1, clock=lambda: 0.0)
    with pytest.raises(HarnessError, match="block 0 of crowd could not go on; it says why above"):
        list(pool)
    assert workers() == []
    assert ".parquet: cannot be written" in house.capture.readouterr().err


def test_a_worker_writes_the_block_that_measuring_in_the_runs_own_process_gives(
    house: House,
) -> None:
    run = house.finished()
    whole = pd.read_parquet(run.table("slow"))
    run.table("slow").unlink()
    protocol = read_protocol(run.path)
    (step,) = [step for step in steps_of(protocol) if named(step) == ("slow", 5)]
    ticks = itertools.count(2.0, 3.0)
    pool = measure_in_pool(protocol, run, [step], 1, clock=lambda: next(ticks))
    assert list(pool) == [(step, 3.0, 0)], "three seconds from its start to its end"
    assert [path.name for path in run.parts("slow").iterdir()] == ["00005.parquet"]
    part = pd.read_parquet(run.part("slow", 5))
    expected = whole[whole["block"] == 5].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, expected, check_exact=True)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="is not a run folder"):
        serve(tmp_path)


def pool_of(made: Bench, ready: DefaultSelector) -> _Pool:
    """A pool that has nothing left to hand out."""
    prestart = Prestart(made.folder)
    budget = unlimited(time.monotonic)
    return _Pool(made.protocol, made.folder, ready, [], prestart, budget)


def dead_worker(made: Bench) -> _Worker:
    """A worker that was killed while it was at the first block."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", "input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.kill()
    process.wait()
    return _Worker(process, steps_of(made.protocol)[0], 0.0)


def test_a_block_that_was_written_before_its_worker_died_is_kept(house: House) -> None:
    made = bench(house.top / "run", study_of(a=drawing(2)))
    worker = dead_worker(made)
    measure_step(made.study, made.protocol, made.folder, worker.step, RecordingDevice())
    before = made.part("a", 0).read_bytes()
    with DefaultSelector() as ready:
        assert pool_of(made, ready).bury(worker) == 0
    end(worker.process)
    assert made.part("a", 0).read_bytes() == before


def test_a_worker_that_died_between_two_blocks_is_noticed_by_its_silence(house: House) -> None:
    made = bench(house.top / "run", study_of(a=drawing(2)))
    worker = dead_worker(made)
    worker.ask(steps_of(made.protocol)[1], 5.0)
    assert worker.answers.readline() == ""
    with DefaultSelector() as ready:
        assert pool_of(made, ready).bury(worker) == 2
    end(worker.process)
    assert made.part("a", 1).is_file()
    assert not made.part("a", 0).exists()


def test_a_worker_can_fork_while_it_waits_for_its_next_block() -> None:
    """A forked process closes its sys.stdin, whose lock a thread that waits for input holds."""
    program = (
        "import sys, time, multiprocessing\n"
        "from harness.running.worker import listen\n"
        "requests, sys.stdin = sys.stdin, None; listen(requests)\n"
        "time.sleep(0.3)\n"  # until the thread waits
        "child = multiprocessing.get_context('fork').Process(target=int)\n"
        "child.start(); child.join(30)\n"
        "print(child.exitcode, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"0\n"
    finally:
        process.kill()
        process.communicate()
