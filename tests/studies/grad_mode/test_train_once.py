"""Where train() is called."""

from __future__ import annotations

import torch

from harness.design.factors import Arm, Block
from studies.grad_mode.train_once import EPOCHS, measure, prepare


def arm(train: str, validation: str, net: str = "dropout") -> Arm:
    return Arm((("train", train), ("validation", validation), ("net", net)))


def test_after_the_first_validation_training_goes_on_in_eval_mode() -> None:
    torch.set_num_threads(1)
    cell = prepare(Block(0, 1, 2))
    found = {}
    for train in ("once", "each epoch"):
        for validation in ("after training", "each epoch"):
            torch.manual_seed(cell.seed)  # as the harness does before each arm
            found[train, validation] = measure(cell, arm(train, validation))
    shares = {key: value["in_train_mode"] for key, value in found.items()}
    assert shares.pop(("once", "each epoch")) == 1 / EPOCHS
    assert set(shares.values()) == {1}
    assert found["once", "after training"] == found["each epoch", "after training"]
    losses = [found[t, "each epoch"]["train_loss"] for t in ("once", "each epoch")]
    assert float(str(losses[0])) < 0.9 * float(str(losses[1])), "it over-fits without dropout"
