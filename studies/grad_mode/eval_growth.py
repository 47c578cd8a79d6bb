"""What grows over an evaluation without no_grad?

Forty batches are evaluated in eval mode with and without ``no_grad``, by loops that differ in what
they leave for later: nothing but numbers, as in the documents' own loop (``loss.item()``); all
outputs; all losses; the sum of the losses as a tensor; or outputs detached from their graphs. After
each batch the storages that are alive are added up, by storage and not by process, so that nothing
but the loop can make them grow. What the graphs add is the growth with gradients less the growth
without: kept outputs grow in both.

Four passages say that the graphs of such a loop pile up batch by batch until memory is gone. A run
of any length shows only whether memory grows, and by how much a batch: this is judged, on the
documents' own loop alone, in graphs of one batch (what a single pass keeps for a backward pass).
``gpu_growth`` asks the same of a GPU's allocator. Loops that keep outputs or losses are another bug
of document C, in the next line of the same table; they are measured beside. A name in the loop's
body keeps the last graph until it is bound anew, so that a level is not 0 where nothing grows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    between,
    equals,
)
from harness.figures import BLUE, ORANGE, wide
from harness.libraries import functional, nn, torch
from harness.meters import live_storage, saved_tensors
from harness.workloads import tower
from studies.grad_mode.modes import GRAD, grad_mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

LISTED = "nothing: loss.item()"
GROWING = ("outputs", "losses", "sum of losses")
DETACHED = "outputs, detached"
KEPT = Factor(
    "kept",
    (LISTED, *GROWING, DETACHED),
    label="what the loop keeps",
    words={
        LISTED: "the documents' own loop",
        "outputs": "a loop that keeps outputs",
        "losses": "a loop that keeps losses",
        "sum of losses": "a loop that sums losses as tensors",
        DETACHED: "a loop that keeps detached outputs",
    },
)

STEPS, ROWS, WIDTH, LAYERS = 40, 256, 256, 8
A_GRAPH = 0.1  # a tenth of what the documents say: a graph for each batch
EVEN = 0.05
MIB = 2**20
OTHER_BUG = "a loop that keeps tensors with their graphs, document C's other bug, a missing detach"

A_BATCHS_GRAPH = "graphs of a batch"  # the unit

RESPONSES = (
    Response("live", "MiB", "the memory alive after a batch"),
    Response("growth", "MiB", "the growth of live memory with each batch"),
    Response("graphs", A_BATCHS_GRAPH, "what each batch adds to live memory"),
    Response("least_graphs", A_BATCHS_GRAPH, "the least that any batch adds to live memory"),
    Response(
        "bend",
        "1",
        "the growth in the later half of the batches over that in the earlier, less 1",
    ),
)


def a_graph_for_each_batch(claim: str, *, headline: bool = True) -> Claim:
    """The one rule of all claims that evaluation without no_grad piles up graphs."""
    return Claim(
        claim,
        Difference("graphs", GRAD).at(grad="enabled", kept=LISTED).always(),
        at_least(A_GRAPH),
        reading="Graphs pile up where each batch of the documents' own loop, which keeps numbers "
        "only, adds at least a tenth of one batch's graph to what is alive without no_grad.",
        headline=headline,
    )


CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(a_graph_for_each_batch(claim) for claim in ("C4.02", "C6.11", "C9.05")),
    *(
        Beyond(
            claim,
            Difference("graphs", GRAD).at(grad="enabled", kept=GROWING).always(),
            at_least(A_GRAPH),
            why=OTHER_BUG,
        )
        for claim in ("C4.02", "C6.11", "C9.05")
    ),
    Beyond(
        "C6.11",
        Value("least_graphs").at(grad="enabled", kept=GROWING).always(),
        at_least(A_GRAPH),
        why=OTHER_BUG,
        reading="It climbs at every step: no batch adds less than a tenth of a graph.",
    ),
    Beyond(
        "C9.05",
        Value("bend").at(grad="enabled", kept=GROWING).always(),
        equals(0.0, within=EVEN),
        why=OTHER_BUG,
        reading="It grows linearly: the later half adds what the earlier did, to 5 %.",
    ),
    Control(
        "detached outputs keep no graph",
        Difference("growth", GRAD).at(grad="enabled", kept=DETACHED).always(),
        equals(0.0),
    ),
    Control(
        "kept outputs are counted",
        Value("growth").at(grad="no_grad", kept=(GROWING[0], DETACHED)).always(),
        equals(ROWS * WIDTH * 4 / MIB),
    ),
    Control(
        "a graph that is kept is seen",
        Difference("graphs", GRAD).at(grad="enabled", kept="losses").always(),
        between(0.5, 1.5),
    ),
)


class Cell(NamedTuple):
    """A network and its batches."""

    net: nn.Module
    batches: Sequence[tuple[Tensor, Tensor]]

    @property
    def graph(self) -> float:
        """MiB that one batch, forward to its loss, keeps for a backward pass."""
        x, y = self.batches[0]
        with grad_mode("enabled"), saved_tensors([*self.net.parameters(), x, y]) as saved:
            functional.cross_entropy(self.net(x), y)
        return saved.bytes / MIB


def prepare(block: Block) -> Cell:
    """Random weights and batches; the values do not matter to memory."""
    net = tower(LAYERS, WIDTH).to(block.device).eval()
    x = torch.randn(STEPS, ROWS, WIDTH, device=block.device)
    y = torch.randint(WIDTH, (STEPS, ROWS), device=block.device)
    return Cell(net, list(zip(x, y, strict=True)))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Run the arm's loop and read the meter after each batch."""
    live = live_after_each(cell, arm[GRAD], arm[KEPT])
    steps = np.diff(live[1:])  # the first batch makes what stays
    earlier, later = np.array_split(steps, 2)
    bend = later.mean() / earlier.mean() - 1 if earlier.any() else float(later.any())
    graph = cell.graph
    return {
        "live": live.tolist(),
        "growth": steps.mean(),
        "graphs": steps.mean() / graph,
        "least_graphs": steps.min() / graph,
        "bend": float(bend),
    }


