"""The data of document C's simulator and arena: two arms of a spiral, of one turn count or another.

The document says "a 2D classification spiral" of 500 points and no more; how far the arms wind is
not known. The project's own spiral winds a turn and a half, and so does this one unless told
otherwise: then it is the very task that ``harness.workloads.tasks`` makes, rows, cut and all.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness import Block, Factor
from harness.libraries import torch
from harness.workloads.tasks import (
    PRODUCTION,
    SPIRAL_NOISE,
    SPIRAL_POINTS,
    SPIRAL_RELU,
    SPIRAL_TANH,
    VALIDATION,
    Part,
    make_task,
)

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads.tasks import TrainingTask

#: As far as the arms of the project's spiral wind.
USUAL_TURNS = 1.5

#: Turns that the claims are judged at: what anyone would call a spiral.
TURNS = Factor("turns", (0.75, 1.0, USUAL_TURNS))

#: The simulator's network is unknown too: both usual activations, two layers of 32 units.
TASK = Factor("task", (SPIRAL_RELU, SPIRAL_TANH))
#: As the simulator's sliders stand at first.
RATE, BATCH = 0.01, 16


def spiral_task(name: str, blocks: Sequence[Block], turns: float = USUAL_TURNS) -> TrainingTask:
    """A spiral and a network for each block.

    Networks, noise and the cut into parts are those of ``make_task``, whatever the turns.

    Args:
        name: one of ``TASK.levels``.
        blocks: one or more, all on one device.
        turns: of each arm.
    """
    task = make_task(name, blocks)
    if turns == USUAL_TURNS:
        return task
    cuts = [cut_rows(*wound(turns, block.seed), block.seed) for block in blocks]
    train, val, production = (
        Part(*(torch.stack(side).to(blocks[0].device) for side in zip(*parts, strict=True)))
        for parts in zip(*cuts, strict=True)
    )
    return replace(task, train=train, val=val, production=production)


def whole_spiral(name: str, blocks: Sequence[Block], turns: float) -> TrainingTask:
    """A spiral all of whose points are trained on, as the simulator's slider counts them.

    Rows to validate with and those for production are among them: of no use to either.
    """
    task = spiral_task(name, blocks, turns)
    parts = (task.train, task.val, task.production)
    x, y = (torch.cat(side, dim=1) for side in zip(*((p.x, p.y) for p in parts), strict=True))
    return replace(task, train=Part(x, y))


def wound(turns: float, seed: int, points: int = SPIRAL_POINTS) -> tuple[Tensor, Tensor]:
    """Points of both arms and which arm each belongs to, in the order of the arms.

    Args:
        turns: of each arm.
        seed: of the noise.
        points: of both arms together; even.
    """
    generator = torch.Generator().manual_seed(seed)
    along = torch.linspace(0.1, 1, points // 2)
    angle = 2 * math.pi * turns * along
    arm = 2 * along[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    x = torch.cat([arm, -arm])
    x = x + SPIRAL_NOISE * torch.randn(x.shape, generator=generator)
    return x, torch.arange(points) // (points // 2)


def cut_rows(x: Tensor, y: Tensor, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Rows to train on, to validate with and for production, in an order drawn from the seed."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    val, production = round(VALIDATION * len(x)), round(PRODUCTION * len(x))
    return [
        (x[rows], y[rows]) for rows in order.split([len(x) - val - production, val, production])
    ]


def in_double(task: TrainingTask) -> TrainingTask:
    """A task in double precision; networks are copies."""
    networks = tuple(copy.deepcopy(network).double() for network in task.networks)
    train, val, production = (
        Part(part.x.double(), part.y) for part in (task.train, task.val, task.production)
    )
    return replace(task, networks=networks, train=train, val=val, production=production)
