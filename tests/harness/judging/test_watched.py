"""What the state of a GPU does to the verdicts of its times: every state, from planted rows."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.design.claims import Claim
from harness.design.contrasts import Ratio
from harness.design.gpu_state import QUANTITIES
from harness.design.regions import at_least
from tests.harness.fakes import MODE
from tests.harness.states import (
    AGAIN,
    ALONE,
    BEST,
    BLOCKS,
    EVAL,
    ROUNDS,
    SLOWER,
    TRAIN,
    judge,
    refused,
    state,
    timed,
    times,
)

LIMITED = {**BEST, "sm_clock": 1410.0, "throttle_reasons": 4.0}


def without(values: dict[str, float], *names: str) -> dict[str, float]:
    return {name: value for name, value in values.items() if name not in names}


def test_a_gpu_at_its_best_changes_nothing(tmp_path: Path) -> None:
    plain = judge(tmp_path / "plain", times())
    watched = judge(tmp_path / "watched", times(), state(BEST))
    assert watched.claims == plain.claims
    assert watched.findings == plain.findings
    assert watched.claims[0].verdict == "reproduced"


def test_at_the_power_limit_at_one_clock_a_ratio_is_judged_and_the_limit_is_told(
    tmp_path: Path,
) -> None:
    (claim,) = judge(tmp_path, times(), state(LIMITED)).claims
    assert claim.verdict == "reproduced"
    assert claim.sentence.endswith("in all 8 blocks (the GPU at its power limit).")
    assert (
        "The GPU was at its power limit in 48 of 48 samples of these arms, at 1,410 and 1,410 MHz."
        in claim.reason
    )
    assert claim.warnings == ""


def test_a_ratio_at_the_power_limit_can_be_refuted_as_well(tmp_path: Path) -> None:
    (claim,) = judge(tmp_path, times(train=1.0), state(LIMITED)).claims
    assert claim.verdict == "refuted"
    assert "at its power limit" in claim.sentence


def test_the_limit_is_told_with_the_share_of_samples_that_saw_it(tmp_path: Path) -> None:
    reasons = np.zeros((BLOCKS, ROUNDS))
    reasons[5, 1] = 4 | 1  # between two rounds, in one block
    rows = state({**BEST, "throttle_reasons": {EVAL: 0.0, AGAIN: 0.0, TRAIN: reasons}})
    (claim,) = judge(tmp_path, times(), rows).claims
    assert "at its power limit in 1 of 48 samples" in claim.reason


@pytest.mark.parametrize("reasons", [0.0, 4.0])
@pytest.mark.parametrize(
    ("clock", "same"), [(1410, True), (1424, True), (1396.1, True), (1425, False), (1395, False)]
)
def test_arms_compared_ran_at_the_same_clock_within_a_hundredth(
    tmp_path: Path, reasons: float, clock: float, same: bool
) -> None:
    """1 % of 1410 is 14.1; whether the GPU was limited does not matter to that."""
    clocks = {EVAL: 1410.0, AGAIN: 1410.0, TRAIN: clock}
    rows = state({**BEST, "throttle_reasons": reasons, "sm_clock": clocks})
    (claim,) = judge(tmp_path, times(), rows).claims
    assert claim.verdict == ("reproduced" if same else "inconclusive")


def test_arms_at_other_clocks_are_not_judged_and_the_clocks_are_told(tmp_path: Path) -> None:
    clocks = {EVAL: 1980.0, AGAIN: 1980.0, TRAIN: 1410.0}
    run = judge(tmp_path, times(), state({**LIMITED, "sm_clock": clocks}))
    (claim,) = run.claims
    assert claim.verdict == "inconclusive"
    assert claim.number == ""
    assert claim.reason == (
        "Not judged: the arms did not run at the same clock: 1,410 and 1,980 MHz (medians of 24 "
        "and 24 samples; they may differ by 1 %, the GPU at its power limit)."
    )
    assert math.isnan(run.of(claim)[0].estimate)
    assert [c.verdict for c in run.controls] == ["reproduced"], "the A/A is what its times are"


def test_clocks_that_go_up_and_down_alike_are_the_same(tmp_path: Path) -> None:
    steps = np.random.default_rng(1).choice([1380, 1395, 1410, 1425, 1440], (3, BLOCKS, ROUNDS))
    rows = state({**LIMITED, "sm_clock": dict(zip((EVAL, AGAIN, TRAIN), steps, strict=True))})
    assert judge(tmp_path, times(), rows).claims[0].verdict == "reproduced"


def test_a_card_that_warms_up_over_the_blocks_slows_no_arm_more_than_another(
    tmp_path: Path,
) -> None:
    """Train mode was sampled in the first blocks alone, when the clock was higher."""
    falling = np.broadcast_to(np.linspace(1980, 1400, BLOCKS)[:, None], (BLOCKS, ROUNDS))
    rows = state({**LIMITED, "sm_clock": dict.fromkeys((EVAL, AGAIN, TRAIN), falling)})
    seldom = (rows["mode"] == "train") & (rows["block"] > 2) & (rows["response"] == "sm_clock")
    (claim,) = judge(tmp_path, times(), rows[~seldom]).claims
    assert claim.verdict == "reproduced"


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_clock_of_too_few_samples_is_not_known(tmp_path: Path, number: int) -> None:
    """Were it, train mode would have run at another clock."""
    rows = state({**LIMITED, "sm_clock": {EVAL: 1980.0, AGAIN: 1980.0, TRAIN: 1410.0}})
    of_train = (rows["mode"] == "train") & (rows["response"] == "sm_clock")
    rows = rows[~of_train | ((rows["block"] == 0) & (rows["round"] < number))]
    (claim,) = judge(tmp_path, times(), rows).claims
    assert claim.verdict == ("inconclusive" if number == 3 else "reproduced")
    assert claim.warnings == ("" if number == 3 else "unwatched")
    if number != 3:
        assert "Not seen of the GPU: clocks (too few samples" in claim.reason
        assert "The GPU was at its power limit" in claim.reason


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("sm_clock", "clocks"),
        ("throttle_reasons", "reasons for a lower clock"),
        ("other_processes", "other processes"),
    ],
)
@pytest.mark.parametrize("blocks", [range(BLOCKS), [3]])
def test_what_a_gpu_does_not_give_is_warned_of_and_its_times_are_judged(
    tmp_path: Path, name: str, called: str, blocks: list[int]
) -> None:
    rows = state(BEST)
    rows = rows[(rows["response"] != name) | ~rows["block"].isin(blocks)]
    (claim,) = judge(tmp_path, times(), rows, refused(name, "Not Supported", blocks)).claims
    assert claim.verdict == "reproduced"
    assert claim.warnings == "unwatched"
    assert f"Not seen of the GPU: {called} (Not Supported)." in claim.reason


def test_a_quantity_that_does_not_decide_is_not_missed(tmp_path: Path) -> None:
    parts = [refused(name, "Not Supported") for name in ("temperature", "power", "memory_clock")]
    (claim,) = judge(tmp_path, times(), state(without(BEST, "power")), *parts).claims
    assert (claim.verdict, claim.warnings) == ("reproduced", "")


def test_a_gpu_that_nobody_watched_is_judged_with_one_reason_for_all(tmp_path: Path) -> None:
    parts = [refused(quantity.name, "nvidia-ml-py is not installed") for quantity in QUANTITIES]
    (claim,) = judge(tmp_path, times(), *parts).claims
    assert (claim.verdict, claim.warnings) == ("reproduced", "unwatched")
    assert claim.reason.endswith(
        "Not seen of the GPU: clocks, reasons for a lower clock, other processes "
        "(nvidia-ml-py is not installed)."
    )


@pytest.mark.parametrize("again", [1.02, 0.97])
def test_a_gpu_that_nobody_watched_is_not_judged_where_the_aa_fails(
    tmp_path: Path, again: float
) -> None:
    parts = [refused(quantity.name, "Not Supported") for quantity in QUANTITIES]
    (claim,) = judge(tmp_path, times(again=again), *parts).claims
    assert claim.verdict == "inconclusive"
    assert claim.reason.startswith("A control did not come out as it must: A/A")


def test_a_block_in_which_something_was_never_asked_for_is_told(tmp_path: Path) -> None:
    rows = state(BEST)
    never = (rows["response"] == "other_processes") & (rows["block"] == 5)
    (claim,) = judge(tmp_path, times(), rows[~never]).claims
    assert claim.warnings == "unwatched"
    assert "other processes (not read in 1 of 8 blocks)" in claim.reason


@pytest.mark.parametrize(
    "message", ["the GPU was slowed down by its temperature", "another process used the GPU"]
)
def test_a_disturbed_block_is_kept_and_not_judged_whatever_the_clocks(
    tmp_path: Path, message: str
) -> None:
    rows = times()
    rows.loc[rows["block"] == 3, ["status", "message"]] = ["disturbed", message]
    run = judge(tmp_path, rows, state(LIMITED))
    assert run.claims[0].verdict == "inconclusive"
    assert f"1 of 8 blocks were disturbed: {message}" in run.claims[0].reason
    assert not run.beyond("P-slow-1"), "no rule of today judges them"


def test_an_undecided_aa_widens_what_is_judged_at_the_limit(tmp_path: Path) -> None:
    rows = times()
    again = rows["copy"] == "again"
    off = rows["block"].map(lambda block: 0.92 if block % 2 else 1.08)
    rows.loc[again, "value"] *= off[again]
    (claim,) = judge(tmp_path, rows, state(LIMITED)).claims
    assert claim.verdict == "reproduced"
    assert "It allows for a clock that is off" in claim.reason
    assert "The GPU was at its power limit" in claim.reason
    assert claim.warnings == "aa-undecided"


def test_the_device_s_own_time_is_heeded_like_the_hosts(tmp_path: Path) -> None:
    own = Claim("P-own-1", Ratio("device_seconds", MODE).by_round(), at_least(1.1))
    clocks = {EVAL: 1980.0, AGAIN: 1980.0, TRAIN: 1410.0}
    parts = (times(), times(response="device_seconds"), state({**BEST, "sm_clock": clocks}))
    run = judge(tmp_path, *parts, experiment=timed(SLOWER, own))
    assert [claim.verdict for claim in run.claims] == ["inconclusive", "inconclusive"]


def alone(train: float, clocks: tuple[float, float], reasons: float = 4.0) -> list[pd.DataFrame]:
    rows = times(train=train, response="alone_seconds")
    own = {EVAL: clocks[0], TRAIN: clocks[1]}
    both = state({"sm_clock": own, "throttle_reasons": reasons}, "alone", [EVAL, TRAIN])
    return [part[part["round"] == 0] for part in (rows[rows["copy"] == "first"], both)]


def test_arms_that_ran_alone_are_beyond_at_their_own_clocks_and_decide_nothing(
    tmp_path: Path,
) -> None:
    parts = [times(), state(LIMITED), *alone(0.5, (1410, 1980))]
    run = judge(tmp_path, *parts, experiment=ALONE)
    (claim,) = run.claims
    assert (claim.verdict, claim.judged) == ("reproduced", 1)
    (beyond,) = run.beyond("P-slow-1")
    assert beyond.verdict == "refuted"
    assert beyond.estimate == pytest.approx(0.5, rel=0.01)
    assert beyond.contrast == "time of a call that runs alone, train over eval"
    assert beyond.why == (
        "each runs alone, at its own clock: 1,980 and 1,410 MHz, the GPU at its power limit"
    )


def test_arms_alone_whose_clocks_nobody_saw_are_told_without_them(tmp_path: Path) -> None:
    times_alone, _ = alone(1.3, (1, 1))
    run = judge(tmp_path, times(), state(BEST), times_alone, experiment=ALONE)
    (beyond,) = run.beyond("P-slow-1")
    assert (beyond.verdict, beyond.why) == ("reproduced", "each runs alone, at its own clock")