def live_after_each(cell: Cell, grad: str, keep: str) -> NDArray[np.float64]:
    """MiB alive after each batch, shape (batches,)."""
    kept: list[object] = []
    total: float | Tensor = 0.0
    after = []
    with live_storage() as live, grad_mode(grad):
        for x, y in cell.batches:
            output = cell.net(x)
            loss = functional.cross_entropy(output, y)
            if keep == "sum of losses":
                total = total + loss
            elif keep == LISTED:
                total += loss.item() * len(x)
            else:
                kept.append({"outputs": output, "losses": loss, DETACHED: output.detach()}[keep])
            after.append(live.bytes / MIB)
    return np.array(after)


def growth_by_what_is_kept(table: pd.DataFrame) -> Figure:
    """Live memory after each batch, a panel for each loop."""
    from matplotlib.figure import Figure

    rows = table[(table["response"] == "live") & (table["status"] == "ok")]
    figure = Figure()
    panels = figure.subplots(1, len(KEPT.levels), sharey=True)
    for axes, keep in zip(panels, KEPT.levels, strict=True):
        of_loop = rows[rows["kept"] == keep]
        live = wide(of_loop, index="round", columns="grad", how="median")
        _draw_growth(axes, live.reindex(columns=["enabled", "no_grad"]))
        axes.set_title(PANELS[keep], size=18)
    panels[0].set_ylabel("memory alive after a batch, MiB")
    panels[len(panels) // 2].set_xlabel("batches evaluated")
    graphs = table[(table["response"] == "graphs") & (table["grad"] == "enabled")]
    listed, losses = (
        graphs[graphs["kept"] == keep]["value"].median() for keep in (LISTED, "losses")
    )
    figure.suptitle(
        f"Without no_grad the documents' own loop adds {listed:.2g} graphs with each batch;\n"
        f"a loop that keeps its losses adds {losses:.2g} "
        f"(median, n = {rows['block'].nunique()} processes)"
    )
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


#: The titles of the figure's panels: what a loop keeps.
PANELS = {
    LISTED: "own loop:\nkeeps numbers",
    "outputs": "keeps\noutputs",
    "losses": "keeps\nlosses",
    "sum of losses": "sums losses\nas tensors",
    DETACHED: "keeps detached\noutputs",
}


def _draw_growth(axes: Axes, live: pd.DataFrame) -> None:
    for grad, colour, label in (
        ("enabled", ORANGE, "gradients enabled"),
        ("no_grad", BLUE, "no_grad"),
    ):
        axes.plot(live.index + 1, live[grad], color=colour, label=label, linewidth=4)
    axes.set_xticks([STEPS // 4, STEPS // 2, 3 * STEPS // 4])
    axes.set_xlim(0, STEPS + 1)


EXPERIMENT = Experiment(
    question="What grows over an evaluation without no_grad?",
    factors=(GRAD, KEPT),
    only=lambda arm: arm[GRAD] != "inference_mode",
    blocks=PerProfile(1, 3, 3),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(growth_by_what_is_kept,),
    fresh_process=True,
    imports=("torch._dynamo",),  # which the meter of live storages imports
)
