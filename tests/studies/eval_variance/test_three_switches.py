"""Switches that cannot matter must not, and those that must, do."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Level
from harness.workloads.datasets import Split
from harness.workloads.networks import mlp
from studies.eval_variance import three_switches
from studies.eval_variance.three_switches import (
    ALL_RIGHT,
    BATCH,
    OMISSIONS,
    WHOLE_STEP,
    Cell,
    measure,
)


def random_cell(rows: int, dropout: float = 0.5) -> Cell:
    """Random data, so that nothing is learnt, and an untrained network."""
    stream = torch.Generator().manual_seed(0)
    x, y = torch.randn(200, 64, generator=stream), torch.randint(0, 10, (200,), generator=stream)
    data = Split(x, y, x[:rows], y[:rows], 10)
    torch.manual_seed(0)
    return Cell(data, {"dropout": mlp(64, 10, dropout=dropout)})


def arm(levels: dict[str, Level]) -> Arm:
    return Arm(tuple({"net": "dropout", **levels}.items()))


def seen(cell: Cell, levels: dict[str, Level], response: str = "error") -> object:
    torch.manual_seed(1)
    return measure(cell, arm(levels))[response]


def test_an_error_is_told_in_points_or_in_twentieths_of_the_loss_whichever_is_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell = random_cell(rows=BATCH)
    for metrics, error in (((1.0, 0.87), 3), ((1.2, 0.9), 4), ((0.8, 0.91), 4), ((1.0, 0.9), 0)):
        answers = iter([(1.0, 0.9), metrics])
        monkeypatch.setattr(three_switches, "_evaluate", lambda *_, a=answers, **__: next(a))
        assert seen(cell, ALL_RIGHT) == pytest.approx(error)


def test_each_switch_is_set_as_the_arm_says(monkeypatch: pytest.MonkeyPatch) -> None:
    class Watched(nn.Module):
        """Tells its mode, whether gradients are on, and where its weight is, at every call."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(10))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            calls.append(
                (self.training, torch.is_grad_enabled(), float(self.weight.detach().abs().sum()))
            )
            return self.weight + x[:, :10]

    calls: list[tuple[bool, bool, float]] = []
    cell = replace(random_cell(rows=2 * BATCH), models={"dropout": Watched()})
    found = {}
    for name, levels in (*OMISSIONS.items(), ("all right", ALL_RIGHT)):
        calls.clear()
        seen(cell, levels)
        (train, grad, first), (_, _, second) = calls[-2:]
        found[name] = (train, grad, first != second)
    assert found == {
        "without eval()": (True, False, False),
        "without no_grad()": (False, True, False),
        "with a stray step()": (False, False, True),
        "all right": (False, False, False),
    }


def test_without_dropout_the_mode_changes_nothing() -> None:
    assert seen(random_cell(rows=200, dropout=0.0), OMISSIONS["without eval()"]) == 0


def test_a_step_after_the_only_batch_comes_too_late_to_change_its_metrics() -> None:
    assert seen(random_cell(rows=BATCH), OMISSIONS["with a stray step()"]) == 0


def test_backward_under_no_grad_is_an_exception_and_gives_no_metrics() -> None:
    cell = random_cell(rows=BATCH)
    assert seen(cell, WHOLE_STEP, "raised") == 1
    loss = seen(cell, WHOLE_STEP, "loss_shift")
    assert loss != loss  # noqa: PLR0124 - NaN


def test_a_stray_step_without_gradients_does_nothing() -> None:
    cell = random_cell(rows=200)
    model = cell.models["dropout"]
    optimiser = torch.optim.Adam(model.parameters())
    truth = three_switches._evaluate(model, cell.data)
    stray = three_switches._evaluate(model, cell.data, step="step only", optimiser=optimiser)
    assert stray == truth


def test_the_truth_is_the_loss_of_the_whole_set() -> None:
    cell = random_cell(rows=150)
    model, data = cell.models["dropout"], cell.data
    loss, accuracy = three_switches._evaluate(model, data)
    logits = model.eval()(data.val_x)
    assert loss == pytest.approx(torch.nn.functional.cross_entropy(logits, data.val_y).item())
    assert accuracy == (logits.argmax(1) == data.val_y).double().mean().item()


def test_measuring_leaves_the_cell_as_it_was() -> None:
    cell = replace(random_cell(rows=200))
    before = [value.clone() for value in cell.models["dropout"].state_dict().values()]
    seen(cell, {"mode": "train", "grad": "grad", "step": "backward and step"})
    after = cell.models["dropout"].state_dict().values()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
