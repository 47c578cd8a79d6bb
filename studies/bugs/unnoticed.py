"""Does anything complain when zero_grad is forgotten?

A perceptron trains on digits for a hundred steps without ``zero_grad``, with every optimiser of
torch.optim that needs no closure and takes dense gradients, at an ordinary learning rate and at one
so large that the loss runs off; every warning is made an error. Another mistake, a scheduler that
steps before its optimiser, shows that a warning would be seen.
"""

from __future__ import annotations

import warnings
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
RATE = Factor("rate", (0.01, 10.0))
FORGOTTEN, TOO_EARLY = "no zero_grad", "scheduler before optimiser"
MISTAKE = Factor("mistake", (FORGOTTEN, TOO_EARLY))
STEPS, BATCH = 100, 32

CLAIMS = (
    Claim(
        "C3.27",
        Value("complaints").at(mistake=FORGOTTEN).always(),
        equals(0),
        reading="No exception and no warning in a hundred steps, with any optimiser, even where "
        "the loss runs off.",
    ),
    Control(
        "a warning would be seen",
        Value("complaints").at(mistake=TOO_EARLY).always(),
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
    """Train until the end or until something is said."""
    torch.manual_seed(cell.seed)
    net = mlp(64, 10, hidden=32).to(cell.x.device)
    losses: list[Tensor] = []
    complaints = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            train(net, cell, arm, losses)
        except Exception:  # noqa: BLE001 - whatever is said is what is looked for
            complaints = 1
    return {
        "complaints": float(complaints),
        "loss": losses[-1].item(),
        "steps": float(len(losses)),
    }


def train(net: nn.Module, cell: Cell, arm: Arm, losses: list[Tensor]) -> None:
    """Train with the arm's mistake; losses are appended step by step."""
    optimiser = getattr(torch.optim, arm[OPTIMISER])(net.parameters(), lr=arm[RATE])
    scheduler = torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)
    for _ in range(STEPS):
        rows = torch.randint(len(cell.x), (BATCH,)).to(cell.x.device)
        loss = functional.cross_entropy(net(cell.x[rows]), cell.y[rows])
        losses.append(loss.detach())
        if arm[MISTAKE] == TOO_EARLY:
            optimiser.zero_grad()
            scheduler.step()
        loss.backward()
        optimiser.step()


EXPERIMENT = Experiment(
    question="Does anything complain when zero_grad is forgotten?",
    factors=(OPTIMISER, RATE, MISTAKE),
    only=lambda arm: arm[MISTAKE] == FORGOTTEN or (arm[OPTIMISER] == "SGD" and arm[RATE] < 1),
    blocks=PerProfile(1, 2, 3),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("complaints", "1", "complaints"),
        Response("loss", "nat", "loss"),
        Response("steps", "steps", "steps"),
    ),
    claims=CLAIMS,
)
