"""Does dropout before the activation cost time, and what does dropout cost at all?

Whole training steps of a perceptron with two hidden layers are timed (forward, backward, step, with
a learning rate of 0 so that all are alike), with dropout before each ReLU, behind it, and without
any. Waste has to be seen in the time of a step: 5 %. What dropout costs against none belongs to a
question that the document asks and does not answer (D-faq-1): it is shown, and decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from harness import (
    AA,
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Task,
    at_least,
)
from harness.libraries import functional, nn, torch
from studies.dropout.training import HALF, Behind, perceptron

if TYPE_CHECKING:
    from torch import Tensor

AFTER, BEFORE, NONE = "behind", "before", "none"
ORDER = Factor(
    "dropout",
    (AFTER, BEFORE, NONE),
    control=AFTER,
    words={
        AFTER: "dropout behind ReLU",
        BEFORE: "dropout before ReLU",
        NONE: "no dropout",
    },
)
WIDTH = Factor("width", (128, 512), label="hidden layers of", words={})
ROWS, CLASSES = 64, 10
WASTE = 1.05

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-drop-7",
        Ratio("seconds", ORDER).at(dropout=BEFORE).by_round(),
        at_least(WASTE),
        reading="Wastes computation: a training step takes at least 5 % longer with dropout before "
        "the activation than behind it.",
        headline={"width": 512},
    ),
    Beyond(
        "D-faq-1",
        Ratio("seconds", ORDER).at(dropout=AFTER).against(NONE).by_round(),
        at_least(WASTE),
        why="a question to which the document has no answer",
        reading="Slows training: a step with dropout takes at least 5 % longer than one without.",
    ),
)


class Cell(NamedTuple):
    """Rows and labels for each width."""

    rows: dict[int, Tensor]
    labels: Tensor


def prepare(block: Block) -> Cell:
    """Normal rows of the widths."""
    rows = {width: torch.randn(ROWS, width, device=block.device) for width in WIDTH.levels}
    return Cell(rows, torch.randint(CLASSES, (ROWS,), device=block.device))


def task(cell: Cell, arm: Arm) -> Task:
    """A training step that changes nothing."""
    width = arm[WIDTH]
    x, y = cell.rows[width], cell.labels
    net = perceptron(width, CLASSES, layers(arm[ORDER]), (width, width)).to(x.device).train()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.0)

    def step() -> None:
        optimiser.zero_grad()
        functional.cross_entropy(net(x), y).backward()
        optimiser.step()

    return step


def layers(order: str) -> Behind:
    """What stands behind each linear part."""

    def made() -> list[nn.Module]:
        both: list[nn.Module] = [nn.ReLU(), nn.Dropout(HALF)]
        if order == NONE:
            return both[:1]
        return both if order == AFTER else both[::-1]

    return made


EXPERIMENT: Experiment[Cell] = Experiment(
    question="Does dropout before the activation cost time, and what does dropout cost at all?",
    factors=(ORDER, WIDTH),
    blocks=PerProfile(1, 20, 40),
    rounds=PerProfile(4, 20, 60),
    aa=AA(within=0.02, at={"dropout": AFTER}),
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    call="a training step",
)
