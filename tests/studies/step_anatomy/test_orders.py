"""The loop with its order as an argument, held to one step worked out in exact fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from harness.workloads import Replicas
from studies.step_anatomy.orders import (
    BACKWARD,
    FORWARD,
    JUDGED,
    LOSS,
    OPERATIONS,
    ORDERS,
    SCHEDULE,
    STEP,
    ZERO,
    Loop,
    swapped,
    without,
)

F = Fraction
WEIGHTS = [[F(1, 2), F(-3, 10)], [F(1, 5), F(4, 5)]]
X, TARGET, RATE = [F(1), F(2)], [F(1), F(0)], F(1, 100)


def half_the_squares(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).square().sum() / 2


def little_loop() -> tuple[Loop, Tensor, Tensor]:
    """Two inputs and two outputs, in double precision; the rate halves at each scheduler step."""
    net = nn.Linear(2, 2).double()
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[float(w) for w in row] for row in WEIGHTS]).double())
        net.bias.zero_()
    nets = Replicas([net])
    optimiser = torch.optim.SGD(nets.parameters(), lr=float(RATE))
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimiser, gamma=0.5)
    x, y = (torch.tensor([[[float(v) for v in row]]]).double() for row in (X, TARGET))
    return Loop(nets, half_the_squares, optimiser, scheduler), x, y


def close(tensor: Tensor | None, expected: list[Fraction]) -> bool:
    assert tensor is not None
    found = tensor.detach().flatten().tolist()
    pairs = zip(found, expected, strict=True)
    return all(one == pytest.approx(float(other), abs=1e-7) for one, other in pairs)


def test_one_step_is_the_one_worked_out_in_exact_fractions() -> None:
    loop, x, y = little_loop()
    weight, bias = loop.nets.parameters()
    before = [w for row in WEIGHTS for w in row]
    outputs = [sum((w * v for w, v in zip(row, X, strict=True)), F(0)) for row in WEIGHTS]
    errors = [out - target for out, target in zip(outputs, TARGET, strict=True)]
    slopes = [error * v for error in errors for v in X]

    loop.iterate((FORWARD, LOSS), x, y)
    assert close(loop.names["outputs"], outputs)
    assert close(loop.names["loss"], [sum((e * e for e in errors), F(0)) / 2])
    loop.call(BACKWARD, x, y)
    assert close(weight.grad, slopes)
    assert close(bias.grad, errors)
    loop.call(STEP, x, y)
    assert close(weight, [w - RATE * slope for w, slope in zip(before, slopes, strict=True)])
    assert close(bias, [-RATE * error for error in errors])
    loop.call(ZERO, x, y)
    assert weight.grad is None
    loop.call(SCHEDULE, x, y)
    assert loop.optimiser.param_groups[0]["lr"] == float(RATE) / 2


@pytest.mark.parametrize(
    ("order", "name"), [((LOSS, FORWARD), "outputs"), ((FORWARD, BACKWARD), "loss")]
)
def test_reading_a_name_that_nobody_has_set_raises_as_a_script_does(
    order: tuple[str, ...], name: str
) -> None:
    loop, x, y = little_loop()
    with pytest.raises(NameError, match=f"name '{name}' is not defined"):
        loop.iterate(order, x, y)


def test_a_name_stays_from_one_iteration_to_the_next() -> None:
    loop, x, y = little_loop()
    loop.iterate((FORWARD,), x, y)
    loop.iterate((LOSS,), x, y)
    assert "loss" in loop.names


@given(st.sampled_from(OPERATIONS), st.sampled_from(OPERATIONS))
def test_swapping_exchanges_two_operations_and_leaves_the_others(one: str, other: str) -> None:
    order = swapped(one, other)
    assert sorted(order) == sorted(OPERATIONS)
    assert order.index(one) == OPERATIONS.index(other)
    kept = [each for each in OPERATIONS if each not in (one, other)]
    assert [order[OPERATIONS.index(each)] for each in kept] == kept


def test_the_judged_orders_are_all_single_skips_and_all_swaps_of_neighbours() -> None:
    skips = {OPERATIONS[:place] + OPERATIONS[place + 1 :] for place in range(6)}
    swaps = set()
    for place in range(5):
        order = list(OPERATIONS)
        order[place], order[place + 1] = order[place + 1], order[place]
        swaps.add(tuple(order))
    assert {ORDERS[name] for name in JUDGED} == skips | swaps
    assert len(JUDGED) == 11
    assert without(ZERO) in skips
