"""What is seen of layers that an optimiser does not know, with planted steps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from studies.bugs import new_parameters
from studies.bugs.new_parameters import ADDED, REPLACED, STEPS, change, measure, prepare

Step = Callable[[nn.Sequential, int], None]


def measured(
    monkeypatch: pytest.MonkeyPatch, how: str, step: Step, *, told: bool = False
) -> dict[str, object]:
    taken = [0]

    def counted(net: nn.Sequential, *_: object) -> None:
        taken[0] += 1
        step(net, taken[0] - STEPS)

    monkeypatch.setattr(new_parameters, "training_step", counted)
    arm = Arm((("change", how), ("told", told), ("optimiser", "SGD")))
    return dict(measure(prepare(Block(0, 1, 2)), arm))


def grow(net: nn.Sequential, number: int) -> None:
    """The gradient of the last layer is the number of the step after the change."""
    for parameter in net[-1].parameters():
        parameter.grad = torch.full_like(parameter, float(number))


def move_one(net: nn.Sequential, number: int) -> None:
    grow(net, number)
    weight = next(net[-1].parameters())
    with torch.no_grad():
        weight.flatten()[0] += 1.0


@pytest.mark.parametrize("how", [ADDED, REPLACED])
def test_a_tensor_that_moves_in_one_number_has_moved(
    monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    assert measured(monkeypatch, how, grow)["moved"] == 0
    assert measured(monkeypatch, how, move_one)["moved"] == 0.5, "the weight, not the bias"


def test_gradients_are_compared_by_their_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(monkeypatch, REPLACED, grow)
    assert found["piled_up"] == pytest.approx(STEPS)
    assert found["gradients"] == 1


def test_a_layer_that_was_replaced_stays_in_the_optimiser(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(monkeypatch, REPLACED, grow)["orphans"] == 2
    assert measured(monkeypatch, ADDED, grow)["orphans"] == 0


def test_the_changed_network_ends_in_the_new_layer() -> None:
    for how, layers in ((ADDED, 3), (REPLACED, 2)):
        net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
        new = change(net, how)
        assert net[-1] is new
        assert len(net) == layers
        assert net(torch.zeros(1, 3)).shape == (1, 2)
