"""Does anything complain when zero_grad is forgotten?

A perceptron trains on digits for a hundred steps without ``zero_grad``, with every optimiser of
torch.optim that needs no closure and takes dense gradients, at an ordinary learning rate and at one
so large that the loss runs off. Judged is whether an exception is raised at the ordinary rate, for
the document speaks of crashes and errors; warnings, and the rate at which the loss runs off, are
shown beside. Two other mistakes show that each would be seen: a scheduler that steps before its
optimiser, which is warned of, and a batch that lacks a target, which is an error.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Beyond,
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
)
from harness.libraries import functional, nn, torch
from harness.workloads import load_split, mlp

if TYPE_CHECKING:
    from torch import Tensor

OPTIMISER = Factor(
    "optimiser",
    (
        "SGD",
        "Adadelta",
        "Adagrad",
        "Adam",
        "Adamax",
        "AdamW",
        "ASGD",
        "NAdam",
        "RAdam",
        "RMSprop",
        "Rprop",
    ),
)
USUAL, RUNS_OFF = 0.01, 10.0
RATE = Factor("rate", (USUAL, RUNS_OFF), label="learning rate")
FORGOTTEN, TOO_EARLY, TOO_FEW = "no zero_grad", "scheduler before optimiser", "a target too few"
MISTAKE = Factor("mistake", (FORGOTTEN, TOO_EARLY, TOO_FEW))
STEPS, BATCH, CLASSES = 100, 32, 10

RAISED, WARNED = (Value(name).at(mistake=FORGOTTEN).always() for name in ("raised", "warned"))
CLAIMS = (
    Claim(
        "C3.27",
        RAISED.at(rate=USUAL),
        equals(0),
        reading="A hundred steps without zero_grad raise no exception, with any optimiser.",
        headline={"optimiser": "Adam"},
    ),
    Beyond(
        "C3.27",
        RAISED.at(rate=RUNS_OFF),
        equals(0),
        why="a learning rate of 10, at which the loss runs off",
    ),
    Beyond(
        "C3.27",
        WARNED.at(rate=USUAL),
        equals(0),
        why="warnings, where the passage speaks of crashes and errors",
    ),
    Control(
        "a warning would be seen",
        Value("warned").at(mistake=TOO_EARLY).always(),
        equals(1),
    ),
    Control(
        "an exception would be seen",
        Value("raised").at(mistake=TOO_FEW).always(),
        equals(1),
    ),
)


class Cell(NamedTuple):
    """Rows of digits, their classes, and the block's seed."""

    x: Tensor
    y: Tensor
    seed: int


def prepare(block: Block) -> Cell:
    """The data."""
    data = load_split("digits", block.seed, block.device)
    return Cell(data.train_x, data.train_y, block.seed)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train until the end or until something is raised, and listen for warnings."""
    torch.manual_seed(cell.seed)
    net = mlp(64, CLASSES, hidden=32).to(cell.x.device)
    losses: list[Tensor] = []
    raised = False
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            train(net, cell, arm, losses)
        except Exception:  # noqa: BLE001 - whatever is raised is what is looked for
            raised = True
    return {
        "raised": float(raised),
        "warned": float(bool(heard)),
        "loss": losses[-1].item() if losses else math.nan,
        "steps": float(len(losses)),
    }


def train(net: nn.Module, cell: Cell, arm: Arm, losses: list[Tensor]) -> None:
    """Train with the arm's mistake; losses are appended step by step."""
    optimiser = getattr(torch.optim, arm[OPTIMISER])(net.parameters(), lr=arm[RATE])
    scheduler = torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)
    for _ in range(STEPS):
        rows = torch.randint(len(cell.x), (BATCH,)).to(cell.x.device)
        targets = cell.y[rows[1:]] if arm[MISTAKE] == TOO_FEW else cell.y[rows]
        loss = functional.cross_entropy(net(cell.x[rows]), targets)
        losses.append(loss.detach())
        if arm[MISTAKE] == TOO_EARLY:
            optimiser.zero_grad()
            scheduler.step()
        loss.backward()
        optimiser.step()


EXPERIMENT = Experiment(
    question="Does anything complain when zero_grad is forgotten?",
    factors=(OPTIMISER, RATE, MISTAKE),
    only=lambda arm: arm[MISTAKE] == FORGOTTEN or (arm[OPTIMISER] == "SGD" and arm[RATE] == USUAL),
    blocks=PerProfile(1, 2, 3),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("raised", "yes/no", "the training raises an exception"),
        Response("warned", "yes/no", "something warns"),
        Response("loss", "nat", "loss of the last batch"),
        Response("steps", "steps", "number of steps that were begun"),
    ),
    claims=CLAIMS,
)
