"""What becomes of layers that an optimiser does not know."""

from __future__ import annotations

import pytest

from harness.design.factors import Arm, Block
from studies.bugs.new_parameters import ADDED, REPLACED, measure, prepare


def measured(change: str, *, told: bool) -> dict[str, object]:
    arm = Arm((("change", change), ("told", told), ("optimiser", "SGD")))
    return dict(measure(prepare(Block(0, 1, 2)), arm))


@pytest.mark.parametrize("change", [ADDED, REPLACED])
def test_unknown_layers_stay_and_known_ones_move(change: str) -> None:
    assert measured(change, told=False)["moved"] == 0
    assert measured(change, told=True)["moved"] == 1


def test_a_gradient_that_nobody_resets_piles_up() -> None:
    unknown, known = (measured(REPLACED, told=told)["piled_up"] for told in (False, True))
    assert isinstance(unknown, float)
    assert isinstance(known, float)
    assert unknown > 3
    assert known < 2


def test_a_layer_that_was_replaced_stays_in_the_optimiser() -> None:
    assert measured(REPLACED, told=False)["orphans"] == 2
    assert measured(ADDED, told=False)["orphans"] == 0
