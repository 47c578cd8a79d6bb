"""The process of one block: what it is asked and what it answers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from harness.errors import HarnessError
from harness.worker import main
from tests.harness.running import House


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
