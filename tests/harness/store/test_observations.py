"""A run's rows on the disk: what does not belong there is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet
import pytest

from harness.design.factors import Profile
from harness.errors import HarnessError
from harness.protocol.protocol import write_protocol
from harness.store.observations import _with_disturbed, check_stored, reference_runs
from tests.harness import states
from tests.harness.fakes import stored_run, study
from tests.harness.runs import Bench, bench, drawing, interrupting, protocol_of, study_of


def stopped_run(path: Path) -> Bench:
    """A run of which blocks 0 and 1 are on the disk."""
    made = bench(path, study_of(a=interrupting(2)))
    with pytest.raises(KeyboardInterrupt):
        made.execute()
    return made


def test_a_truncated_block_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    made = stopped_run(tmp_path)
    part = made.part("a", 1)
    part.write_bytes(part.read_bytes()[:-7])
    with pytest.raises(HarnessError, match=r"00001.parquet: this is not a whole parquet file"):
        check_stored(made.folder, made.protocol)


def test_a_block_of_another_run_is_refused(tmp_path: Path) -> None:
    made = stopped_run(tmp_path / "one")
    other = bench(tmp_path / "other", study_of(a=drawing(5)))
    other.execute()
    shutil.copy(other.folder.table("a"), made.part("a", 1))
    with pytest.raises(HarnessError, match=r"00001.parquet: the file belongs elsewhere"):
        check_stored(made.folder, made.protocol)


def test_an_edited_table_is_refused(tmp_path: Path) -> None:
    made = bench(tmp_path, study_of(a=drawing(2)))
    made.execute()
    path = made.folder.table("a")
    stored = pyarrow.parquet.read_table(path)
    values = stored["value"].to_pylist()
    column = pyarrow.array([values[0] + 0.25, *values[1:]])
    place = stored.column_names.index("value")
    pyarrow.parquet.write_table(stored.set_column(place, "value", column), path)
    with pytest.raises(HarnessError, match=r"a.parquet: the rows were edited"):
        check_stored(made.folder, made.protocol)


def test_an_unfinished_run_says_how_to_go_on_where_its_table_is_asked_for(tmp_path: Path) -> None:
    made = stopped_run(tmp_path)
    command = f"python -m harness run planted --resume {tmp_path}"
    with pytest.raises(HarnessError, match="the run is not finished") as refusal:
        made.table("a")
    assert command in str(refusal.value)


@pytest.mark.parametrize(
    ("profile", "published"), [("quick", False), ("standard", True), ("full", True)]
)
def test_reference_runs_are_all_but_quick_ones(
    profile: Profile, published: bool, tmp_path: Path
) -> None:
    run = tmp_path / "planted" / "run"
    run.mkdir(parents=True)
    write_protocol(run, protocol_of(study_of(a=drawing(2)), profile=profile), {"cpu": "planted"})
    assert [r.folder.path for r in reference_runs(tmp_path)] == ([run] if published else [])


def test_rows_of_format_1_that_carry_a_message_were_disturbed_unless_they_failed() -> None:
    old = pd.DataFrame(
        {"status": ["ok", "ok", "failed"], "message": ["", "throttled", "ValueError"]}
    )
    assert _with_disturbed(old)["status"].tolist() == ["ok", "disturbed", "failed"]


def stored(path: Path, *parts: pd.DataFrame, timed: bool) -> pd.DataFrame:
    made = states.timed() if timed else drawing(2)
    run = stored_run(path, study(speed=made), {"speed": pd.concat(parts)}, device="cuda")
    return run.table(run.protocol.experiments["speed"])


def test_the_state_of_a_gpu_comes_back_with_the_times_beside_which_it_was_read(
    tmp_path: Path,
) -> None:
    parts = [states.times(), states.state(states.BEST), states.state({"power": 1.0}, "alone")]
    table = pd.concat(parts)
    found = stored(tmp_path, table, timed=True)
    pd.testing.assert_frame_equal(found, table.reset_index(drop=True))


@pytest.mark.parametrize("phase", ["State", "between"])
def test_a_phase_that_is_none_is_refused(tmp_path: Path, phase: str) -> None:
    with pytest.raises(HarnessError, match="column 'phase', row 72"):
        stored(tmp_path, states.times(), states.state({"power": 1.0}, phase), timed=True)


def test_a_quantity_that_is_none_is_refused(tmp_path: Path) -> None:
    odd = states.state({"power": 1.0}).assign(response="voltage")
    with pytest.raises(HarnessError, match="column 'response', row 72"):
        stored(tmp_path, states.times(), odd, timed=True)


def test_what_is_not_timed_has_no_state(tmp_path: Path) -> None:
    made = bench(tmp_path / "made", study_of(speed=drawing(2)))
    made.execute()
    rows = made.table("speed")
    odd = rows.assign(response="power", unit="W", phase="state")
    with pytest.raises(HarnessError, match="column 'response'"):
        stored(tmp_path / "odd", rows, odd, timed=False)
