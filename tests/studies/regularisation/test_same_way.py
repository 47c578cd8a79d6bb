"""Weight decay against the penalty, beside plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.design.factors import Arm, Block
from studies.regularisation.nets import NETWORKS
from studies.regularisation.same_way import (
    ADAM,
    ADAMW,
    ALL,
    BEST,
    NOTHING,
    STRENGTH,
    TIMES,
    TWICE,
    WEIGHTS,
    Course,
    distance,
    in_the_design,
    measure,
    prepare,
    train,
)

BLOCKS = tuple(Block(number, 20 + number, 9, effort=3) for number in range(2))


@pytest.fixture(scope="module")
def course() -> Course:
    torch.set_num_threads(1)
    return prepare(BLOCKS)


def test_the_penalty_in_the_loss_is_that_of_a_plain_loop_over_one_network(course: Course) -> None:
    """Batches drawn again from the second replica's seed; biases left out of the penalty."""
    sample = course.samples["digits"]
    torch.manual_seed(21)
    net = NETWORKS["digits"]().double()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    stream = torch.Generator().manual_seed(21)
    for _ in range(3):
        rows = torch.randint(sample.train.x.shape[1], (64,), generator=stream)
        optimiser.zero_grad()
        outputs = net(sample.train.x[1, rows].double())
        loss = torch.nn.functional.cross_entropy(outputs, sample.train.y[1, rows])
        for name, parameter in net.named_parameters():
            if name.endswith("weight"):
                loss = loss + STRENGTH * parameter.square().sum()
        loss.backward()
        optimiser.step()
    ends = train(course, "digits", "SGD with momentum", penalised=True, biases=False)
    for end, parameter in zip(ends, net.parameters(), strict=True):
        assert torch.allclose(end[1], parameter.detach(), atol=1e-12)


def test_a_distance_is_relative_to_the_expected_way_of_each_replica() -> None:
    began = [torch.zeros(2, 2), torch.zeros(2, 1)]
    expected = [torch.tensor([[3.0, 0.0], [0.0, 6.0]]), torch.tensor([[4.0], [8.0]])]
    found = [torch.tensor([[3.0, 0.0], [0.0, 6.0]]), torch.tensor([[4.0], [9.0]])]
    assert distance(found, expected, began) == pytest.approx([0.0, 0.1])


def arm(optimiser: str, decay: str, parameters: str = ALL) -> Arm:
    levels = {"task": "digits", "optimiser": optimiser, "decay": decay, "parameters": parameters}
    return Arm(tuple(levels.items()))


def test_the_best_decay_is_the_nearest_of_nine(course: Course) -> None:
    best = [each["apart"] for each in measure(course, arm(ADAMW, BEST))]
    reference = train(course, "digits", ADAM, penalised=True)
    begin = train(Course(course.samples, 0, {}), "digits", ADAM)
    each = [
        distance(train(course, "digits", ADAMW, decay=times * STRENGTH), reference, begin)
        for times in TIMES[BEST]
    ]
    assert best == pytest.approx(np.min(each, axis=0).tolist())


def test_only_fair_translations_and_named_traps_are_in_the_design() -> None:
    assert in_the_design(arm(ADAM, TWICE, WEIGHTS))
    assert in_the_design(arm(ADAM, NOTHING))
    assert not in_the_design(arm(ADAM, BEST))
    assert not in_the_design(arm(ADAMW, TWICE, WEIGHTS))
