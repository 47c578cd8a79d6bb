"""Does a validation pass leave the network as it was?

A network is trained for some steps, and then a whole validation set passes through it in batches,
with the loss computed as in a validation loop: in eval mode as it should be, and in train mode as
when ``eval()`` is forgotten, with and without ``no_grad``. Every parameter and every buffer is
compared with its copy from before, bit by bit.

Parameters are the weights of the claim. Buffers are state, not weights: those of batch norm do move
when validation is done in train mode, which serves as the control that the comparison sees changes.
"Never" is put to the test by a layer that writes to its weights in the forward pass: an embedding
with ``max_norm`` shortens the rows that it looks up.

The verdict speaks for torch.nn layers; no optimiser step is taken during validation.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
    more_than,
)
from harness.libraries import functional, nn, torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

WORDS, LENGTH, CLASSES, BATCH, TRAIN_ROWS, VAL_ROWS = 200, 8, 4, 16, 64, 48

MODE = Factor("mode", ("eval", "train"), control="eval")
NET = Factor("net", ("plain", "dropout", "batch norm", "both", "embedding with max_norm"))
GRAD = Factor("grad", ("no_grad", "grad"), control="no_grad")

CLAIMS = (
    Claim(
        "C3.30",
        Value("parameters_changed").always(),
        equals(0.0),
        reading="Never: no parameter changes by a bit, in whichever mode validation is done.",
    ),
    Claim(
        "C3.30",
        Value("buffers_changed").at(mode="eval").always(),
        equals(0.0),
        reading="In eval mode, no buffer (running statistics) changes either.",
    ),
    Control(
        "validation in train mode overwrites batch norm's running statistics",
        Value("buffers_changed").at(mode="train", net=("batch norm", "both")).always(),
        more_than(0.0),
    ),
)


class Cell(NamedTuple):
    """What the arms of a block share: trained networks, and rows of words with their classes."""

    nets: dict[str, nn.Module]
    x: Tensor
    y: Tensor


def prepare(block: Block) -> Cell:
    """Train each network for one epoch on the first rows; the others are for validation."""
    rows = TRAIN_ROWS + VAL_ROWS
    x = torch.randint(WORDS, (rows, LENGTH), device=block.device)
    y = torch.randint(CLASSES, (rows,), device=block.device)
    nets = {}
    for kind in NET.levels:
        net = network(kind).to(block.device)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        for batch, target in batches(x[:TRAIN_ROWS], y[:TRAIN_ROWS]):
            optimiser.zero_grad()
            functional.cross_entropy(net(batch), target).backward()
            optimiser.step()
        nets[kind] = net
    return Cell(nets, x[TRAIN_ROWS:], y[TRAIN_ROWS:])


def measure(cell: Cell, arm: Arm) -> Responses:
    """Validate a copy of the network, and count the tensors that are not what they were."""
    net = copy.deepcopy(cell.nets[arm[NET]]).train(arm[MODE] == "train")
    before = copy.deepcopy(net)
    with torch.set_grad_enabled(arm[GRAD] == "grad"):
        for batch, target in batches(cell.x, cell.y):
            functional.cross_entropy(net(batch), target).item()
    return {
        "parameters_changed": changed(net.parameters(), before.parameters()),
        "buffers_changed": changed(net.buffers(), before.buffers()),
    }


def batches(x: Tensor, y: Tensor) -> Iterable[tuple[Tensor, Tensor]]:
    """Inputs and targets, some rows at a time."""
    return zip(x.split(BATCH), y.split(BATCH), strict=True)


def changed(now: Iterable[Tensor], before: Iterable[Tensor]) -> float:
    """How many tensors are no longer bitwise equal."""
    return float(sum(not torch.equal(a, b) for a, b in zip(now, before, strict=True)))


def network(kind: str) -> nn.Module:
    """A classifier of rows of 8 words by embedding and one hidden layer."""
    width, hidden = 16, 32
    middle: dict[str, Callable[[], list[nn.Module]]] = {
        "plain": list,
        "dropout": lambda: [nn.Dropout(0.5)],
        "batch norm": lambda: [nn.BatchNorm1d(hidden)],
        "both": lambda: [nn.BatchNorm1d(hidden), nn.Dropout(0.5)],
        "embedding with max_norm": list,
    }
    return nn.Sequential(
        nn.Embedding(WORDS, width, max_norm=1.0 if kind.endswith("max_norm") else None),
        nn.Flatten(),
        nn.Linear(LENGTH * width, hidden),
        *middle[kind](),
        nn.ReLU(),
        nn.Linear(hidden, CLASSES),
    )


EXPERIMENT = Experiment(
    question="Does a validation pass leave the network as it was?",
    factors=(MODE, NET, GRAD),
    blocks=PerProfile(8, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("parameters_changed", "tensors", "parameters changed"),
        Response("buffers_changed", "tensors", "buffers changed"),
    ),
    claims=CLAIMS,
)
