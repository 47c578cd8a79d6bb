"""When do kept outputs keep their graphs alive: before the backward pass, or after it too?

A loop keeps the outputs, the losses or the sum of the losses of 40 steps: as they come, detached,
or as numbers. It is an evaluation without ``no_grad``, where no backward pass ever comes, or a
training loop that keeps them before or after the backward pass of the step; the network is a
perceptron or a small convolutional network. After every step it is counted what is saved for a
backward pass (weights and batches left out), what all storages that the loop has made hold
together, and how many graphs are alive.

The document speaks of a list of outputs, and its verdict is on that, loop by loop: something of
each step's graph stays if the growth is a tenth or more of what one forward pass saves, and
detaching mends it if it is below a hundredth. Losses and their sum stand beside it.

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
    at_least,
    at_most,
    equals,
)
from harness.figures import BLUE, GREEN, ORANGE, VERMILION
from harness.libraries import nn, torch
from harness.workloads import convnet, mlp
from studies.bugs.keeping import (
    ATTACHED,
    BACKWARD,
    DETACHED,
    FORM,
    KEPT,
    KEPT_FIRST,
    LOOPS,
    LOSSES,
    NO_BACKWARD,
    NUMBERS,
    OUTPUTS,
    RETAINED,
    SUM,
    Keeper,
    graph_bytes,
    watch,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

STEPS, ROWS, FEATURES, CLASSES, SIDE = 40, 64, 64, 10, 8
KIB = 2**10
#: Of what one forward pass saves: what counts as kept, and what as nothing.
KEPT_SHARE, NOTHING_SHARE = 0.1, 0.01

PERCEPTRON, CONVOLUTIONAL = "small perceptron", "small CNN"
NET = Factor("net", (PERCEPTRON, CONVOLUTIONAL))

RESPONSES = (
    Response("saved", "KiB", "what is saved for backward passes after a step"),
    Response("live", "KiB", "memory of all tensors alive after a step"),
    Response(
        "growth",
        "1",
        "of what a forward pass saves for its backward pass, the share that stays with each step",
    ),
    Response("live_growth", "KiB", "what a step adds to all tensors alive, from the second step"),
    Response("graphs", "graphs", "the number of graphs alive after the last step"),
)

CLAIMS = (
    Claim(
        "C5.08",
        Value("growth").at(kept=OUTPUTS, form=ATTACHED, backward=LOOPS).always(),
        at_least(KEPT_SHARE),
        reading="Every intermediate stays alive: each step leaves a tenth or more of what its "
        "forward pass saved, in an evaluation without no_grad and in a training loop, whether "
        "outputs are kept before the backward pass or after it.",
        headline={"net": PERCEPTRON, "backward": KEPT_FIRST},
    ),
    Beyond(
        "C5.08",
        Value("growth").at(kept=(LOSSES, SUM), form=ATTACHED, backward=LOOPS).always(),
        at_least(KEPT_SHARE),
        why="losses or their sum, where the passage speaks of outputs",
    ),
    Claim(
        "C5.12",
        Value("growth").at(kept=OUTPUTS, form=DETACHED, backward=LOOPS).always(),
        at_most(NOTHING_SHARE),
        reading="detach() fixes the leak: of what a forward pass saved less than a hundredth "
        "stays with each step. The kept outputs themselves go on adding up.",
        headline={"net": PERCEPTRON, "backward": KEPT_FIRST},
    ),
    Claim(
        "C5.12",
        Value("growth").at(kept=LOSSES, form=NUMBERS, backward=LOOPS).always(),
        at_most(NOTHING_SHARE),
        reading=".item() on the loss fixes it too, by the same measure.",
    ),
    Beyond(
        "C5.12",
        Value("growth").at(kept=OUTPUTS, form=NUMBERS, backward=LOOPS).always(),
        at_most(NOTHING_SHARE),
        why="outputs of many numbers, for which .item() raises: they are kept as lists",
    ),
    Beyond(
        "C5.12",
        Value("growth").at(kept=(LOSSES, SUM), form=DETACHED, backward=LOOPS).always(),
        at_most(NOTHING_SHARE),
        why="losses or their sum detached, where the passage detaches outputs",
    ),
    Beyond(
        "C5.12",
        Value("growth").at(kept=SUM, form=NUMBERS, backward=LOOPS).always(),
        at_most(NOTHING_SHARE),
        why="a sum of losses, where the passage keeps each by itself",
    ),
    Control(
        "a retained graph keeps what it saved after its backward pass",
        Value("growth").at(form=ATTACHED, backward=RETAINED).always(),
        equals(1, within=0.01),
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


def prepare(block: Block) -> dict[str, Cell]:
    """Random weights, and for each network a random batch that comes again and again."""
    nets = {
        PERCEPTRON: (mlp(FEATURES, CLASSES), (ROWS, FEATURES)),
        CONVOLUTIONAL: (convnet((16, 32), CLASSES), (ROWS, 3, SIDE, SIDE)),
    }
    y = torch.randint(CLASSES, (ROWS,), device=block.device)
    return {
        name: Cell(net.to(block.device), [(torch.randn(shape, device=block.device), y)] * STEPS)
        for name, (net, shape) in nets.items()
    }


def measure(cells: dict[str, Cell], arm: Arm) -> Responses:
    """Run the arm's loop and read the meters after each step."""
    cell = cells[arm[NET]]
    net, keeper = copy.deepcopy(cell.net), Keeper(arm[KEPT], arm[FORM])
    one_graph = graph_bytes(net, cell.batches[0], arm[KEPT])
    watched = watch(net, cell.batches, keeper, arm[BACKWARD])
    saved, live = np.array(watched.saved_bytes) / KIB, np.array(watched.live_bytes) / KIB
    return {
        "saved": saved.tolist(),
        "live": live.tolist(),
        "growth": float(np.diff(saved).mean() * KIB / one_graph),
        # The first step makes what stays, such as gradients.
        "live_growth": float(np.diff(live[1:]).mean()),
        "graphs": float(watched.graphs.alive),
    }


def _needed(arm: Arm) -> bool:
    """Every way of keeping with the perceptron; with the other network outputs alone."""
    return arm[NET] == PERCEPTRON or arm[KEPT] == OUTPUTS


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

    rows = table[(table["block"] == table["block"].min()) & (table["net"] == PERCEPTRON)]
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
        f"{growth[KEPT_FIRST]:.1f} KiB\n({PERCEPTRON}, {ROWS} rows; {graphs[KEPT_FIRST]:.0f} "
        f"graphs alive in both; exact, one run a line)"
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
    factors=(NET, KEPT, FORM, BACKWARD),
    only=_needed,
    blocks=PerProfile(1, 3, 3),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(live_bytes_by_way_of_keeping,),
)
