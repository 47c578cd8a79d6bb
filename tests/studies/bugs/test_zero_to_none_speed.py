"""The steps that are timed; nothing is timed here."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from harness.workloads.networks import tower
from studies.bugs import zero_to_none_speed
from studies.bugs.zero_to_none_speed import (
    ALLOCATOR,
    EXPERIMENT,
    SETTLED,
    SIZE,
    ZERO,
    prepare,
    task,
    thresholds,
    time_of_a_step,
)
from tests.studies.planted_times import planted_table


def arm(zero: str, size: int = 4, allocator: str = "keeps") -> Arm:
    return Arm((("zero", zero), ("size", size), ("allocator", allocator)))


@pytest.mark.parametrize("zero", ["None", "zeros"])
def test_a_step_resets_as_asked_and_leaves_the_gradient_of_one_pass(
    zero: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nets: list[torch.nn.Module] = []

    def remembered(depth: int, width: int) -> torch.nn.Module:
        nets.append(tower(depth, width))
        return nets[-1]

    monkeypatch.setattr(zero_to_none_speed, "tower", remembered)
    step = task(prepare(Block(0, 1, 2)), arm(zero))
    step()
    before = [p.grad for p in nets[0].parameters()]
    values = [grad.clone() for grad in before if grad is not None]
    step()
    after = [p.grad for p in nets[0].parameters()]
    assert [new is old for new, old in zip(after, before, strict=True)] == [zero == "zeros"] * 4
    assert all(torch.equal(a, b) for a, b in zip(after, values, strict=True) if a is not None)


def test_thresholds_lie_below_within_and_above_the_sizes() -> None:
    for size in SIZE.levels:
        bytes_of = 4 * zero_to_none_speed.WIDTHS[size] ** 2
        found = {name: thresholds(arm("None", size, name)) for name in ALLOCATOR.levels}
        assert bytes_of == 1024 * size
        assert found["keeps"][1] > bytes_of + 4096
        assert found[SETTLED][1] > bytes_of
        if size > 4:
            assert found["gives back"][1] <= bytes_of


def test_the_figure_tells_the_ratio_at_1_mb() -> None:
    def seconds(arm: Arm) -> float:
        return 0.02 * (0.75 if arm[ZERO] == "None" and arm[SIZE] == 1024 else 1.0)

    axes = time_of_a_step(planted_table(EXPERIMENT, seconds, noise=0)).axes[0]
    assert "takes 0.75 (99 % interval 0.75 to 0.75)" in axes.get_title()
