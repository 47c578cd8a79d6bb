"""How much time does an optimiser waste on frozen layers that it still knows?

Whether compute is wasted is decided by counting (``frozen_touched``); what the clock says of it is
shown beside it, and decides nothing.

Perceptrons are trained for 20 steps and frozen but for the last layer; then a training step is
timed with the old optimiser, which still has the frozen layers, and with one built after freezing
from what is trainable. ``zero_grad`` leaves None, as it does by default, or zeros, as before
PyTorch 2. The small network's step is mostly launching, the wide one's is arithmetic. Networks that
are not frozen show what freezing itself saves.

With zeros, the old Adam goes on updating frozen layers. Their first moments shrink by a tenth a
step; after some 700 steps they are too small for a float's normal form, stay so for ever (a tenth
less of the smallest numbers is rounded back up), and many CPUs are slow with such numbers. Timed is
the state after a thousand steps, which a training reaches in a few epochs. Plain SGD has no
moments, and shows the cost without that.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from harness import AA, Arm, Beyond, Block, Experiment, Factor, PerProfile, Ratio, Task, at_least
from harness.libraries import nn, torch
from harness.workloads import mlp
from studies.bugs.freezing import (
    OPTIMISERS,
    Zeroing,
    freeze,
    trainable,
    training_step,
)

if TYPE_CHECKING:
    from torch import Tensor

FEATURES, CLASSES, ROWS = 64, 10, 64
EARLIER, MUCH_LATER = 20, 1000
SLOWER = 1.02
MARGIN = 0.01  # of the A/A: half of the distance between 1 and the claim's edge


@dataclass(frozen=True)
class Work:
    """A network's width, and the name of an optimiser."""

    hidden: int
    optimiser: str


WORKS = {
    "Adam, small perceptron": Work(64, "Adam"),
    "Adam, wide perceptron": Work(256, "Adam"),
    "SGD, wide perceptron": Work(256, "SGD"),
}
STALE, FRESH, NOT_FROZEN = "before freezing", "after freezing", "not frozen"
BUILT = Factor(
    "built",
    (FRESH, STALE, NOT_FROZEN),
    control=FRESH,
    words={
        FRESH: "optimiser built after freezing",
        STALE: "optimiser built before freezing",
        NOT_FROZEN: "nothing frozen",
    },
)
TO_NONE, TO_ZEROS = "to None", "to zeros"
ZEROINGS = {TO_NONE: Zeroing("None"), TO_ZEROS: Zeroing("zeros")}
ZEROED = Factor(
    "zeroed",
    tuple(ZEROINGS),
    words={TO_NONE: "gradients reset as by default", TO_ZEROS: "gradients reset to zeros"},
)
WORK = Factor("work", tuple(WORKS))

CLAIMS = (
    Beyond(
        "C5.15",
        Ratio("seconds", BUILT).at(built=STALE, zeroed=TO_NONE).by_round(),
        at_least(SLOWER),
        why="time, where compute is counted",
        reading="A training step takes at least 2 % longer.",
    ),
    Beyond(
        "C5.15",
        Ratio("seconds", BUILT).at(built=STALE, zeroed=TO_ZEROS).by_round(),
        at_least(SLOWER),
        why="time, with gradients reset to zeros as before PyTorch 2",
        reading="A training step takes at least 2 % longer.",
    ),
)


class Cell(NamedTuple):
    """Untrained networks by width, and a batch."""

    nets: dict[int, nn.Sequential]
    batch: tuple[Tensor, Tensor]


def prepare(block: Block) -> Cell:
    """Random weights and a random batch."""
    x = torch.randn(ROWS, FEATURES, device=block.device)
    y = torch.randint(CLASSES, (ROWS,), device=block.device)
    widths = {work.hidden for work in WORKS.values()}
    nets = {w: mlp(FEATURES, CLASSES, hidden=w).to(block.device) for w in sorted(widths)}
    return Cell(nets, (x, y))


def task(cell: Cell, arm: Arm) -> Task:
    """A training step after the freezing."""
    work, zeroing = WORKS[arm[WORK]], ZEROINGS[arm[ZEROED]]
    net, make = copy.deepcopy(cell.nets[work.hidden]), OPTIMISERS[work.optimiser]
    optimiser = make(net.parameters())
    for _ in range(EARLIER):
        training_step(net, optimiser, cell.batch, zeroing)
    if arm[BUILT] != NOT_FROZEN:
        freeze(net[:-1].parameters())
    if arm[BUILT] == FRESH:
        optimiser = make(trainable(net))
    if arm[BUILT] == STALE and zeroing.how == "zeros" and work.optimiser == "Adam":
        zeroing.reset(net, optimiser)
        for _ in range(MUCH_LATER):
            optimiser.step()
    return lambda: training_step(net, optimiser, cell.batch, zeroing)


def _needed(arm: Arm) -> bool:
    """What freezing saves is shown once."""
    return arm[BUILT] != NOT_FROZEN or arm[ZEROED] == TO_NONE


EXPERIMENT = Experiment(
    question="How much time does an optimiser waste on frozen layers that it still knows?",
    factors=(BUILT, ZEROED, WORK),
    only=_needed,
    blocks=PerProfile(1, 12, 12),
    rounds=PerProfile(10, 30, 120),
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    aa=AA(within=MARGIN, at={"built": FRESH, "zeroed": TO_NONE}),
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    call="a training step",
)
