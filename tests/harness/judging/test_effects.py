"""Effects: planted values come out, whatever the order of rows, and nothing broken is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats

from harness.design.contrasts import Contrast, Difference, Ratio, Value
from harness.design.factors import Factor
from harness.judging.effects import Effect
from tests.harness.fakes import MODE, effect_of, fail, observations

Floats = NDArray[np.float64]

BLOCKS, ROUNDS = 12, 5
TURNED = Factor("mode", ("eval", "train"), control="train")
TRAIN = Value("x").at(mode="train")

shapes = st.tuples(st.integers(8, 14), st.integers(1, 4))
# Multiples of 1/8: sums and differences of them are exact, so equal means equal.
eighths = st.integers(-800, 800).map(lambda number: number / 8)
pairs = shapes.flatmap(
    lambda shape: st.tuples(
        arrays(np.float64, shape, elements=eighths), arrays(np.float64, shape, elements=eighths)
    )
)

#: Each example writes a table and judges it.
FEW = settings(max_examples=12)


def two_modes(seed: int = 0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    level = rng.normal(50, 20, (BLOCKS, 1))
    return level + rng.normal(0, 1, (BLOCKS, ROUNDS)), level + rng.normal(3, 1, (BLOCKS, ROUNDS))


def effect(contrast: Contrast, off: Any, on: Any) -> Effect:  # noqa: ANN401 - anything array-like
    return effect_of(contrast, observations({"eval": off, "train": on}), len(np.asarray(on)))


def ends(found: Effect) -> tuple[float, float, float]:
    return found.estimate, found.low, found.high


def by_scipy(values: Floats) -> tuple[float, float, float]:
    """Median and order-statistic interval by another route."""
    test: Any = stats.quantile_test(values, p=0.5)
    interval = test.confidence_interval(confidence_level=0.99)
    return float(np.median(values)), float(interval.low), float(interval.high)


@pytest.mark.parametrize(
    ("contrast", "expected"),
    [
        (TRAIN, lambda off, on: on.mean(axis=1)),
        (TRAIN.sd(), lambda off, on: on.std(axis=1, ddof=1)),
        (TRAIN.range(), lambda off, on: np.ptp(on, axis=1)),
        (TRAIN.largest(), lambda off, on: on.max(axis=1)),
        (TRAIN.smallest(), lambda off, on: on.min(axis=1)),
        (TRAIN.distinct(), lambda off, on: np.full(len(on), float(ROUNDS))),
        (Difference("x", MODE), lambda off, on: on.mean(axis=1) - off.mean(axis=1)),
        (Ratio("x", MODE), lambda off, on: on.mean(axis=1) / off.mean(axis=1)),
        (
            Difference("x", MODE).sd(),
            lambda off, on: on.std(axis=1, ddof=1) - off.std(axis=1, ddof=1),
        ),
        (Ratio("x", MODE).largest(), lambda off, on: on.max(axis=1) / off.max(axis=1)),
    ],
)
def test_an_effect_is_the_median_of_block_values_with_its_interval(
    contrast: Contrast, expected: Callable[[Floats, Floats], Floats]
) -> None:
    off, on = two_modes()
    found = effect(contrast, off, on)
    assert found.values == pytest.approx(expected(off, on))
    assert ends(found) == pytest.approx(by_scipy(expected(off, on)))
    assert (found.blocks, found.problem) == (BLOCKS, "")


def test_pairing_finds_a_planted_difference_far_smaller_than_blocks_differ() -> None:
    rng = np.random.default_rng(1)
    level = rng.normal(0, 1000, (20, 1))
    found = effect(Difference("x", MODE), level, level + 0.5 + rng.normal(0, 0.01, (20, 1)))
    assert 0.48 < found.low < found.estimate < found.high < 0.52


def test_iterations_inside_a_block_are_no_replicates() -> None:
    rng = np.random.default_rng(2)
    on = rng.normal(0, 1, (3, 1000))
    found = effect(TRAIN, on, on)
    assert found.blocks == 3
    assert (found.low, found.high) == (-math.inf, math.inf)


def test_a_universal_contrast_counts_every_round() -> None:
    off, on = two_modes()
    found = effect(Difference("x", MODE).always(), off, on)
    assert found.values == pytest.approx((on - off).ravel())
    assert ends(found) == pytest.approx((np.median(on - off), (on - off).min(), (on - off).max()))
    assert found.blocks == BLOCKS


def test_a_frequency_is_the_share_of_blocks_with_its_exact_interval() -> None:
    events = np.repeat([1.0, 0.0], [3, 17])
    found = effect(TRAIN.frequency(), events, events)
    expected = stats.binomtest(3, 20).proportion_ci(confidence_level=0.99, method="exact")
    assert ends(found) == pytest.approx((0.15, expected.low, expected.high))


def test_distinct_counts_the_values_of_each_block() -> None:
    rounds = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 1.0]] * 4)
    assert effect(TRAIN.distinct(), rounds, rounds).values == (1.0, 2.0) * 4


@FEW
@given(pairs)
def test_a_difference_changes_sign_when_the_arms_are_swapped(pair: tuple[Floats, Floats]) -> None:
    table = observations({"eval": pair[0], "train": pair[1]})
    one = effect_of(Difference("x", MODE), table, len(pair[0]))
    other = effect_of(Difference("x", TURNED), table, len(pair[0]), (TURNED,))
    assert ends(other) == (-one.estimate, -one.high, -one.low)


@FEW
@given(pairs, st.sampled_from([0.25, 2.0, 1024.0]))
def test_a_ratio_does_not_depend_on_the_unit(pair: tuple[Floats, Floats], factor: float) -> None:
    off, on = pair
    assume((off.mean(axis=1) != 0).all())
    one, other = (effect(Ratio("x", MODE), s * off, s * on) for s in (1.0, factor))
    assert ends(one) == ends(other)


@FEW
@given(pairs, eighths)
def test_a_shift_of_one_arm_shifts_the_difference_and_leaves_the_spread(
    pair: tuple[Floats, Floats], shift: float
) -> None:
    off, on = pair
    one, other = (effect(Difference("x", MODE), off, on + s) for s in (0.0, shift))
    assert ends(other) == pytest.approx([end + shift for end in ends(one)], abs=1e-9)
    one, other = (effect(TRAIN.range(), off, on + s) for s in (0.0, shift))
    assert ends(other) == ends(one)


@FEW
@given(pairs, st.integers(0, 99))
def test_the_order_of_rows_changes_nothing(pair: tuple[Floats, Floats], seed: int) -> None:
    table = observations({"eval": pair[0], "train": pair[1]})
    shuffled = table.iloc[np.random.default_rng(seed).permutation(len(table))]
    for contrast in (Difference("x", MODE), Difference("x", MODE).always(), TRAIN.smallest()):
        assert effect_of(contrast, shuffled, len(pair[0])) == effect_of(
            contrast, table, len(pair[0])
        )


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-17, 123456.789])
@pytest.mark.parametrize("rounds", [3, 7, 49])
def test_equal_rounds_have_themselves_as_mean_and_no_spread_to_the_last_bit(
    rounds: int, value: float
) -> None:
    equal = np.full((8, rounds), value)
    assert set(effect(TRAIN, equal, equal).values) == {value}
    assert set(effect(TRAIN.sd(), equal, equal).values) == {0.0}


def test_warm_up_rows_and_other_responses_do_not_count() -> None:
    off, on = two_modes()
    table = observations({"eval": off, "train": on})
    warm = observations({"eval": off + 1e6, "train": on - 1e6}, phase="warmup")
    other = observations({"eval": on, "train": off}, response="y")
    mixed = pd.concat([warm, table, other], ignore_index=True)
    contrast = Difference("x", MODE)
    assert effect_of(contrast, mixed, BLOCKS) == effect_of(contrast, table, BLOCKS)


@pytest.mark.parametrize("side", ["eval", "train"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "contrast",
    [
        Difference("x", MODE),
        Ratio("x", MODE),
        Difference("x", MODE).sd(),
        Difference("x", MODE).largest(),
        Difference("x", MODE).smallest(),
        Difference("x", MODE).distinct(),
        Difference("x", MODE).always(),
    ],
)
def test_one_round_that_is_no_number_is_shown_and_never_judged(
    contrast: Contrast, value: float, side: str
) -> None:
    values = dict(zip(("eval", "train"), two_modes(), strict=True))
    values[side][4, 2] = value
    found = effect_of(contrast, observations(values), BLOCKS)
    assert all(math.isnan(end) for end in ends(found))
    assert found.problem.startswith("1 of ")
    assert "zero" not in found.problem
    assert sum(not math.isfinite(seen) for seen in found.values) == 1


def test_a_ratio_to_zero_is_a_problem_and_says_so() -> None:
    off, on = two_modes()
    off[3] = 0.0
    found = effect(Ratio("x", MODE), off, on)
    assert math.isnan(found.estimate)
    assert found.problem == "1 of 12 values are inf (a ratio to zero)"


def test_a_spread_of_single_rounds_is_a_problem() -> None:
    found = effect(TRAIN.sd(), np.zeros(8), np.zeros(8))
    assert found.problem == "8 of 8 values are nan"


def test_a_frequency_of_something_else_is_a_problem() -> None:
    found = effect(TRAIN.frequency(), np.full(8, 0.5), np.full(8, 0.5))
    assert found.problem == "a frequency was asked of values other than 0 and 1"


@pytest.mark.parametrize("side", ["eval", "train"])
def test_a_failed_cell_on_either_side_is_a_problem_that_gives_its_message(side: str) -> None:
    off, on = two_modes()
    table = observations({"eval": off, "train": on})
    failed = (table["mode"] == side) & table["block"].isin([2, 7]) & (table["round"] == 0)
    found = effect_of(Difference("x", MODE), fail(table, failed, "ValueError: planted"), BLOCKS)
    assert found.problem == "2 of 12 blocks failed: ValueError: planted"
    assert all(math.isnan(end) for end in ends(found))


def test_a_failed_cell_elsewhere_does_not_matter() -> None:
    off, on = two_modes()
    table = observations({"eval": off, "train": on})
    failed = fail(table, (table["mode"] == "eval") & (table["block"] == 0), "planted")
    assert effect_of(TRAIN, failed, BLOCKS) == effect_of(TRAIN, table, BLOCKS)


@pytest.mark.parametrize("side", ["eval", "train"])
def test_missing_blocks_are_a_problem_and_never_dropped(side: str) -> None:
    off, on = two_modes()
    table = observations({"eval": off, "train": on})
    kept = table[(table["mode"] != side) | ~table["block"].isin([0, 5, 11])]
    found = effect_of(Difference("x", MODE), kept, BLOCKS)
    assert (found.problem, found.blocks) == ("3 of 12 blocks are missing", BLOCKS - 3)
    assert math.isnan(found.estimate)


def test_an_arm_without_any_row_is_a_problem() -> None:
    off, _ = two_modes()
    found = effect_of(Difference("x", MODE), observations({"eval": off}), BLOCKS)
    assert (found.problem, found.blocks) == ("12 of 12 blocks are missing", 0)


def test_rounds_without_a_partner_are_a_problem_of_a_universal_contrast() -> None:
    off, on = two_modes()
    table = observations({"eval": off, "train": on})
    kept = table[(table["mode"] == "train") | (table["round"] < ROUNDS - 1)]
    found = effect_of(Difference("x", MODE).always(), kept, BLOCKS)
    assert found.problem == f"{BLOCKS} of {BLOCKS * ROUNDS} values are nan"


def test_levels_of_every_type_find_their_rows() -> None:
    factors = (Factor("on", (False, True)), Factor("n", (1, 2)), Factor("p", (0.0, 0.5)))
    values = {
        (on, n, p): np.full(8, 100 * on + 10 * n + p)
        for on in (False, True)
        for n in (1, 2)
        for p in (0.0, 0.5)
    }
    table = observations(values, factors)
    for (on, n, p), planted in values.items():
        found = effect_of(Value("x").at(on=on, n=n, p=p), table, 8, factors)
        assert found.values == tuple(planted)


def test_without_factors_the_only_arm_is_found() -> None:
    planted = np.arange(8.0)
    assert effect_of(Value("x"), observations({(): planted}, ()), 8, ()).values == tuple(planted)


def test_the_interval_widens_with_the_confidence() -> None:
    from harness.design.factors import cross
    from harness.judging.effects import Rows, compute_effect

    off, on = two_modes()
    rows = Rows(observations({"eval": off, "train": on}), ["mode"], BLOCKS)
    (comparison,) = Difference("x", MODE).comparisons(cross((MODE,)))
    narrow, wide = (compute_effect(comparison, rows, level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize("contrast", [Ratio("x", MODE), Difference("x", MODE)])
def test_by_round_is_the_median_over_rounds_of_what_each_round_gives(
    contrast: Ratio | Difference,
) -> None:
    off, on = two_modes()
    of_rounds = on / off if isinstance(contrast, Ratio) else on - off
    found = effect(contrast.by_round(), off, on)
    assert ends(found) == pytest.approx(by_scipy(np.median(of_rounds, axis=1)))
    assert found.blocks == BLOCKS


def test_by_round_is_deaf_to_a_machine_that_gets_slower() -> None:
    slower = np.linspace(1.0, 3.0, ROUNDS) * np.arange(1, BLOCKS + 1)[:, None]
    found = effect(Ratio("x", MODE).by_round(), slower, 1.25 * slower)
    assert ends(found) == pytest.approx((1.25, 1.25, 1.25), rel=1e-12)


def test_a_round_that_one_arm_lacks_is_a_problem_by_round_too() -> None:
    off, on = two_modes()
    table = observations({"eval": off, "train": on})
    lacking = table[~((table["mode"] == "eval") & (table["round"] == 2) & (table["block"] == 1))]
    found = effect_of(Ratio("x", MODE).by_round(), lacking, BLOCKS)
    assert math.isnan(found.estimate)
    assert found.problem == f"1 of {BLOCKS * ROUNDS} values are nan"
