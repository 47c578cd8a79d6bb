"""Two loads of one encoder with fresh heads, with and without the saved state."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from studies.load_loss import second_load
from studies.load_loss.files import file_of
from studies.load_loss.models import classifier
from studies.load_loss.second_load import Cell, measure, parts


@pytest.fixture
def cell() -> Cell:
    def load() -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(5)
            model: Any = classifier("BERT")
        nn.init.normal_(model.classifier.weight)
        loaded: nn.Module = model.eval()
        return loaded

    torch.manual_seed(0)
    first, second = load(), load()
    tokens = torch.randint(3, 100, (4, 6))
    labels = torch.tensor([0, 1, 1, 0])
    return Cell(first, second, file_of(first.state_dict()), tokens, labels)


def arm(restored: str) -> Arm:
    return Arm((("restored", restored),))


def test_a_head_is_two_tensors_and_the_rest_is_the_encoder(cell: Cell) -> None:
    head, encoder = parts(cell.first)
    assert set(head) == {"classifier.weight", "classifier.bias"}
    assert len(head) + len(encoder) == len(cell.first.state_dict())


@pytest.mark.parametrize("order", [("yes", "no"), ("no", "yes")])
def test_the_state_restores_head_and_loss_in_either_order_of_arms(
    cell: Cell, order: tuple[str, str]
) -> None:
    found = {restored: measure(cell, arm(restored)) for restored in order}
    assert found["yes"] == {"head_same": 1, "encoder_changed": 0, "loss_same": 1}
    assert found["no"] == {"head_same": 0, "encoder_changed": 0, "loss_same": 0}


def test_a_planted_change_of_the_encoder_is_seen(cell: Cell) -> None:
    with torch.no_grad():
        cell.second.get_parameter("bert.pooler.dense.bias").add_(1e-3)
    assert measure(cell, arm("no"))["encoder_changed"] == 1


def test_the_experiment_names_the_head_of_minilm() -> None:
    assert Block(0, 0, 0).device == "cpu"
    assert second_load.HEAD == "classifier."
