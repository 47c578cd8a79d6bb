"""When do kept outputs keep their graphs alive: before the backward pass, or after it too?

A loop keeps the outputs, the losses or the sum of the losses of 40 steps: as they come, detached,
or as numbers. It is an evaluation without ``no_grad``, where no backward pass ever comes, or a
training loop that keeps them before or after the backward pass of the step. After every step it is
counted what is saved for a backward pass (weights and batches left out), what all storages that the
loop has made hold together, and how many graphs are alive.

A graph is two things: nodes, which know what came from what, and the intermediate results that they
saved. A backward pass frees the second, unless it is told to retain the graph; a kept tensor holds
the first for as long as it lives. Sizes do not depend on numbers, and three blocks show only that.
"""

from __future__ import annotations

import copy
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
    equals,
    more_than,
)
from harness.figures import BLUE, GREEN, ORANGE, VERMILION
from harness.libraries import nn, torch
from harness.workloads import mlp
from studies.bugs.keeping import (
    ATTACHED,
    BACKWARD,
    DETACHED,
    FORM,
    KEPT,
    KEPT_FIRST,
    KEPT_LAST,
    NO_BACKWARD,
    NUMBERS,
    OUTPUTS,
    RETAINED,
    Keeper,
    watch,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

STEPS, ROWS, FEATURES, CLASSES = 40, 64, 64, 10
KIB = 2**10

RESPONSES = (
    Response("saved", "KiB", "for a backward pass, after each step"),
    Response("live", "KiB", "in all storages, after each step"),
    Response("growth", "KiB", "of what is saved, a step"),
    Response("live_growth", "KiB", "of all storages, a step, from the second on"),
    Response("graphs", "graphs", "alive after the last step"),
)

CLAIMS = (
    Claim(
        "C5.08",
        Value("growth").at(form=ATTACHED, backward=(NO_BACKWARD, KEPT_FIRST, KEPT_LAST)).always(),
        more_than(0),
        reading="Every intermediate stays alive: what is saved for a backward pass grows with "
        "every step, be it outputs, losses or their sum that is kept as it comes, and be there no "
        "backward pass, or one after or before it is kept.",
    ),
    Claim(
        "C5.12",
        Value("growth").at(form=(DETACHED, NUMBERS)).always(),
        equals(0),
        reading="It fixes it: kept detached or as numbers (.item(), and .tolist() for outputs), "
        "nothing that is saved for a backward pass stays. The kept numbers themselves go on "
        "adding up.",
    ),
    Control(
        "a retained graph keeps what it saved after its backward pass",
        Value("growth").at(form=ATTACHED, backward=RETAINED).always(),
        more_than(0),
    ),
    Control(
        "kept outputs are counted",
        Value("live_growth").at(kept=OUTPUTS, form=DETACHED).always(),
        equals(ROWS * CLASSES * 4 / KIB),
    ),
)


class Cell(NamedTuple):
    """A network and its batches."""

    net: nn.Sequential
    batches: Sequence[tuple[Tensor, Tensor]]


def prepare(block: Block) -> Cell:
    """Random weights and a random batch that comes again and again."""
    net = mlp(FEATURES, CLASSES).to(block.device)
    x = torch.randn(ROWS, FEATURES, device=block.device)
    y = torch.randint(CLASSES, (ROWS,), device=block.device)
    return Cell(net, [(x, y)] * STEPS)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Run the arm's loop and read the meters after each step."""
    keeper = Keeper(arm[KEPT], arm[FORM])
    watched = watch(copy.deepcopy(cell.net), cell.batches, keeper, arm[BACKWARD])
    saved, live = np.array(watched.saved_bytes) / KIB, np.array(watched.live_bytes) / KIB
    return {
        "saved": saved.tolist(),
        "live": live.tolist(),
        "growth": float(np.diff(saved).mean()),
        # The first step makes what stays, such as gradients.
        "live_growth": float(np.diff(live[1:]).mean()),
        "graphs": float(watched.graphs.alive),
    }


#: The ways of keeping that are drawn: form, backward pass, colour, width and name. Lines that lie
#: on one another are drawn from wide to narrow.
DRAWN = (
    (ATTACHED, NO_BACKWARD, VERMILION, 5, "as they come, no backward pass"),
    (ATTACHED, KEPT_FIRST, ORANGE, 11, "as they come, with backward"),
    (DETACHED, KEPT_FIRST, BLUE, 6, "detached, with backward"),
    (NUMBERS, KEPT_FIRST, GREEN, 2, "as numbers, with backward"),
)


def live_bytes_by_way_of_keeping(table: pd.DataFrame) -> Figure:
    """Live memory after each step, a panel for what is kept."""
    from matplotlib.figure import Figure

    rows = table[table["block"] == table["block"].min()]
    live = rows[rows["response"] == "live"]
    figure = Figure()
    panels = figure.subplots(1, len(KEPT.levels), sharey=True)
    for axes, kept in zip(panels, KEPT.levels, strict=True):
        _draw(axes, live[live["kept"] == kept])
        axes.set_title(f"{kept} kept")
    panels[0].set_ylabel("memory alive after a step, KiB")
    panels[1].set_xlabel("steps")
    end = rows[(rows["kept"] == OUTPUTS) & (rows["form"] == ATTACHED)].set_index("backward")
    growth = end[end["response"] == "live_growth"]["value"]
    graphs = end[end["response"] == "graphs"]["value"]
    figure.suptitle(
        f"Without a backward pass a kept output holds {growth[NO_BACKWARD]:.1f} KiB, after one "
        f"{growth[KEPT_FIRST]:.1f} KiB,\nand in both cases {graphs[KEPT_FIRST]:.0f} graphs are "
        f"alive after {STEPS} steps"
    )
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame) -> None:
    for form, backward, colour, width, label in DRAWN:
        values = rows[(rows["form"] == form) & (rows["backward"] == backward)].sort_values("round")
        axes.plot(values["round"] + 1, values["value"], color=colour, linewidth=width, label=label)
    axes.set_xticks([1, STEPS // 2, STEPS])
    axes.set_ylim(bottom=0)


EXPERIMENT = Experiment(
    question="When do kept outputs keep their graphs alive: before backward, or after it too?",
    factors=(KEPT, FORM, BACKWARD),
    blocks=PerProfile(1, 3, 3),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(live_bytes_by_way_of_keeping,),
)
