"""What an evaluation loop changes."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.grad_mode import eval_reads
from studies.grad_mode.eval_reads import measure, prepare

BLOCK = Block(0, 1, 2)


def test_the_usual_loop_draws_from_the_global_stream_and_changes_nothing_else() -> None:
    cell = prepare(BLOCK)
    for net in cell.nets:
        found = measure(cell, Arm((("loop", "usual"), ("net", net))))
        assert found == {"weights": 0, "buffers": 0, "gradients": 0, "stream": 1}


def test_spectral_norm_goes_on_iterating_in_train_mode() -> None:
    found = measure(prepare(BLOCK), Arm((("loop", "in train mode"), ("net", "spectral norm"))))
    assert found["buffers"] == 2


def test_a_loop_that_steps_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = prepare(BLOCK)
    net = cell.nets["plain"]
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())

    def stepping(net: torch.nn.Module, *_: object) -> float:
        torch.optim.SGD(net.parameters(), lr=0.1).step()
        return 0.0

    monkeypatch.setattr(eval_reads, "evaluate", stepping)
    found = measure(cell, Arm((("loop", "usual"), ("net", "plain"))))
    assert (found["weights"], found["gradients"]) == (6, 0)
