"""A block in a process of its own: what becomes of it, and of the run."""

from __future__ import annotations

import os
import random

import pytest

from harness.catalogue.loading import load_study
from harness.errors import HarnessError
from harness.running.measure import ending
from tests.harness.runs import House, bench


@pytest.mark.slow
def test_a_block_in_a_process_of_its_own_dies_alone(house: House) -> None:
    """Block 0 is killed, block 1 reads from address 0, block 2 is measured."""
    (house.top / "deaths").write_text("kill 0, crash 1")
    made = bench(house.top / "run", load_study("fresh"))
    reporter = made.execute()
    assert [(index, failures) for _, index, _, failures in reporter.finished] == [
        (0, 4),
        (1, 4),
        (2, 0),
    ]
    table = made.table("fresh")
    assert [list(found) for found in table.groupby("block")["message"].unique()] == [
        ["the block's process was killed by SIGKILL and wrote nothing"],
        ["the block's process was killed by SIGSEGV and wrote nothing"],
        [""],
    ]
    assert table.loc[table["block"] < 2, "value"].isna().all()

    measured = table[table["block"] == 2]
    pids = measured.loc[measured["response"] == "pid", "value"].tolist()
    assert pids[0] == pids[1], "the arms of a block share its process"
    assert pids[0] != os.getpid()
    expected = random.Random(int(measured["seed"].iloc[0])).random()
    draws = measured.loc[measured["response"] == "draw", "value"].tolist()
    assert draws == [expected, expected]


def test_a_block_whose_process_cannot_write_stops_the_run_and_is_no_failed_measurement(
    house: House,
) -> None:
    made = bench(house.top / "run", load_study("fresh"))
    (made.folder.path / "observations").write_text("a file where the folder should be")
    with pytest.raises(HarnessError, match="block 0 of fresh could not go on"):
        made.execute()
    assert "00000.parquet: cannot be written" in house.capture.readouterr().err


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "ended with code 0"), (3, "ended with code 3"), (-9, "was killed by SIGKILL")],
)
def test_a_process_that_ends_early_is_said_to_have_ended_or_been_killed(
    code: int, words: str
) -> None:
    assert ending(code) == words
