"""What an evaluation loop changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.grad_mode import eval_reads
from studies.grad_mode.eval_reads import Cell, measure, prepare

NOTHING = {"weights": 0, "buffers": 0, "gradients": 0, "stream": 0}


@pytest.fixture(scope="module")
def cell() -> Cell:
    torch.set_num_threads(1)
    return prepare(Block(0, 1, 2))


def changed_by(
    loop: Callable[[torch.nn.Module], object], cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    monkeypatch.setattr(eval_reads, "evaluate", lambda net, *_: loop(net))
    return dict(measure(cell, Arm((("loop", "usual"), ("net", "dropout + batch norm")))))


def test_a_loop_that_does_nothing_changes_nothing(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert changed_by(lambda net: None, cell, monkeypatch) == NOTHING


def test_a_loop_that_only_draws_moves_the_stream(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert changed_by(lambda net: torch.rand(1), cell, monkeypatch) == NOTHING | {"stream": 1}


def test_a_loop_that_steps_is_seen_in_every_weight(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(net: torch.nn.Module) -> None:
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(1)

    found = changed_by(step, cell, monkeypatch)
    assert found == NOTHING | {"weights": 3 * 2 + 2 * 2}, "3 linear layers and 2 batch norms"


def test_a_loop_that_writes_to_buffers_and_gradients_is_seen(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(net: torch.nn.Module) -> None:
        next(net.buffers()).add_(1)
        gradient = next(net.parameters()).grad
        assert gradient is not None, "the networks are in the midst of training"
        gradient.add_(1)

    assert changed_by(write, cell, monkeypatch) == NOTHING | {"buffers": 1, "gradients": 1}
