"""Does a validation pass leave the network as it was?

A network is trained for some steps, and then a whole validation set passes through it in batches,
with the loss computed as in a validation loop: in eval mode and under ``no_grad`` as documents A
and C list it, and with one or both of the two left out. Every weight, buffer and gradient is
compared with its copy from before, bit by bit.

Judged is the listed loop on ordinary networks, with dropout, batch norm, both or neither. In train
mode batch norm does move its running statistics, which serves as the control that the comparison
sees changes. Shown beyond the words are the loops that leave a switch out, and a layer that writes
to its weights in the forward pass: an embedding with ``max_norm`` shortens the rows it looks up.

The verdict speaks for torch.nn layers; no optimiser step is taken during validation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Responses,
    Value,
    equals,
    more_than,
)
from harness.libraries import functional, nn, torch
from studies.eval_variance.state import (
    RESPONSES,
    changes,
    copy_with_gradients,
    only_reads,
    state_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

WORDS, LENGTH, CLASSES, BATCH, TRAIN_ROWS, VAL_ROWS = 200, 8, 4, 16, 64, 48

MODE = Factor(
    "mode", ("eval", "train"), control="eval", words={"eval": "", "train": "eval() left out"}
)
GRAD = Factor(
    "grad",
    ("no_grad", "grad"),
    control="no_grad",
    words={"no_grad": "", "grad": "no_grad left out"},
)
ORDINARY = ("plain", "dropout", "batch norm", "both")
WRITING = "embedding with max_norm"
NET = Factor(
    "net",
    (*ORDINARY, WRITING),
    words={
        "plain": "net with neither dropout nor batch norm",
        "dropout": "net with dropout",
        "batch norm": "net with batch norm",
        "both": "net with dropout and batch norm",
        WRITING: "net with an embedding of bounded norm (max_norm)",
    },
)

LISTED: dict[str, Level] = {"mode": "eval", "grad": "no_grad"}


def _beyond(why: str, **where: Level | tuple[Level, ...]) -> tuple[Beyond, ...]:
    """The same rule for loops and layers that the passage does not speak of."""
    return tuple(
        Beyond("C3.30", Value(r.name).at(**where).always(), equals(0), why=why) for r in RESPONSES
    )


CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *only_reads("C3.30", headline={"net": "both"}, **LISTED, net=ORDINARY),
    *_beyond("a layer that writes to its weights in every forward pass", **LISTED, net=WRITING),
    *_beyond("a loop without eval()", mode="train", grad="no_grad"),
    *_beyond("a loop without no_grad", mode="eval", grad="grad"),
    *_beyond("a loop with neither eval() nor no_grad", mode="train", grad="grad"),
    Control(
        "validation in train mode overwrites batch norm's running statistics",
        Value("buffers").at(mode="train", net=("batch norm", "both")).always(),
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
    net = copy_with_gradients(cell.nets[arm[NET]]).train(arm[MODE] == "train")
    before = state_of(net)
    with torch.set_grad_enabled(arm[GRAD] == "grad"):
        for batch, target in batches(cell.x, cell.y):
            functional.cross_entropy(net(batch), target).item()
    return changes(before, net)


def batches(x: Tensor, y: Tensor) -> Iterable[tuple[Tensor, Tensor]]:
    """Inputs and targets, some rows at a time."""
    return zip(x.split(BATCH), y.split(BATCH), strict=True)


def network(kind: str) -> nn.Module:
    """A classifier of rows of 8 words by embedding and one hidden layer."""
    width, hidden = 16, 32
    middle: dict[str, Callable[[], list[nn.Module]]] = {
        "plain": list,
        "dropout": lambda: [nn.Dropout(0.5)],
        "batch norm": lambda: [nn.BatchNorm1d(hidden)],
        "both": lambda: [nn.BatchNorm1d(hidden), nn.Dropout(0.5)],
        WRITING: list,
    }
    return nn.Sequential(
        nn.Embedding(WORDS, width, max_norm=1.0 if kind == WRITING else None),
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
    responses=RESPONSES,
    claims=CLAIMS,
)
