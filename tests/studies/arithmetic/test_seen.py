"""Rows that came and came again, for loaders whose numbers are known beforehand."""

from __future__ import annotations

import pytest

from harness.design.factors import Arm, Block
from studies.arithmetic.seen import (
    BATCH,
    DROPPED,
    EPOCHS,
    IN_ORDER,
    PROCESSES,
    SHUFFLED,
    SPREAD,
    WEIGHTED,
    measure,
)


def found(examples: int, loader: str) -> tuple[float, float]:
    arm = Arm((("examples", examples), ("loader", loader)))
    rows = measure(Block(0, 1, 0), arm)
    return float(str(rows["seen_off"])), float(str(rows["repeated"]))


@pytest.mark.parametrize("loader", [IN_ORDER, SHUFFLED])
def test_a_permutation_repeats_nothing(loader: str) -> None:
    assert found(70, loader) == (0, 0)


def test_dropping_takes_the_rest_from_every_epoch() -> None:
    assert found(70, DROPPED) == (-EPOCHS * (70 % BATCH), 0)


def test_processes_fill_up_to_a_multiple_of_their_number() -> None:
    assert found(70, SPREAD)[0] == EPOCHS * (-70 % PROCESSES)
    assert found(69, SPREAD)[0] == 0


def test_draws_with_replacement_repeat_about_a_share_of_one_over_e() -> None:
    off, repeated = found(3_000, WEIGHTED)
    assert off == 0
    # Of n draws n (1 - 1/n)^n rows are missed on average, with a standard deviation below sqrt(n).
    assert repeated == pytest.approx(3_000 / 2.71828, abs=6 * 3_000**0.5 / EPOCHS**0.5)
