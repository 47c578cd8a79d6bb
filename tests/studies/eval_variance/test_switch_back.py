"""Training in eval mode against networks that have no dropout, and the measures against sums."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.design.factors import Arm, Block
from harness.workloads.networks import mlp
from harness.workloads.training import fit_classifier
from studies.eval_variance import switch_back
from studies.eval_variance.switch_back import BATCH, ROWS, Cell, measure

SEED = 5


@pytest.fixture(scope="module")
def cell() -> Cell:
    torch.manual_seed(SEED)
    return switch_back.prepare(Block(index=0, seed=SEED, shared_seed=0))


@pytest.fixture(autouse=True)
def few_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch_back, "EPOCHS", 6)


def seen(cell: Cell, switch: str, net: str, noise: float = 0.0) -> dict[str, Any]:
    torch.manual_seed(SEED)
    return dict(measure(cell, Arm((("switch", switch), ("net", net), ("noise", noise)))))


def test_a_fifth_of_the_labels_are_wrong_where_that_is_asked(cell: Cell) -> None:
    assert int((cell.train_y[0.2] != cell.train_y[0.0]).sum()) == ROWS / 5
    assert len(cell.train_y[0.0]) == ROWS


def test_training_in_eval_mode_is_training_a_network_without_dropout(cell: Cell) -> None:
    torch.manual_seed(SEED)
    plain = mlp(64, 10)
    x, y = cell.train_x, cell.train_y[0.2]
    fit_classifier(plain, x, y, seed=SEED, epochs=6, batch_size=BATCH)
    with torch.no_grad():
        expected = functional.cross_entropy(plain(x), y).item()
        val = functional.cross_entropy(plain(cell.val_x), cell.val_y).item()
    result = seen(cell, "never", "dropout", noise=0.2)
    assert result["fit_loss"] == pytest.approx(expected, rel=1e-4)
    assert result["val_loss"] == pytest.approx(val, rel=1e-4)


def test_the_modes_of_all_epochs_are_those_that_the_arm_says(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: dict[str, list[bool]] = {}
    for switch in ("back", "forgotten", "never"):
        epochs = modes.setdefault(switch, [])

        def recorded(model: nn.Module, *_: object, into: list[bool] = epochs) -> float:
            into.append(model.training)
            return 1.0

        monkeypatch.setattr(switch_back, "_train_epoch", recorded)
        seen(cell, switch, "dropout")
    assert modes == {
        "back": [True] * 6,
        "forgotten": [True] + [False] * 5,
        "never": [False] * 6,
    }


def test_without_batch_norm_there_is_no_gap(cell: Cell) -> None:
    assert math.isnan(seen(cell, "back", "dropout")["bn_gap"])


def test_the_gap_of_a_fresh_batch_norm_is_the_mean_of_its_input_in_standard_deviations() -> None:
    values = torch.tensor([[1.0], [3.0], [5.0]])  # mean 3, s.d. 2
    assert switch_back._batch_norm_gap(nn.Sequential(nn.BatchNorm1d(1)).eval(), values) == 1.5


def test_a_rise_is_measured_on_means_of_five_epochs() -> None:
    assert switch_back._smooth([5, 0, 0, 0, 0, 10]) == pytest.approx([1, 2])


def test_the_rise_counts_from_the_lowest_point(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([4.0, 2, 2, 2, 2, 2, 2, 2, 2, 12, 99])  # the last is the training set's
    monkeypatch.setattr(switch_back, "EPOCHS", 10)
    monkeypatch.setattr(switch_back, "_loss", lambda *_: next(losses))
    logged = iter([8.0, 2, 2, 2, 2, 2, 1, 1, 1, 1])
    monkeypatch.setattr(switch_back, "_train_epoch", lambda *_: next(logged))
    result = seen(cell, "forgotten", "dropout")
    assert result["val_rise"] == pytest.approx(1.0)  # from 2 to (2 + 2 + 2 + 2 + 12) / 5 = 4
    assert result["train_fall"] == pytest.approx(0.6)  # from 2 to (2 + 1 + 1 + 1 + 1) / 5
    assert result["best_epoch"] == 2
