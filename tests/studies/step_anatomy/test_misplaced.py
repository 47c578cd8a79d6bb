"""Events of a loop's own counter, whose places are arithmetic."""

from __future__ import annotations

import pytest

from harness.design.factors import Arm, Block
from studies.step_anatomy.misplaced import (
    CHECKPOINT,
    ITERATIONS,
    LATE,
    LOG,
    MICRO,
    RIGHT,
    measure,
)


@pytest.mark.parametrize("what", [LOG, CHECKPOINT])
@pytest.mark.parametrize(
    ("confusion", "share"), [(RIGHT, 1), (MICRO, 1 / 4), (ITERATIONS, 1 / 64), (LATE, 4)]
)
def test_an_event_is_off_by_the_ratio_of_the_two_units(
    what: str, confusion: str, share: float
) -> None:
    arm = Arm((("what", what), ("confusion", confusion)))
    assert measure(Block(0, 1, 1), arm) == {"share": share}
