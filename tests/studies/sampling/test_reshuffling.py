"""Beginnings of permutations, and images of ten patterns."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Block
from studies.sampling.classes import HALVES, class_task
from studies.sampling.reshuffling import TEN, TWO, beginnings, images


def test_beginnings_repeat_no_row_within_a_batch_and_come_from_each_replicas_seed() -> None:
    task = class_task(HALVES, (Block(0, 11, 5), Block(1, 12, 5)))
    batches = beginnings(task, 1)
    assert batches.shape == (task.steps, 2, task.batch)
    assert all(len(set(rows.tolist())) == task.batch for rows in batches.flatten(0, 1))
    stream = torch.Generator().manual_seed(12)
    first, second = (torch.randperm(1600, generator=stream)[: task.batch] for _ in range(2))
    assert torch.equal(batches[0, 1], first)
    assert torch.equal(batches[1, 1], second)


@pytest.mark.parametrize(("name", "classes"), [(TWO, 2), (TEN, 10)])
def test_images_are_stored_by_class_and_new_ones_show_the_same_patterns(
    name: str, classes: int
) -> None:
    x, y = images(name, 5000, seed=3, stream=0)
    new_x, new_y = images(name, 5000, seed=3, stream=1)
    assert torch.equal(y, torch.arange(classes).repeat_interleave(5000 // classes))
    assert torch.equal(y, new_y)
    means, new_means = (
        torch.stack([each[y == label].mean(0) for label in range(classes)]) for each in (x, new_x)
    )
    # The noise of a mean of n images is 1 / sqrt(n) in each of 64 pixels.
    far = (means - new_means).norm(dim=1).max().item()
    assert far < 1.5 * (2 * 64 * classes / 5000) ** 0.5
    assert not torch.equal(x, new_x)
