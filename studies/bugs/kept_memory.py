"""Does memory grow with every step whose output is kept, and do 1,000 steps hold 1,000 graphs?

Outputs, losses or the sum of the losses of 1,000 steps are kept as they come, in an evaluation
without ``no_grad`` and in a training loop. Three things are read of it. The memory of the process
that is in the machine's RAM, at ten points of a run without other meters, is regressed on the
number of steps, the first fifth left out: R squared says whether it grows linearly. What is saved
for backward passes is regressed in units of what a single graph saves. And graphs that are alive
are counted one by one, with what they saved or without. Then Python's collector is called, and at
last the list is emptied.

The verdicts are on outputs, of which the document speaks, in both loops: after a backward pass an
output that is kept holds its graph's nodes and its own numbers, but no longer what was saved.
"""

from __future__ import annotations

import copy
import gc
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
    more_than,
)
from harness.libraries import nn, torch
from harness.meters import resident_peak
from harness.workloads import mlp
from studies.bugs.keeping import (
    ATTACHED,
    BACKWARD,
    DETACHED,
    FORM,
    KEPT,
    KEPT_FIRST,
    LOSSES,
    NO_BACKWARD,
    OUTPUTS,
    SUM,
    Keeper,
    graph_bytes,
    loop,
    watch,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

#: An output is 50 KiB: the kernel counts a process's memory to some hundred KiB, and what 1,000
#: steps add must be far above that.
ROWS, WIDTH, CLASSES = 128, 64, 100
LINE = 0.999  # R squared of a straight line
ONE = 0.1  # how far from one graph a step may be
READINGS, SETTLING = 10, 2  # of the process's memory, and how many of them are left out
KIB = 2**10

RESPONSES = (
    Response("straight", "1", "R squared of the process's memory against steps"),
    Response("resident", "KiB", "what a step adds to the process's memory"),
    Response(
        "slope", "1", "what a step leaves saved for backward passes, over what one graph saves"
    ),
    Response("graphs", "1", "graphs alive after the last step, over the number of steps"),
    Response("collected", "KiB", "what the garbage collector frees of what is saved"),
    Response("collected_graphs", "graphs", "the number of graphs that the collector frees"),
    Response("released", "1", "share of what is saved that emptying the list frees"),
    Response("released_graphs", "1", "share of the graphs that emptying the list frees"),
)
OF_LOSSES = "losses or their sum, where the passage keeps outputs"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C5.09",
        Value("straight").at(kept=OUTPUTS, form=ATTACHED).always(),
        more_than(LINE),
        reading="Linearly: the process's memory against steps is a straight line with R squared "
        "above 0.999, in an evaluation without no_grad and in a training loop.",
    ),
    Claim(
        "C5.09",
        Value("slope").at(kept=OUTPUTS, form=ATTACHED).always(),
        equals(1.0, within=ONE),
        reading="A graph a step: each step leaves saved what one graph saves, to 10 %.",
        headline={"backward": KEPT_FIRST},
    ),
    Claim(
        "C5.09",
        Value("graphs").at(kept=OUTPUTS, form=ATTACHED).always(),
        equals(1.0),
        reading="1,000 graphs: as many are alive as there were steps, empty ones included.",
    ),
    *(
        Beyond("C5.09", Value(response).at(kept=kept, form=ATTACHED).always(), region, OF_LOSSES)
        for response, kept, region in (
            ("straight", LOSSES, more_than(LINE)),
            ("slope", (LOSSES, SUM), equals(1.0, within=ONE)),
            ("graphs", (LOSSES, SUM), equals(1.0)),
        )
    ),
    Claim(
        "C5.10",
        Value("collected_graphs").at(kept=OUTPUTS, form=ATTACHED).always(),
        equals(0),
        reading="The collector frees none of the graphs while the list is held,",
        headline={"backward": NO_BACKWARD},
    ),
    Claim(
        "C5.10",
        Value("collected").at(kept=OUTPUTS, form=ATTACHED, backward=NO_BACKWARD).always(),
        equals(0),
        reading="nor a byte of what they saved;",
    ),
    Claim(
        "C5.10",
        Value("released_graphs").at(kept=OUTPUTS, form=ATTACHED).always(),
        equals(1.0),
        reading="once the list is emptied all are gone: it was the list that held them,",
    ),
    Claim(
        "C5.10",
        Value("released").at(kept=OUTPUTS, form=ATTACHED, backward=NO_BACKWARD).always(),
        equals(1.0),
        reading="and all that they saved.",
    ),
    Beyond(
        "C5.10",
        Value("collected_graphs").at(kept=(LOSSES, SUM), form=ATTACHED).always(),
        equals(0),
        why=OF_LOSSES,
    ),
    Beyond(
        "C5.10",
        Value("released_graphs").at(kept=(LOSSES, SUM), form=ATTACHED).always(),
        equals(1.0),
        why=OF_LOSSES,
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
    """A network whose graph saves 64 KiB."""
    net = mlp(WIDTH, CLASSES, hidden=WIDTH).to(block.device)
    x = torch.randn(ROWS, WIDTH, device=block.device)
    y = torch.randint(CLASSES, (ROWS,), device=block.device)
    return Cell(net, (x, y), block.effort)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Run the arm's loop under each meter, call the collector, and let go."""
    # A sum of losses holds what the losses hold: its memory is not read.
    memory = resident_memory(cell, arm) if arm[KEPT] != SUM else np.full(READINGS, math.nan)
    resident, straight = line_through(memory[SETTLING:])
    net, keeper = copy.deepcopy(cell.net), Keeper(arm[KEPT], arm[FORM])
    one_graph = graph_bytes(net, cell.batch, arm[KEPT])
    watched = watch(net, [cell.batch] * cell.steps, keeper, arm[BACKWARD])
    saved, graphs = watched.saved.kept_bytes, watched.graphs.alive
    gc.collect()
    left, graphs_left = watched.saved.kept_bytes, watched.graphs.alive
    keeper.held.clear()
    slope, _ = line_through(np.array(watched.saved_bytes, float))
    return {
        "straight": straight,
        "resident": resident / (cell.steps // READINGS) / KIB,
        "slope": slope / one_graph,
        "graphs": graphs / cell.steps,
        "collected": (saved - left) / KIB,
        "collected_graphs": float(graphs - graphs_left),
        "released": share_gone(left, watched.saved.kept_bytes),
        "released_graphs": share_gone(graphs_left, watched.graphs.alive),
    }


def resident_memory(cell: Cell, arm: Arm) -> NDArray[np.float64]:
    """The process's memory in the machine's RAM at equal distances of the arm's loop, in bytes."""
    net, keeper, readings = copy.deepcopy(cell.net), Keeper(arm[KEPT], arm[FORM]), list[float]()
    batches = [cell.batch] * (cell.steps // READINGS)

    for _ in range(READINGS):
        loop(net, batches, keeper, arm[BACKWARD], lambda: None)
        with resident_peak() as now:
            pass
        readings.append(now.start_bytes)
    return np.array(readings, np.float64)


def line_through(values: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and R squared of the regression of equally spaced values, 0 where they are equal."""
    if np.isnan(values).any():
        return math.nan, math.nan
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
    question="Does memory grow with every output kept, and do 1,000 steps hold 1,000 graphs?",
    factors=(KEPT, FORM, BACKWARD),
    only=_needed,
    blocks=PerProfile(1, 2, 2),
    effort=PerProfile(200, 1000, 1000),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    fresh_process=True,
)
