"""The process of one block: what it is asked, what it answers, and when it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import HarnessError
from harness.folders import RunFolder
from harness.measure import REFUSED
from harness.worker import main
from tests.harness.running import House, eventually


def test_it_writes_the_block_that_measuring_in_the_runs_own_process_gives(house: House) -> None:
    run = house.finished()
    whole = pd.read_parquet(run.table("slow"))
    run.table("slow").unlink()
    main([str(run.path), "slow", "5"])
    assert [path.name for path in run.parts("slow").iterdir()] == ["00005.parquet"]
    part = pd.read_parquet(run.part("slow", 5))
    expected = whole[whole["block"] == 5].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, expected, check_exact=True)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="is not a run folder"):
        main([str(tmp_path), "slow", "0"])


@pytest.mark.slow
def test_it_ends_when_its_input_does(house: House) -> None:
    """Its input is a pipe that the run holds open as long as it lives."""
    run = house.finished()
    (house.top / "hold").touch()
    worker = subprocess.Popen(
        [sys.executable, "-m", "harness.worker", str(run.path), "slow", "3"],
        cwd=house.top,
        stdin=subprocess.PIPE,
    )
    with worker:
        eventually(lambda: house.measured() == [3], worker)
        assert worker.poll() is None
        assert worker.stdin is not None
        worker.stdin.close()
        assert worker.wait(timeout=20) == REFUSED
    assert not RunFolder(run.path).part("slow", 3).exists()
