"""The mode of the modules and the mode of the gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from harness.design.factors import Arm, Block
from studies.grad_mode.two_switches import Cell, Subject, measure, prepare


@pytest.fixture(scope="module")
def cell() -> Cell:
    torch.set_num_threads(1)
    return prepare(Block(0, 1, 2))


def found(cell: Cell, mode: str, grad: str, net: str) -> dict[str, object]:
    torch.manual_seed(cell.seed)
    return dict(measure(cell, Arm((("mode", mode), ("grad", grad), ("net", net)))))


class Planted(nn.Module):
    """Doubles its input, and does one thing more."""

    def __init__(self, more: Callable[[Planted, Tensor], Tensor]) -> None:
        super().__init__()
        self.more = more
        self.calls: Tensor
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.more(self, 2 * x)


def planted(more: Callable[[Planted, Tensor], Tensor], real: Tensor | None = None) -> Cell:
    """A cell whose perceptron is a planted module of which 2 x is expected."""
    x = torch.ones(2, 3)
    subject = Subject(Planted(more), lambda net: net(x), [x], real, 2 * x.double())
    return Cell({"dropout": subject}, seed=1)


def test_what_a_perceptron_keeps_is_the_output_of_each_relu(cell: Cell) -> None:
    kept = found(cell, "eval", "enabled", "plain")["kept"]
    rows = cell.subjects["plain"].owned[0]
    assert kept == 2 * len(rows) * 64 * 4


def test_a_module_that_listens_to_nothing_is_ready_in_every_state() -> None:
    for mode in ("train", "eval"):
        for grad in ("enabled", "no_grad", "inference_mode"):
            assert found(planted(lambda _, x: x), mode, grad, "dropout") == {
                "moved": 0,
                "tracked": 0,
                "kept": 0,
                "differ": 0,
                "spread": 0,
                "right": 1,
                "gap": 0,
                "gap_read": 0,
                "ready": 1,
            }


def test_noise_is_seen_in_repeats_and_shared_by_the_two_first_passes() -> None:
    seen = found(planted(lambda _, x: x + torch.rand(2, 3)), "train", "no_grad", "dropout")
    assert seen["differ"] == 1
    assert float(str(seen["spread"])) > 0
    assert (seen["right"], seen["ready"]) == (0, 0)
    assert seen["gap"] == 0, "both first passes draw the same numbers"


def test_a_switch_that_acts_under_the_other_alone_is_seen() -> None:
    def both(module: Planted, x: Tensor) -> Tensor:
        return x if module.training or torch.is_grad_enabled() else 1.5 * x

    for mode, gap in (("train", 0), ("eval", 0.5)):
        seen = found(planted(both), mode, "no_grad", "dropout")
        assert (seen["gap"], seen["gap_read"]) == (gap, gap)
    real = torch.tensor([True, False])

    def at_padding(module: Planted, x: Tensor) -> Tensor:
        return x if torch.is_grad_enabled() else x * real[:, None]

    seen = found(planted(at_padding, real), "eval", "no_grad", "dropout")
    assert (seen["gap"], seen["gap_read"], seen["right"]) == (1, 0, 1)


def test_buffers_that_move_and_graphs_that_are_built_are_seen() -> None:
    weight = nn.Parameter(torch.ones(()))

    def more(module: Planted, x: Tensor) -> Tensor:
        module.calls += module.training
        return x * weight

    seen = found(planted(more), "train", "enabled", "dropout")
    assert (seen["moved"], seen["tracked"]) == (1, 1)
    assert seen["kept"] == 2 * 3 * 4, "what the weight is multiplied with"
    assert found(planted(more), "eval", "enabled", "dropout")["moved"] == 0


def test_a_no_grad_that_switched_dropout_off_would_be_seen(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quiet(self: nn.Dropout, x: Tensor) -> Tensor:
        return torch.nn.functional.dropout(x, self.p, self.training and torch.is_grad_enabled())

    monkeypatch.setattr(nn.Dropout, "forward", quiet)
    seen = found(cell, "train", "no_grad", "dropout")
    assert (seen["differ"], seen["right"]) == (0, 1)
    assert seen["gap"] != 0
