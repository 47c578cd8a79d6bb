"""How far frozen layers move, against closed forms."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import pytest
import torch
from torch.nn.functional import cross_entropy

from harness.design.factors import Arm, Block
from studies.bugs.freezing import OPTIMISERS
from studies.bugs.frozen import (
    DEFAULT,
    EARLIER,
    FIRST,
    FRESH,
    LATER,
    STALE,
    STEPS,
    measure,
    prepare_together,
)

BLOCKS = (Block(0, 1, 2), Block(1, 7, 2))
CELL = prepare_together(BLOCKS)


def measured(
    optimiser: str, zeroed: str, freeze: str = LATER, built: str = STALE
) -> list[Mapping[str, object]]:
    levels = {"freeze": freeze, "built": built, "zeroed": zeroed, "optimiser": optimiser}
    return list(measure(CELL, Arm(tuple(levels.items()))))


def values(name: str, found: list[Mapping[str, object]]) -> list[object]:
    return [each[name] for each in found]


def at_the_freezing(replica: int, momentum: float) -> tuple[torch.Tensor, ...]:
    """Weights, gradients and momentum of the layers that are frozen, by a loop of its own."""
    cell = CELL
    net = copy.deepcopy(cell.networks[replica])
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=momentum)
    for x, y in cell.batches[:EARLIER]:
        optimiser.zero_grad()
        cross_entropy(net(x[replica]), y[replica]).backward()
        optimiser.step()
    frozen = list(net.parameters())[:4]
    gradients = [p.grad.flatten() for p in frozen if p.grad is not None]
    buffers = [optimiser.state[p].get("momentum_buffer") for p in frozen]
    velocities = [b.flatten() for b in buffers if b is not None]
    weights = torch.cat([p.detach().flatten() for p in frozen])
    return weights, torch.cat(gradients), torch.cat(velocities) if velocities else weights


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_what_never_had_a_gradient_does_not_move(optimiser: str) -> None:
    for zeroed in ("to zeros", "never"):
        assert values("moved", measured(optimiser, zeroed, FIRST)) == [0, 0]


def test_weight_decay_shrinks_a_layer_whose_gradient_is_zero() -> None:
    found = values("moved", measured("SGD, weight decay", "to zeros"))
    assert found == pytest.approx([1 - (1 - 0.01 * 0.01) ** STEPS] * 2, rel=1e-3)


def test_momentum_lets_a_layer_coast_when_its_gradient_is_zero() -> None:
    found = values("moved", measured("SGD, momentum", "to zeros"))
    for replica, moved in enumerate(found):
        weights, _, velocity = at_the_freezing(replica, momentum=0.9)
        distance = 0.01 * velocity.norm() * sum(0.9**k for k in range(1, STEPS + 1))
        assert moved == pytest.approx((distance / weights.norm()).item(), rel=1e-3)


def test_plain_gradient_descent_does_not_move_it_by_zeros() -> None:
    for found in measured("SGD", "to zeros"):
        assert (found["moved"], found["zero_gradients"], found["gradients"]) == (0, 1, 1)


def test_a_gradient_left_over_is_applied_at_every_step() -> None:
    for replica, found in enumerate(measured("SGD", "trainable only")):
        weights, gradients, _ = at_the_freezing(replica, momentum=0.0)
        distance = STEPS * 0.01 * gradients.norm()
        assert found["moved"] == pytest.approx((distance / weights.norm()).item(), rel=1e-3)
        assert (found["zero_gradients"], found["gradients"]) == (0, 1)


def test_an_optimiser_built_afterwards_knows_nothing_frozen_and_keeps_no_state_for_it() -> None:
    stale, fresh = measured("Adam", DEFAULT)[0], measured("Adam", DEFAULT, built=FRESH)[0]
    assert (stale["in_groups"], fresh["in_groups"]) == (4, 0)
    moments = 2 * 4 * (64 * 16 + 16 + 16 * 16 + 16)
    counts = 4 * 4 / len(BLOCKS)  # of steps, which replicas share
    assert stale["state_bytes"] == (moments + counts) / 1024
    assert fresh["state_bytes"] == 0


def test_built_afterwards_in_the_middle_of_a_training_it_has_lost_its_moments() -> None:
    assert values("head_gap", measured("Adam", DEFAULT, FIRST, FRESH)) == [0, 0]
    later = measured("Adam", DEFAULT, LATER, FRESH)
    assert min(float(str(gap)) for gap in values("head_gap", later)) > 0
