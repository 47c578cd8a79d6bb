"""Whether a forgotten zero_grad is noticed, and that a complaint would be."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.bugs import unnoticed
from studies.bugs.unnoticed import (
    FORGOTTEN,
    OPTIMISER,
    RUNS_OFF,
    STEPS,
    TOO_FEW,
    Cell,
    measure,
    prepare,
)


def arm(mistake: str, optimiser: str = "SGD", rate: float = 0.01) -> Arm:
    return Arm((("optimiser", optimiser), ("rate", rate), ("mistake", mistake)))


@pytest.fixture(scope="module")
def cell() -> Cell:
    return prepare(Block(0, 1, 2))


def test_training_ends_after_a_hundred_steps_or_where_it_raises(cell: Cell) -> None:
    assert measure(cell, arm(FORGOTTEN))["steps"] == STEPS
    broken = measure(cell, arm(TOO_FEW))
    assert (broken["raised"], broken["steps"]) == (1, 0)


def test_at_the_high_rate_the_loss_runs_off(cell: Cell) -> None:
    loss = float(str(measure(cell, arm(FORGOTTEN, rate=RUNS_OFF))["loss"]))
    assert math.isnan(loss) or loss > 10


@pytest.mark.parametrize(
    ("say", "raised", "warned"),
    [
        (lambda: None, 0, 0),
        (lambda: warnings.warn("reset!", stacklevel=1), 0, 1),
        (lambda: 1 / 0, 1, 0),
    ],
)
def test_warnings_and_exceptions_are_told_apart(
    say: Callable[[], object],
    raised: int,
    warned: int,
    cell: Cell,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unnoticed, "train", lambda *_: say())
    found = measure(cell, arm(FORGOTTEN))
    assert (found["raised"], found["warned"]) == (raised, warned)


def test_every_optimiser_that_fits_is_tried() -> None:
    """Left out are those that need a closure, sparse gradients or matrices."""
    kinds = {
        name
        for name, kind in vars(torch.optim).items()
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)
    }
    left_out = {"Optimizer", "LBFGS", "SparseAdam", "Adafactor", "Muon"}
    assert kinds - left_out == set(OPTIMISER.levels)
