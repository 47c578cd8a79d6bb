"""Is it enough to call train() once, at the top of a pass over the training batches?

Document A's pattern calls ``train()`` before the loop over the batches and ``eval()`` before the
evaluation; the next epoch repeats both. A network is trained for some epochs like this, with a
validation after the training or at the end of every epoch, and compared with a training that calls
``train()`` before every single batch. All arms share split, initial weights, dropout masks and the
order of batches, so that weights and buffers can be compared bit for bit.

To call ``train()`` once before the first epoch and never again is another loop, which the pattern
does not have; with a validation in every epoch all but the first are then trained in eval mode.
What that does to the loss and to the accuracy is measured beside.

The verdict speaks for digits, a perceptron with two hidden layers of 64, Adam at 0.003, dropout 0.5
and 5 epochs.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Beyond,
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
    more_than,
)
from harness.libraries import functional, nn, torch
from harness.workloads import Split, load_split, mlp_for, train_epochs

if TYPE_CHECKING:
    from torch import Tensor

EACH_BATCH, EACH_EPOCH, ONCE = "each batch", "each epoch", "once"
TRAIN = Factor(
    "train",
    (EACH_BATCH, EACH_EPOCH, ONCE),
    control=EACH_EPOCH,
    words={
        EACH_BATCH: "train() before every batch",
        EACH_EPOCH: "train() at the top of each epoch",
        ONCE: "train() before the first epoch only",
    },
)
VALIDATION = Factor(
    "validation",
    ("after training", "each epoch"),
    words={
        "after training": "validation after the training",
        "each epoch": "validation after each epoch",
    },
)
SWITCHED = ("dropout", "batch norm", "dropout + batch norm")
NET = Factor(
    "net",
    ("plain", *SWITCHED),
    label="network",
    words={
        "plain": "plain perceptron",
        "dropout": "perceptron with dropout",
        "batch norm": "perceptron with batch norm",
        "dropout + batch norm": "perceptron with dropout and batch norm",
    },
)
EPOCHS = 5

SAME_LOSS = 0.05  # the catalogue's margin for a loss: 5 %
SAME_ACCURACY = 0.01  # and for an accuracy: a point
HOISTED = "train() before the first epoch only, with validation in between, which the pattern "
HOISTED += "does not do"

CLAIMS = (
    Claim(
        "A-pattern-3",
        Value("in_train_mode").at(train=EACH_EPOCH).always(),
        equals(1.0),
        reading="It suffices: with one train() at the top of each epoch every training step is "
        "done in train mode, whether validation comes after the training or in every epoch.",
        headline={"validation": "each epoch", "net": "dropout"},
    ),
    Claim(
        "A-pattern-3",
        Value("apart").at(train=EACH_EPOCH).always(),
        equals(0),
        reading="And weights and buffers are bit for bit those of a training that calls train() "
        "before every batch.",
    ),
    Beyond(
        "A-pattern-3",
        Value("in_train_mode").at(train=ONCE, validation="each epoch").always(),
        equals(1.0),
        why=HOISTED,
    ),
    Beyond(
        "A-pattern-3",
        Ratio("train_loss", TRAIN).at(train=ONCE, net=SWITCHED, validation="each epoch"),
        equals(1.0, within=SAME_LOSS),
        why=HOISTED,
        reading="The final training loss is the same to 5 %.",
    ),
    Beyond(
        "A-pattern-3",
        Difference("accuracy", TRAIN).at(train=ONCE, net=SWITCHED, validation="each epoch"),
        equals(0.0, within=SAME_ACCURACY),
        why=HOISTED,
        reading="The accuracy on the validation set is the same to a point.",
    ),
    Control(
        "the comparison of a training with itself finds nothing",
        Value("apart").at(train=EACH_BATCH).always(),
        equals(0),
    ),
    Control(
        "training in eval mode is found out where there is dropout",
        Value("apart").at(train=ONCE, net="dropout", validation="each epoch").always(),
        more_than(0),
    ),
    Control(
        "where eval() changes nothing neither does train()",
        Value("apart").at(train=ONCE, net="plain").always(),
        equals(0),
    ),
)


class Cell(NamedTuple):
    """Untrained networks, the same trained with train() before every batch, data and seed."""

    nets: dict[str, nn.Module]
    usual: dict[str, nn.Module]
    data: Split
    seed: int


def affordable(arm: Arm) -> bool:
    """Of the reference and the plain network the one arm that shows what they show."""
    if arm[TRAIN] == EACH_BATCH or arm[NET] == "plain":
        return arm[VALIDATION] == "each epoch" and (arm[NET] != "plain" or arm[TRAIN] != EACH_BATCH)
    return arm[TRAIN] != ONCE or arm[VALIDATION] == "each epoch"


def prepare(block: Block) -> Cell:
    """The networks, untrained, and each of them trained as carefully as can be."""
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
    cell = Cell(nets, {}, data, block.seed)
    for name in nets:
        cell.usual[name], _ = trained(cell, name, EACH_BATCH, "after training")
    return cell


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train a copy of the network with the arm's calls of train() and eval()."""
    net, in_train_mode = trained(cell, arm[NET], arm[TRAIN], arm[VALIDATION])
    usual, data = cell.usual[arm[NET]].state_dict(), cell.data
    apart = sum(not torch.equal(usual[name], value) for name, value in net.state_dict().items())
    return {
        "in_train_mode": in_train_mode,
        "apart": float(apart),
        "accuracy": validate(net, data.val_x, data.val_y)[0],
        "train_loss": validate(net, data.train_x, data.train_y)[1],
    }


def trained(cell: Cell, name: str, train: str, validation: str) -> tuple[nn.Module, float]:
    """A trained copy of a network, and the share of its steps that were done in train mode.

    Args:
        cell: has the network, and the seed of batches and masks.
        name: of the network.
        train: a level of ``TRAIN``.
        validation: a level of ``VALIDATION``.
    """
    torch.manual_seed(cell.seed)
    net, data = copy.deepcopy(cell.nets[name]).train(), cell.data
    modes: list[bool] = []

    def note(*_: object) -> None:
        if torch.is_grad_enabled():  # a training step, for validation does without gradients
            if train == EACH_BATCH:
                net.train()
            modes.append(net.training)

    hook = net.register_forward_pre_hook(note)
    for _ in train_epochs(net, data.train_x, data.train_y, seed=cell.seed, epochs=EPOCHS):
        if validation == "each epoch":
            validate(net, data.val_x, data.val_y)
        if train == EACH_EPOCH:
            net.train()
    hook.remove()
    return net, sum(modes) / len(modes)


def validate(net: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Accuracy and mean loss; the network stays in eval mode."""
    net.eval()
    with torch.no_grad():
        logits = net(x)
        loss = functional.cross_entropy(logits, y).item()
        return (logits.argmax(1) == y).double().mean().item(), loss


EXPERIMENT = Experiment(
    question="Is it enough to call train() once, at the top of a pass over the training batches?",
    factors=(TRAIN, VALIDATION, NET),
    only=affordable,
    blocks=PerProfile(1, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("in_train_mode", "1", "the share of training steps that are done in train mode"),
        Response(
            "apart",
            "tensors",
            "the number of weights and buffers that are not those of train() before every batch",
        ),
        Response("accuracy", "1", "the accuracy on the validation set"),
        Response("train_loss", "nat", "the final loss over the training set in eval mode"),
    ),
    claims=CLAIMS,
)
