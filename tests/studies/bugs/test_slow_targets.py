"""The trainings whose loss is on the CPU, where everything is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.meters.predict import fake_tensors
from studies.bugs.slow_targets import CLASSES, NET, Work, build, training


def test_where_the_loss_is_does_not_change_what_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copy.deepcopy", lambda net: net)
    x, y = torch.randn(8, 5, 4), torch.randint(3, (8, 5))
    weights = []
    for loss_on in ("GPU", "CPU"):
        torch.manual_seed(0)
        net = nn.Linear(4, 3)
        step = training(Work(net, x, y), loss_on)
        for _ in range(3):
            step()
        weights.append(net.weight)
    assert torch.equal(*weights)


@pytest.mark.parametrize("net", NET.levels)
@pytest.mark.parametrize("classes", CLASSES.levels)
def test_each_network_trains_on_its_classes(net: str, classes: int) -> None:
    """On fake tensors: the language model is too large for a test."""
    with fake_tensors():
        work = build(net, classes)
        training(work, "CPU")()
        assert work.net(work.x).shape == (*work.y.shape, classes)
