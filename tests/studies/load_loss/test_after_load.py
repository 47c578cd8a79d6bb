"""The losses after loading, against hand calculations."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from harness.workloads.datasets import load_split
from studies.load_loss import after_load
from studies.load_loss.after_load import MODE, NET, ROWS, STAGE, eval_closer, measure, prepare
from studies.load_loss.trained import Trained

BLOCK = Block(0, 4, 0)


@pytest.mark.parametrize(
    ("train", "evaluated", "closer"),
    [(1.5, 0.9, 1), (1.1, 0.5, 0), (1.0, 1.0, 0), (0.9, 1.3, 0), (1.10, 1.04, 1), (1.10, 1.06, 0)],
)
def test_closer_is_the_smaller_distance_on_either_side_by_a_twentieth_of_the_reference(
    train: float, evaluated: float, closer: int
) -> None:
    assert eval_closer({"train": train, "eval": evaluated}, reference=1.0) == closer


def dropped(_kind: str = "") -> nn.Module:
    """A network whose logits are the first ten pixels, with dropout before its linear layer."""
    net = nn.Sequential(nn.Dropout(0.5), nn.Linear(64, 10, bias=False))
    with torch.no_grad():
        net.get_parameter("1.weight").copy_(torch.eye(10, 64))
    return net


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> after_load.Cell:
    """Every network is that of ``dropped``, with planted training losses."""
    trained = Trained(dropped(), load_split("digits", 4), last=2.0, last_step=4.0)
    monkeypatch.setattr(after_load, "fresh_net", dropped)
    monkeypatch.setattr(after_load, "train_nets", lambda *_: (copy.deepcopy(trained),))
    return prepare((BLOCK,))


def arm(mode: str, rows: str = "held out") -> Arm:
    return Arm(
        (
            (MODE.name, mode),
            (NET.name, "dropout 0.5"),
            (STAGE.name, STAGE.levels[0]),
            (ROWS.name, rows),
        )
    )


@pytest.mark.parametrize("rows", ["training", "held out"])
def test_the_loss_in_eval_mode_is_that_of_the_logits(cell: after_load.Cell, rows: str) -> None:
    split = load_split("digits", 4)
    x, y = (split.val_x, split.val_y) if rows == "held out" else (split.train_x, split.train_y)
    loss = (torch.logsumexp(x[:, :10], 1) - x[torch.arange(len(y)), y]).mean().item()
    (found,) = measure(cell, arm("eval", rows))
    assert found["loss"] == pytest.approx(loss, rel=1e-5)
    assert found["loss_over_step"] == pytest.approx(loss / 4, rel=1e-5)


def test_a_planted_loss_before_saving_is_seen(cell: after_load.Cell) -> None:
    key = ("dropout 0.5", STAGE.levels[0], "held out")
    (own,) = cell.losses[key]
    cell.losses[key] = (after_load.Losses(own.after, own.after["eval"] + 0.25),)
    (found,) = measure(cell, arm("eval"))
    assert found["eval_off_before"] == pytest.approx(0.25)


def test_the_loss_in_train_mode_is_another_and_closer_agrees_with_both(
    cell: after_load.Cell,
) -> None:
    train, evaluated = (
        float(str(measure(cell, arm(mode))[0]["loss"])) for mode in ("train", "eval")
    )
    assert train != evaluated

    def gained(reference: float) -> float:
        return abs(train - reference) - abs(evaluated - reference)

    for mode in ("train", "eval"):
        (found,) = measure(cell, arm(mode))
        assert found["eval_closer"] == float(gained(2) >= 0.05 * 2)
        assert found["eval_closer_to_step"] == float(gained(4) >= 0.05 * 4)
