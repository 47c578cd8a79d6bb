"""The mode of the modules and the mode of the gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from harness.design.factors import Arm, Block
from harness.workloads.datasets import load_split
from harness.workloads.networks import trained_mlp
from studies.grad_mode.two_switches import Cell, by_hand, measure, prepare

BLOCK = Block(0, 1, 2)


@pytest.fixture(scope="module")
def cell() -> Cell:
    torch.set_num_threads(1)
    return prepare(BLOCK)


def found(cell: Cell, mode: str, grad: str, net: str) -> dict[str, object]:
    torch.manual_seed(cell.seed)
    return dict(measure(cell, Arm((("mode", mode), ("grad", grad), ("net", net)))))


def test_the_calculation_by_hand_is_that_of_a_float64_copy_in_eval_mode() -> None:
    data = load_split("digits", 1)
    net = trained_mlp(data, 1, epochs=1, dropout=0.5, batch_norm=True)
    expected = net.double().eval()(data.val_x.double())
    torch.testing.assert_close(by_hand(net, data.val_x), expected, rtol=1e-12, atol=1e-12)


def test_what_a_perceptron_keeps_is_the_output_of_each_relu(cell: Cell) -> None:
    kept = found(cell, "eval", "enabled", "plain")["kept"]
    assert kept == 2 * len(cell.rows) * 64 * 4


def test_only_both_switches_make_a_network_ready(cell: Cell) -> None:
    ready = {
        (mode, grad): found(cell, mode, grad, "dropout + batch norm")["ready"]
        for mode in ("train", "eval")
        for grad in ("enabled", "no_grad")
    }
    assert [key for key, value in ready.items() if value] == [("eval", "no_grad")]


def test_a_no_grad_that_switched_dropout_off_would_be_seen(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quiet(self: nn.Dropout, x: Tensor) -> Tensor:
        return torch.nn.functional.dropout(x, self.p, self.training and torch.is_grad_enabled())

    assert found(cell, "train", "no_grad", "dropout")["differ"] == 1
    monkeypatch.setattr(nn.Dropout, "forward", quiet)
    seen = found(cell, "train", "no_grad", "dropout")
    assert seen["differ"] == 0
    assert seen["right"] == 1
    assert seen["gap_to_enabled"] != 0


def test_batch_norm_moves_three_buffers_a_layer_in_train_mode_only(cell: Cell) -> None:
    assert found(cell, "train", "inference_mode", "batch norm")["moved"] == 6
    assert found(cell, "eval", "enabled", "batch norm")["moved"] == 0
