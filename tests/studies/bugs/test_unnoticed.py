"""Whether a forgotten zero_grad is noticed, and that a complaint would be."""

from __future__ import annotations

import math
import warnings

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.bugs import unnoticed
from studies.bugs.unnoticed import FORGOTTEN, OPTIMISER, STEPS, TOO_EARLY, measure, prepare


def arm(mistake: str, optimiser: str = "SGD", rate: float = 0.01) -> Arm:
    return Arm((("optimiser", optimiser), ("rate", rate), ("mistake", mistake)))


def test_training_goes_on_to_the_end_even_where_the_loss_runs_off() -> None:
    found = measure(prepare(Block(0, 1, 2)), arm(FORGOTTEN, rate=10.0))
    assert (found["complaints"], found["steps"]) == (0, STEPS)
    loss = float(str(found["loss"]))
    assert math.isnan(loss) or loss > 10


def test_a_scheduler_that_steps_too_early_is_complained_about_at_once() -> None:
    found = measure(prepare(Block(0, 1, 2)), arm(TOO_EARLY))
    assert (found["complaints"], found["steps"]) == (1, 1)


@pytest.mark.parametrize("say", [lambda: warnings.warn("reset!", stacklevel=1), lambda: 1 / 0])
def test_any_warning_or_exception_is_a_complaint(
    say: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(*arguments: object) -> None:
        arguments[-1].append(torch.tensor(1.0))  # type: ignore[attr-defined]  # the losses
        say()  # type: ignore[operator]

    monkeypatch.setattr(unnoticed, "train", train)
    assert measure(prepare(Block(0, 1, 2)), arm(FORGOTTEN))["complaints"] == 1


def test_every_optimiser_that_fits_is_tried() -> None:
    """Left out are those that need a closure, sparse gradients or matrices."""
    kinds = {
        name
        for name, kind in vars(torch.optim).items()
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)
    }
    left_out = {"Optimizer", "LBFGS", "SparseAdam", "Adafactor", "Muon"}
    assert kinds - left_out == set(OPTIMISER.levels)
