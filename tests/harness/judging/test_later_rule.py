"""Old rows that a rule made after them would judge: shown beside, and deciding nothing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from harness.judging.later_rule import under_later_rule
from harness.judging.watched import UNWATCHED
from tests.harness.states import judge, times

LIMIT = "the GPU was at its power limit"
NOBODY = "the GPU could not be watched (nvidia-ml-py is not installed)"
HOT = "the GPU was slowed down by its temperature"


def disturbed(message: str, again: float = 1.0, blocks: int = 8) -> pd.DataFrame:
    rows = times(again=again)
    rows.loc[rows["block"] < blocks, ["status", "message"]] = ["disturbed", message]
    return rows


@pytest.mark.parametrize("message", [LIMIT, NOBODY, f"{LIMIT}; {NOBODY}"])
@pytest.mark.parametrize("blocks", [1, 8])
def test_what_todays_rule_gives_of_old_rows_is_beyond_and_the_verdict_stays(
    tmp_path: Path, message: str, blocks: int
) -> None:
    run = judge(tmp_path, disturbed(message, blocks=blocks))
    (claim,) = run.claims
    assert (claim.verdict, claim.judged, claim.holds) == ("inconclusive", 1, 0)
    assert claim.warnings == "rule-after-run"
    (beyond,) = run.beyond("P-slow-1")
    assert (beyond.verdict, beyond.warnings) == ("reproduced", "rule-after-run")
    assert beyond.estimate == pytest.approx(1.2, rel=0.01)
    assert beyond.why == (
        f"by a rule made after this run, in which {message} and no clocks were stored"
    )
    assert not beyond.headline
    assert [c.verdict for c in run.controls] == ["inconclusive"], "the run's own control stays"


def test_old_rows_whose_aa_fails_have_no_verdict_by_todays_rule_either(tmp_path: Path) -> None:
    run = judge(tmp_path, disturbed(LIMIT, again=1.05))
    (beyond,) = run.beyond("P-slow-1")
    assert beyond.verdict == "inconclusive"
    assert beyond.reason.startswith("A control did not come out as it must")


@pytest.mark.parametrize("message", [HOT, f"{LIMIT}; {HOT}", "another process used the GPU"])
def test_rows_that_no_rule_judges_have_nothing_beside(tmp_path: Path, message: str) -> None:
    run = judge(tmp_path, disturbed(message))
    assert run.claims[0].warnings == ""
    assert run.beyond("P-slow-1") == []


def test_rows_that_nothing_disturbed_are_left_alone(tmp_path: Path) -> None:
    assert under_later_rule(times()) is None
    run = judge(tmp_path, times())
    assert run.beyond("P-slow-1") == []
    assert UNWATCHED not in run.claims[0].warnings, "old rows do not tell"


def test_failed_rows_stay_failed() -> None:
    rows = disturbed(LIMIT)
    rows.loc[0, ["status", "message"]] = ["failed", "ValueError"]
    later = under_later_rule(rows)
    assert later is not None
    assert (later["status"][0], later["message"][0]) == ("failed", "ValueError")
    assert set(later.loc[1:, "status"]) == {"ok"}
    assert set(rows.loc[1:, "status"]) == {"disturbed"}, "the stored rows are not changed"
