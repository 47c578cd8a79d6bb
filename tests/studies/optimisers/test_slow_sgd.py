"""How far the loss falls in ten epochs."""

from __future__ import annotations

import pytest

from harness.design.factors import Arm, Block
from harness.workloads.loop import Setting, evaluate, train
from harness.workloads.replicas import Replicas
from harness.workloads.tasks import SPIRAL_TANH
from studies.optimisers.slow_sgd import measure
from studies.optimisers.spirals import whole_spiral


def test_the_fall_is_from_the_untrained_network_to_the_tenth_epoch() -> None:
    blocks = (Block(0, 3, 3), Block(1, 4, 3))
    found = measure(blocks, Arm((("task", SPIRAL_TANH), ("turns", 1.0), ("optimiser", "Adam"))))
    task = whole_spiral(SPIRAL_TANH, blocks, 1.0)
    start, _ = evaluate(Replicas(task.networks), task, task.train)
    end = train(task, Setting("Adam", 0.01, epochs=10, batch=16)).epochs["true_train_loss"][-1]
    assert [each["loss"] for each in found] == pytest.approx(end.tolist())
    assert [each["fall"] for each in found] == pytest.approx((start - end).tolist(), abs=1e-6)
    assert [each["fallen"] for each in found] == pytest.approx((1 - end / start).tolist(), abs=1e-6)
