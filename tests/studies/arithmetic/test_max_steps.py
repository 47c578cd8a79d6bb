"""How far 1,000 updates come, against the closed form of the passes."""

from __future__ import annotations

import pytest

from harness.design.factors import Arm, Block
from studies.arithmetic.max_steps import BATCH, PLANNED, measure


def passes(examples: int) -> float:
    """Whole epochs of ceil(N / B) updates, and whole batches of the one that was begun."""
    in_epoch = -(-examples // BATCH)
    epochs, begun = divmod(PLANNED, in_epoch)
    return epochs + min(begun * BATCH, examples) / examples


@pytest.mark.parametrize("examples", [5, 32, 33, 470])
def test_passes_are_whole_epochs_and_the_part_of_the_last(examples: int) -> None:
    found = measure(Block(0, 1, 0), Arm((("examples", examples),)))
    assert found["updates"] == PLANNED
    assert found["passes"] == pytest.approx(passes(examples), rel=1e-12)
    assert found["share"] == pytest.approx(passes(examples) / PLANNED, rel=1e-12)
