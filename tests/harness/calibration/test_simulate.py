"""Simulated experiments: what is planted in them is what the judge finds."""

from __future__ import annotations

import numpy as np
import pytest

from harness.calibration.populations import ANY_SIGN, NOT_NEGATIVE
from harness.calibration.simulate import (
    ROUNDS,
    Kind,
    block_values,
    effect_from_table,
    simulate,
    stream,
)
from harness.judging.intervals import median_interval

KINDS: list[Kind] = ["value", "difference", "ratio", "spread"]
SHAPE = (50, 12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", range(len(ANY_SIGN)))
def test_the_planted_values_come_out_of_the_observations(kind: Kind, number: int) -> None:
    population = (NOT_NEGATIVE if kind == "spread" else ANY_SIGN)[number]
    planted = population.draw(stream(0, "test"), SHAPE)
    observations = simulate(kind, population, SHAPE, stream(0, "test"))
    assert observations.shape == (*SHAPE, 2, ROUNDS if kind == "spread" else 1)
    assert block_values(kind, observations) == pytest.approx(planted, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_judge_s_way_through_a_table_finds_the_same_interval(kind: Kind) -> None:
    observations = simulate(kind, NOT_NEGATIVE[2], (3, 20), stream(1, kind))
    for experiment, values in zip(observations, block_values(kind, observations), strict=True):
        effect, interval = effect_from_table(kind, experiment), median_interval(values)
        assert (effect.estimate, effect.low, effect.high) == pytest.approx(
            (interval.estimate, interval.low, interval.high)
        )
        assert (effect.blocks, effect.problem) == (20, "")


@pytest.mark.parametrize("kind", ["difference", "ratio"])
def test_blocks_differ_by_more_than_arms_so_that_only_pairing_helps(kind: Kind) -> None:
    observations = simulate(kind, ANY_SIGN[0], (1, 1000), stream(2, kind))
    paired = block_values(kind, observations)[0].std()
    assert observations[0, :, 0, 0].std() > 4 * paired


def test_a_stream_is_the_same_for_the_same_names_and_another_for_others() -> None:
    def drawn(seed: int, *names: object) -> tuple[int, ...]:
        return tuple(stream(seed, *names).integers(0, 2**60, 3).tolist())

    assert drawn(0, "value", 8) == drawn(0, "value", 8)
    others = {drawn(0, "value", 8), drawn(1, "value", 8), drawn(0, "value", 9), drawn(0, "value8")}
    assert len(others) == 4
    assert not np.array_equal(drawn(0, "a", "b"), drawn(0, "ab"))
