"""Jumps, ranges, leans and steps, on planted curves and networks that know one answer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from harness.design.factors import Block
from harness.workloads.replicas import Replicas
from studies.sampling.classes import BLOCK, HALVES, ClassTask, class_task
from studies.sampling.orders import STORED, batches_in_order
from studies.sampling.watching import EVERY, Watch, accuracy, describe, jumps

BLOCKS = (Block(0, 11, 5, effort=2), Block(1, 12, 5, effort=2))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def column(*values: float) -> Tensor:
    return torch.tensor(values)[:, None]


def test_jumps_are_taken_where_the_class_changes() -> None:
    classes = column(0, 0, 1, 1, 0)
    losses = column(5.0, 1.0, 4.0, 0.5, 2.5)
    assert jumps(classes, losses).tolist() == [pytest.approx((3.0 + 2.0) / 2)]


class Constant(nn.Module):
    """Takes every image for one class."""

    def __init__(self, answer: int) -> None:
        super().__init__()
        logits = torch.tensor([3.0, 0.0])
        self.logits = nn.Parameter(logits.flip(0) if answer else logits)

    def forward(self, x: Tensor) -> Tensor:
        return self.logits.expand(len(x), 2) + 0 * x.sum()


@pytest.mark.parametrize(("first", "answer", "lean"), [(0, 0, 0.5), (1, 1, 0.5), (0, 1, -0.5)])
def test_leans_are_towards_the_class_just_shown(first: int, answer: int, lean: float) -> None:
    task = class_task(HALVES, BLOCKS)
    watch = Watch(task, first)
    nets = Replicas([Constant(answer), Constant(answer)])
    watch(BLOCK, nets)
    assert watch.leans[0].tolist() == [lean, lean]
    watch(2 * BLOCK, nets)
    assert watch.leans[1].tolist() == [-lean, -lean], "then it is the other class's turn"
    watch(2 * BLOCK + 1, nets)
    assert len(watch.leans) == 2


def described(
    task: ClassTask, losses: Tensor, seen: list[Tensor], *, stored: bool = True
) -> dict[str, Tensor]:
    watch = Watch(task)
    watch.losses = seen
    batches = batches_in_order(task, STORED, 2)
    return describe(task, batches, losses, watch, stored=stored)


def test_planted_curves_are_described() -> None:
    task = class_task(HALVES, BLOCKS)
    losses = torch.ones(4 * BLOCK, 2)
    losses[BLOCK], losses[2 * BLOCK], losses[3 * BLOCK] = 5, 3, 2
    seen = [torch.tensor([0.9, 0.9]), torch.tensor([0.3, 0.9]), torch.tensor([0.9, 0.9])]
    found = described(task, losses, seen)
    assert found["swing"].tolist() == [pytest.approx((4 + 2 + 1) / 3)] * 2
    assert found["late_swing"].tolist() == [pytest.approx((2 + 1) / 2)] * 2
    assert found["range_of_losses"].tolist() == [2, 2]
    assert found["reached"].tolist() == [1, 0]
    assert found["steps_to_half"].tolist() == [2 * EVERY, 4 * EVERY]
    shuffled = described(task, losses, seen, stored=False)
    assert shuffled["swing"].tolist() == [(4 + 2) / 2] * 2


def test_a_network_of_one_answer_is_right_as_often_as_it_is_the_class() -> None:
    task = class_task(HALVES, BLOCKS)
    assert accuracy(Replicas([Constant(0), Constant(1)]), task).tolist() == [0.5, 0.5]
