"""Inputs that are known to be idle."""

from __future__ import annotations

from typing import cast

import torch

from harness.design.factors import Arm, Block
from harness.workloads.samples import draw_sample
from studies.regularisation.idle_inputs import (
    NONE,
    PROXIMAL,
    measure,
    network,
    prepare,
    with_shuffled_columns,
)


def test_shuffled_columns_hold_the_same_numbers_in_another_order_within_each_part() -> None:
    plain = draw_sample("breast cancer", (3, 4))
    wide = with_shuffled_columns(plain)
    for part, before in ((wide.train, plain.train), (wide.test, plain.test)):
        used, idle = part.x.split(30, dim=2)
        assert torch.equal(used, before.x)
        assert torch.equal(idle.sort(dim=1).values, before.x.sort(dim=1).values)
        assert (idle != before.x).float().mean() > 0.8
        assert torch.equal(part.y, before.y)
    # Each by itself: two columns that go together do so no more.
    radius, perimeter = wide.train.x[0, :, 30], wide.train.x[0, :, 32]
    assert torch.corrcoef(torch.stack([radius, perimeter]))[0, 1].abs() < 0.5


def test_networks_take_used_and_idle_inputs() -> None:
    for task, inputs in (("listing 3", 50), ("breast cancer", 60)):
        assert next(network(task).parameters()).shape[1] == inputs


def test_a_proximal_step_zeroes_what_the_data_do_not_hold_and_no_penalty_does_not() -> None:
    """Planted: a strength of 0.001 at a rate of 0.2 takes 0.0002 off in a step, 0.014 in all."""
    torch.set_num_threads(1)
    rows = prepare([Block(number, 40 + number, 9, effort=1) for number in range(2)])
    found = {}
    for penalty in (NONE, PROXIMAL):
        levels = {"task": "breast cancer", "optimiser": "SGD", "penalty": penalty}
        zeros = measure(rows, Arm(tuple(levels.items())))[0]["idle_zeros"]
        found[penalty] = float(cast("float", zeros))
    assert found[NONE] == 0.0
    assert found[PROXIMAL] > 2
