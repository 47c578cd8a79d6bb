"""Do a thousand steps hold a thousand graphs, and does anything free them but letting go?

Outputs, losses or the sum of the losses of 1,000 steps are kept as they come, in an evaluation
without ``no_grad`` and in a training loop. What is saved for backward passes is regressed on the
number of steps, in units of what a single graph saves; graphs that are alive are counted one by
one. Then Python's collector is called, and at last the list is emptied.

Both meters count objects and storages, not the process, so that a single block is enough.
"""

from __future__ import annotations

import copy
import gc
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.libraries import nn, torch
from harness.workloads import mlp
from studies.bugs.keeping import (
    ATTACHED,
    BACKWARD,
    DETACHED,
    FORM,
    KEPT,
    KEPT_FIRST,
    NO_BACKWARD,
    OUTPUTS,
    Keeper,
    graph_bytes,
    watch,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

ROWS, WIDTH, CLASSES = 16, 16, 4
LINE = 0.999  # R squared of a straight line
ONE = 0.01  # how far from one graph a step may be
KIB = 2**10

RESPONSES = (
    Response(
        "straight",
        "1",
        "R squared of what is saved, regressed on steps; 0 where it does not change",
    ),
    Response("slope", "graphs", "saved a step, over what one graph saves"),
    Response("graphs", "graphs", "alive after the last step, over the number of steps"),
    Response("collected", "KiB", "of what is saved, freed by the collector"),
    Response("collected_graphs", "graphs", "freed by the collector"),
    Response("released", "1", "share of what is saved that is freed when the list is emptied"),
    Response("released_graphs", "1", "share of the graphs"),
)

CLAIMS: tuple[Claim | Control, ...] = (
    Claim(
        "C5.09",
        Value("straight").at(form=ATTACHED).always(),
        at_least(LINE),
        reading="Linearly: what is saved for backward passes lies on a straight line, R squared "
        "0.999 or more, whatever is kept, with a backward pass in every step or without.",
    ),
    Claim(
        "C5.09",
        Value("slope").at(form=ATTACHED).always(),
        equals(1.0, within=ONE),
        reading="Each step adds what one graph saves, to 1 %.",
    ),
    Claim(
        "C5.09",
        Value("graphs").at(form=ATTACHED).always(),
        equals(1.0),
        reading="As many graphs are alive as there were steps.",
    ),
    Claim(
        "C5.10",
        Value("collected_graphs").at(form=ATTACHED).always(),
        equals(0),
        reading="The collector frees none of the graphs,",
    ),
    Claim(
        "C5.10",
        Value("collected").at(form=ATTACHED, backward=NO_BACKWARD).always(),
        equals(0),
        reading="nor a byte of what they saved;",
    ),
    Claim(
        "C5.10",
        Value("released_graphs").at(form=ATTACHED).always(),
        equals(1.0),
        reading="once the list is emptied all are gone,",
    ),
    Claim(
        "C5.10",
        Value("released").at(form=ATTACHED, backward=NO_BACKWARD).always(),
        equals(1.0),
        reading="and all that they saved.",
    ),
    Control(
        "where outputs are kept detached no graph is alive",
        Value("graphs").at(form=DETACHED).always(),
        equals(0),
    ),
)


class Cell(NamedTuple):
    """A network, and a batch that comes again and again."""

    net: nn.Sequential
    batch: tuple[Tensor, Tensor]
    steps: int


def prepare(block: Block) -> Cell:
    """A network of a few kilobytes: its size is the unit."""
    net = mlp(WIDTH, CLASSES, hidden=WIDTH).to(block.device)
    x = torch.randn(ROWS, WIDTH, device=block.device)
    y = torch.randint(CLASSES, (ROWS,), device=block.device)
    return Cell(net, (x, y), block.effort)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Run the arm's loop, call the collector, and let go."""
    net, keeper = copy.deepcopy(cell.net), Keeper(arm[KEPT], arm[FORM])
    one_graph = graph_bytes(net, cell.batch, arm[KEPT])
    watched = watch(net, [cell.batch] * cell.steps, keeper, arm[BACKWARD])
    saved, graphs = watched.saved.kept_bytes, watched.graphs.alive
    gc.collect()
    left, graphs_left = watched.saved.kept_bytes, watched.graphs.alive
    keeper.held.clear()
    slope, straight = line_through(np.array(watched.saved_bytes, float))
    return {
        "straight": straight,
        "slope": slope / one_graph,
        "graphs": graphs / cell.steps,
        "collected": (saved - left) / KIB,
        "collected_graphs": float(graphs - graphs_left),
        "released": share_gone(left, watched.saved.kept_bytes),
        "released_graphs": share_gone(graphs_left, watched.graphs.alive),
    }


def line_through(values: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and R squared of the regression of equally spaced values, 0 where they are equal."""
    if np.ptp(values) == 0:
        return 0.0, 0.0
    steps = np.arange(len(values), dtype=np.float64)
    slope = np.polyfit(steps, values, 1)[0]
    return float(slope), float(np.corrcoef(steps, values)[0, 1] ** 2)


def share_gone(before: int, after: int) -> float:
    """How much of something is gone; NaN where there was nothing."""
    return 1 - after / before if before else math.nan


def _needed(arm: Arm) -> bool:
    """Attached in both loops; detached as the control."""
    if arm[FORM] == DETACHED:
        return arm[KEPT] == OUTPUTS and arm[BACKWARD] == NO_BACKWARD
    return arm[FORM] == ATTACHED and arm[BACKWARD] in (NO_BACKWARD, KEPT_FIRST)


EXPERIMENT = Experiment(
    question="Do a thousand steps hold a thousand graphs, and does anything free them?",
    factors=(KEPT, FORM, BACKWARD),
    only=_needed,
    blocks=PerProfile(1, 1, 1),
    effort=PerProfile(200, 1000, 1000),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
