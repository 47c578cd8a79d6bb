"""Warnings: each is given where it is deserved and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.design.claims import Claim
from harness.design.contrasts import Contrast, Ratio, Value
from harness.design.factors import Arm
from harness.design.regions import at_least
from harness.judging.effects import Effect
from harness.judging.warnings import WARNINGS, chunk_seconds, has_two_modes, warnings_of
from harness.protocol.rules import experiment_rules
from tests.harness.fakes import MODE, experiment, observations

RNG = np.random.default_rng(0)
VALUE = Value("x").at(mode="eval")


def warned(
    values: NDArray[np.float64],
    contrast: Contrast = VALUE,
    *,
    one_sample: str = "",
    timed: bool = False,
    chunks: dict[str, float] | None = None,
    problem: str = "",
) -> tuple[str, ...]:
    made = experiment(Claim("P-up-1", contrast, at_least(1)), one_sample=one_sample)
    rules = replace(experiment_rules("first", made, "standard"), rounds=3 if timed else 0)
    seen = tuple(values.tolist())
    found = Effect(float(np.median(values)), values.min(), values.max(), len(values), problem, seen)
    return warnings_of(rules, rules.conditions[0], found, chunks or {})


def test_ordinary_block_values_deserve_no_warning() -> None:
    for _ in range(50):
        assert warned(RNG.normal(5, 1, 20)) == ()


def test_two_groups_far_apart_are_two_modes() -> None:
    groups = np.concatenate([RNG.normal(1, 0.01, 10), RNG.normal(2, 0.01, 10)])
    assert warned(RNG.permutation(groups)) == ("two-modes",)


@given(st.integers(0, 2**32 - 1), st.sampled_from([8, 12, 20, 40]))
def test_one_mode_is_seldom_taken_for_two(seed: int, blocks: int) -> None:
    rng = np.random.default_rng(seed)
    found = [has_two_modes(rng.normal(0, 1, blocks)) for _ in range(50)]
    assert sum(found) <= 3


def test_one_block_far_away_is_no_second_mode() -> None:
    assert not has_two_modes(np.append(RNG.normal(1, 0.01, 19), 5.0))


@pytest.mark.parametrize(("away", "two"), [(3, False), (4, True), (16, True), (17, False)])
def test_a_mode_holds_a_fifth_of_the_blocks(away: int, two: bool) -> None:
    groups = [RNG.normal(1, 0.01, 20 - away), RNG.normal(5, 0.01, away)]
    assert has_two_modes(np.concatenate(groups)) == two


@pytest.mark.parametrize(("distinct", "few"), [(1, False), (2, True), (3, True), (4, False)])
def test_an_interval_on_two_or_three_values_says_so(distinct: int, few: bool) -> None:
    values = np.resize(np.arange(distinct, dtype=np.float64), 20)
    assert ("few-values" in warned(values)) is few


def test_values_that_differ_by_rounding_alone_are_one() -> None:
    values = 1.0 + np.resize([0.0, 1e-16, 2.3e-16, -1e-16], 20)
    assert warned(values) == ()


def test_blocks_that_share_one_sample_say_so_whatever_the_rule() -> None:
    values = RNG.normal(5, 1, 20)
    assert warned(values, one_sample="one fine-tuning") == ("one-sample",)
    assert warned(values, VALUE.always(), one_sample="one fine-tuning") == ("one-sample",)


def test_blocks_that_differ_by_more_than_the_effect_are_apart() -> None:
    ratio = Ratio("x", MODE)
    assert warned(RNG.uniform(0.7, 1.4, 20), ratio, timed=True) == ("blocks-apart",)
    assert warned(RNG.uniform(1.99, 2.01, 20), ratio, timed=True) == ()
    assert warned(RNG.uniform(0.7, 1.4, 20), ratio) == (), "nothing is timed"


def test_seven_blocks_are_too_few_to_tell_modes_or_their_spread() -> None:
    groups = np.concatenate([RNG.normal(1, 0.01, 4), RNG.normal(2, 0.01, 3)])
    assert not has_two_modes(groups)
    assert warned(np.linspace(0.7, 1.4, 7), Ratio("x", MODE), timed=True) == ()
    assert warned(np.linspace(0.7, 1.4, 8), Ratio("x", MODE), timed=True) == ("blocks-apart",)


def test_chunks_too_short_for_the_clock_are_told_by_the_arms_compared() -> None:
    ratio = Ratio("x", MODE)
    values = RNG.uniform(1.99, 2.01, 20)
    arms = {str(Arm((("mode", mode),))): 2e-3 for mode in MODE.levels}
    assert warned(values, ratio, timed=True, chunks=arms) == ()
    short = arms | {"mode=train": 1e-5}
    assert warned(values, ratio, timed=True, chunks=short) == ("short-chunks",)


def test_what_could_not_be_judged_deserves_no_warning() -> None:
    assert warned(np.zeros(20), problem="1 of 20 blocks failed") == ()


def test_a_chunk_lasts_as_long_as_its_calls_together() -> None:
    seconds = observations(
        {"eval": [[1e-4, 3e-4, 2e-4]], "train": [[4e-4] * 3]}, response="seconds"
    )
    calls = observations({"eval": [[10.0]], "train": [[10.0]]}, response="calls")
    slow = observations({"eval": [[1.0] * 4], "train": [[1.0] * 4]}, response="seconds")
    left_out = [slow.assign(phase="warmup"), slow.assign(status="failed")]
    table = pd.concat([seconds, calls, *left_out])
    assert chunk_seconds(table, ["mode"]) == pytest.approx({"mode=eval": 2e-3, "mode=train": 4e-3})


def test_every_warning_says_what_it_means_and_what_to_try() -> None:
    for name, found in WARNINGS.items():
        assert found.id == name
        assert found.says.endswith(".")
        assert found.try_.endswith(".")
