"""The data of document C's simulator and arena: two arms of a spiral, of one turn count or another.

The document says "a 2D classification spiral" of 500 points and no more; how far the arms wind is
not known. The project's own spiral winds a turn and a half, and so does this one unless told
otherwise. Claims of the simulator train on all its points, those of the arena on a part, and
validate on rows that are not trained on.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness import Block, Factor
from harness.libraries import torch
from harness.workloads.tasks import (
    SPIRAL_NOISE,
    SPIRAL_POINTS,
    SPIRAL_RELU,
    SPIRAL_TANH,
    SPIRAL_TURNS,
    VALIDATION,
    Part,
    cut_rows,
    make_task,
    spiral,
)

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads.tasks import TrainingTask

#: As far as the arms of the project's spiral wind.
USUAL_TURNS = SPIRAL_TURNS

#: Turns that the claims are judged at: what anyone would call a spiral.
TURNS = Factor("turns", (0.75, 1.0, USUAL_TURNS))

#: The simulator's network is unknown too: both usual activations, two layers of 32 units.
TASK = Factor("task", (SPIRAL_RELU, SPIRAL_TANH))
#: The simulator's slider for the size of its data, as it stands at first: all are trained on. Runs
#: from before it stood here trained on three fifths of as many.
POINTS = Factor("points", (SPIRAL_POINTS,), label="points trained on", words={SPIRAL_POINTS: ""})
#: Rows to validate with, where all 500 are trained on, and what tells their seeds apart: torch's
#: generator on the CPU heeds no bit above the thirty-second.
HELD_OUT, FRESH = round(VALIDATION * SPIRAL_POINTS), 1 << 31
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
    train, val, production = (stacked(parts, blocks) for parts in zip(*cuts, strict=True))
    return replace(task, train=train, val=val, production=production)


def whole_spiral(name: str, blocks: Sequence[Block], turns: float = USUAL_TURNS) -> TrainingTask:
    """The simulator's task: all 500 points are trained on, as its slider counts them.

    Rows to validate with are of a spiral of their own, which differs from the first by its noise.
    Rows for production are among those trained on, and of no use.
    """
    task = spiral_task(name, blocks, turns)
    parts = (task.train, task.val, task.production)
    x, y = (torch.cat(side, dim=1) for side in zip(*((p.x, p.y) for p in parts), strict=True))
    fresh = [wound(turns, block.seed ^ FRESH, HELD_OUT) for block in blocks]
    return replace(task, train=Part(x, y), val=stacked(fresh, blocks))


def wound(turns: float, seed: int, points: int = SPIRAL_POINTS) -> tuple[Tensor, Tensor]:
    """Points of both arms and which arm each belongs to, arm after arm."""
    return spiral(points, SPIRAL_NOISE, seed, turns)


def stacked(rows: Sequence[tuple[Tensor, Tensor]], blocks: Sequence[Block]) -> Part:
    """Inputs and targets of each block as one part, on the blocks' device."""
    x, y = (torch.stack(side).to(blocks[0].device) for side in zip(*rows, strict=True))
    return Part(x, y)


def in_double(task: TrainingTask) -> TrainingTask:
    """A task in double precision; networks are copies."""
    networks = tuple(copy.deepcopy(network).double() for network in task.networks)
    train, val, production = (
        Part(part.x.double(), part.y) for part in (task.train, task.val, task.production)
    )
    return replace(task, networks=networks, train=train, val=val, production=production)
