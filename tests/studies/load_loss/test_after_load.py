"""The losses after loading, against hand calculations."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from harness.workloads.datasets import load_split
from studies.load_loss import after_load
from studies.load_loss.after_load import eval_closer, measure
from studies.load_loss.trained import Trained

BLOCK = Block(0, 4, 0)


@pytest.mark.parametrize(
    ("train", "evaluated", "closer"), [(1.5, 0.9, 1), (1.1, 0.5, 0), (1.0, 1.0, 0), (0.9, 1.3, 0)]
)
def test_closer_is_the_smaller_distance_on_either_side(
    train: float, evaluated: float, closer: int
) -> None:
    assert eval_closer({"train": train, "eval": evaluated}, reference=1.0) == closer


@pytest.fixture
def dropped_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network whose logits are the first ten pixels, with dropout before its linear layer."""

    def build(_kind: str) -> nn.Module:
        net = nn.Sequential(nn.Dropout(0.5), nn.Linear(64, 10, bias=False))
        with torch.no_grad():
            net.get_parameter("1.weight").copy_(torch.eye(10, 64))
        return net

    trained = Trained(build(""), load_split("digits", 4), last=2.0, last_step=4.0)
    monkeypatch.setattr(after_load, "fresh_net", build)
    monkeypatch.setattr(after_load, "train_nets", lambda *_: (trained,))
    after_load.losses_of.cache_clear()


def arm(mode: str, rows: str = "held out") -> Arm:
    return Arm((("mode", mode), ("net", "dropout 0.5"), ("stage", "10 steps"), ("rows", rows)))


@pytest.mark.usefixtures("dropped_logits")
@pytest.mark.parametrize("rows", ["training", "held out"])
def test_the_loss_in_eval_mode_is_that_of_the_logits(rows: str) -> None:
    split = load_split("digits", 4)
    x, y = (split.val_x, split.val_y) if rows == "held out" else (split.train_x, split.train_y)
    loss = (torch.logsumexp(x[:, :10], 1) - x[torch.arange(len(y)), y]).mean().item()
    (found,) = measure((BLOCK,), arm("eval", rows))
    assert found["loss"] == pytest.approx(loss, rel=1e-5)
    assert found["loss_over_last"] == pytest.approx(loss / 2, rel=1e-5)
    assert found["eval_off_before"] == 0


@pytest.mark.usefixtures("dropped_logits")
def test_the_loss_in_train_mode_is_another_and_closer_agrees_with_both() -> None:
    train, evaluated = (
        float(str(measure((BLOCK,), arm(mode))[0]["loss"])) for mode in ("train", "eval")
    )
    assert train != evaluated
    for mode in ("train", "eval"):
        (found,) = measure((BLOCK,), arm(mode))
        assert found["eval_closer"] == float(abs(evaluated - 2) < abs(train - 2))
        assert found["eval_closer_to_step"] == float(abs(evaluated - 4) < abs(train - 4))
