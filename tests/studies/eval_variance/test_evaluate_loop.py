"""The loops against averages worked out by hand, on a network that is the identity."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from harness.design.factors import Block
from studies.eval_variance import evaluate_loop
from studies.eval_variance.evaluate_loop import EXPERIMENT, LOOPS, Cell

# With logits (0, log(k - 1)), class 0 has probability 1/k: its loss is log(k).
LOGITS = torch.tensor([[0.0, math.log(1)], [0.0, math.log(3)], [0.0, math.log(7)]])
BATCHES = [(LOGITS[:2], torch.tensor([0, 0])), (LOGITS[2:], torch.tensor([0]))]
TWO, FOUR, EIGHT = math.log(2), math.log(4), math.log(8)


@pytest.mark.parametrize(
    ("loop", "loss", "accuracy"),
    [
        ("without its last line", (TWO + FOUR + EIGHT) / 3, 1 / 3),
        ("weighted by rows", (TWO + FOUR + EIGHT) / 3, 1 / 3),
        ("mean of batch means", ((TWO + FOUR) / 2 + EIGHT) / 2, 1 / 4),
        ("short", EIGHT, 0.0),
    ],
)
def test_each_loop_averages_as_it_says(loop: str, loss: float, accuracy: float) -> None:
    seen = LOOPS[loop](nn.Identity(), BATCHES, nn.CrossEntropyLoss())
    assert seen == pytest.approx((loss, accuracy), abs=1e-6)


def test_rows_are_the_wrong_weight_for_a_class_weighted_loss() -> None:
    batches = [(LOGITS[:2], torch.tensor([0, 1])), (LOGITS[2:], torch.tensor([0]))]
    weights = torch.tensor([1.0, 3.0])
    second = -math.log(3 / 4)  # the second row is now of class 1, which has probability 3/4
    listed = ((TWO + 3 * second) / 4 * 2 + EIGHT) / 3
    truth = (TWO + 3 * second + EIGHT) / 5
    criterion = nn.CrossEntropyLoss(weight=weights)
    seen, _ = LOOPS["weighted by rows"](nn.Identity(), batches, criterion)
    assert seen == pytest.approx(listed, abs=1e-6)
    labels = torch.tensor([0, 1, 0])
    whole, _ = evaluate_loop._whole_set(nn.Identity(), LOGITS, labels, criterion)
    assert whole == pytest.approx(truth, abs=1e-6)
    assert abs(listed - truth) > 0.01


def test_the_truth_leaves_ignored_labels_out_of_the_accuracy() -> None:
    labels = torch.tensor([evaluate_loop.UNLABELLED, 1, 0])
    criterion = nn.CrossEntropyLoss()
    _, accuracy = evaluate_loop._whole_set(nn.Identity(), LOGITS, labels, criterion)
    assert accuracy == 0.5


@pytest.fixture(scope="module")
def cell() -> Cell:
    torch.manual_seed(3)
    return evaluate_loop.prepare(Block(index=0, seed=3, shared_seed=0))


def test_a_loop_that_updates_buffers_is_seen(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_train_mode(
        model: nn.Module, batches: evaluate_loop.Batches, criterion: nn.Module
    ) -> tuple[float, float]:
        model.train()
        for x, _ in batches:
            model(x)
        return 0.0, 0.0

    monkeypatch.setitem(evaluate_loop.LOOPS, "short", in_train_mode)
    arm = next(arm for arm in EXPERIMENT.arms() if arm[evaluate_loop.LOOP] == "short")
    # Of two batch norms: running mean, running variance and the count of batches.
    assert evaluate_loop.measure(cell, arm)["buffers"] == 6


def test_partly_frozen_leaves_only_the_batch_norms_in_eval_mode(cell: Cell) -> None:
    arm = next(a for a in EXPERIMENT.arms() if a[evaluate_loop.BEFORE] == "partly frozen")
    norms = sum(isinstance(module, nn.BatchNorm1d) for module in cell.model.modules())
    assert evaluate_loop.measure(cell, arm)["modes_changed"] == norms == 2


def test_without_its_last_line_every_module_is_left_in_eval_mode(cell: Cell) -> None:
    arm = next(a for a in EXPERIMENT.arms() if a[evaluate_loop.LOOP] == evaluate_loop.BARE)
    everything = sum(1 for _ in cell.model.modules())
    assert evaluate_loop.measure(cell, arm)["modes_changed"] == everything
