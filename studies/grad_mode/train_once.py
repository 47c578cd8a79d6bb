"""Is it enough to call train() once, at the top of the training loop?

A network is trained for some epochs with ``train()`` called at the start of each epoch, or once
before the first. Validation, which begins with ``eval()``, comes after the training, as in document
A's listing of a training loop followed by an evaluation loop; or at the end of every epoch, as in
nearly every real training. All arms share split, initial weights and the order of batches.

Judged are the share of training steps done in train mode, the final loss over the training set,
taken in eval mode, and the accuracy on the validation set. That last differs by about a point from
seed to seed, so that a margin of 0.3 points may well stay open. The verdict speaks for digits, a
perceptron with two hidden layers of 64, Adam at 0.003, dropout 0.5 and 5 epochs.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    equals,
)
from harness.libraries import functional, nn, torch
from harness.workloads import Split, load_split, mlp_for, train_epochs

if TYPE_CHECKING:
    from torch import Tensor

TRAIN = Factor("train", ("each epoch", "once"), control="each epoch")
VALIDATION = Factor("validation", ("after training", "each epoch"))
NET = Factor("net", ("plain", "dropout", "batch norm", "dropout + batch norm"))
SWITCHED = NET.levels[1:]
EPOCHS = 5

SAME_LOSS = 0.05  # the catalogue's margin for a loss: 5 %
SAME_ACCURACY = 0.003  # and for an accuracy: 0.3 points

CLAIMS = (
    Claim(
        "A-pattern-3",
        Value("in_train_mode").at(train="once").always(),
        equals(1.0),
        reading="Suffices: every training step is done in train mode, whether validation comes "
        "after the training or in every epoch.",
    ),
    Claim(
        "A-pattern-3",
        Ratio("train_loss", TRAIN).at(net=SWITCHED),
        equals(1.0, within=SAME_LOSS),
        reading="and the final training loss is that of calling train() in every epoch, to 5 %, in "
        "networks with layers that train() switches.",
    ),
    Claim(
        "A-pattern-3",
        Difference("accuracy", TRAIN).at(net=SWITCHED),
        equals(0.0, within=SAME_ACCURACY),
        reading="and so is the accuracy on the validation set, to 0.3 points.",
    ),
    Control(
        "where eval() changes nothing neither does train()",
        Difference("train_loss", TRAIN).at(net="plain").always(),
        equals(0.0),
    ),
)


class Cell(NamedTuple):
    """Untrained networks that start from the same weights, the data, and the block's seed."""

    nets: dict[str, nn.Module]
    data: Split
    seed: int


def prepare(block: Block) -> Cell:
    """The networks, untrained."""
    data = load_split("digits", block.seed, block.device)
    nets: dict[str, nn.Module] = {
        name: mlp_for(
            data,
            block.seed,
            dropout=0.5 if "dropout" in name else None,
            batch_norm="batch norm" in name,
        )
        for name in NET.levels
    }
    return Cell(nets, data, block.seed)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train a copy of the network with the arm's calls of train() and eval()."""
    net, data = copy.deepcopy(cell.nets[arm[NET]]).train(), cell.data
    modes: list[bool] = []

    def note(*_: object) -> None:
        if torch.is_grad_enabled():  # a training step, for validation does without gradients
            modes.append(net.training)

    net.register_forward_pre_hook(note)
    for _ in train_epochs(net, data.train_x, data.train_y, seed=cell.seed, epochs=EPOCHS):
        if arm[VALIDATION] == "each epoch":
            validate(net, data.val_x, data.val_y)
        if arm[TRAIN] == "each epoch":
            net.train()
    return {
        "in_train_mode": sum(modes) / len(modes),
        "accuracy": validate(net, data.val_x, data.val_y)[0],
        "train_loss": validate(net, data.train_x, data.train_y)[1],
    }


def validate(net: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Accuracy and mean loss; the network stays in eval mode."""
    net.eval()
    with torch.no_grad():
        logits = net(x)
        loss = functional.cross_entropy(logits, y).item()
        return (logits.argmax(1) == y).double().mean().item(), loss


EXPERIMENT = Experiment(
    question="Is it enough to call train() once, at the top of the training loop?",
    factors=(TRAIN, VALIDATION, NET),
    # A plain network is the control, and needs no more than what it controls.
    only=lambda arm: arm[NET] != "plain" or arm[VALIDATION] == "each epoch",
    blocks=PerProfile(1, 30, 60),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("in_train_mode", "1", "in train mode"),
        Response("accuracy", "1", "accuracy"),
        Response("train_loss", "nat", "train loss"),
    ),
    claims=CLAIMS,
)
