"""What grows over an evaluation without no_grad?

Forty batches are evaluated in eval mode with and without ``no_grad``, by loops that differ in what
they leave for later: nothing but numbers, as in the documents' own loop (``loss.item()``); all
outputs; all losses; the sum of the losses as a tensor; or outputs detached from their graphs. After
each batch the storages that are alive are added up, by storage and not by process, so that nothing
but the loop can make them grow. What the graphs add is the growth with gradients less the growth
without: kept outputs grow in both.

The documents say that memory grows until it is gone. A run of any length shows only whether it
grows, by how much a batch, and whether evenly: this is what is judged. A name in the loop's body
keeps the last graph until it is bound anew, so that a level is not 0 where nothing grows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
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
    equals,
    more_than,
)
from harness.figures import BLUE, ORANGE
from harness.libraries import functional, nn, torch
from harness.meters import live_storage
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
KEPT = Factor("kept", (LISTED, *GROWING, DETACHED))
#: The documents' own loop, and others that forget more than no_grad.
FORGETFUL = (LISTED, *GROWING)

STEPS, ROWS, WIDTH, LAYERS = 40, 256, 256, 8
EVEN = 0.05
MIB = 2**20

RESPONSES = (
    Response("live", "MiB", "storages alive after each batch"),
    Response("growth", "MiB", "a batch, from the second to the last"),
    Response("least_step", "MiB", "the least growth of a single batch"),
    Response(
        "bend", "1", "growth of the later half over that of the earlier, less 1; 0 where none grows"
    ),
)

CLAIMS: tuple[Claim | Control, ...] = (
    *(
        Claim(
            claim,
            Difference("growth", GRAD).at(grad="enabled", kept=FORGETFUL).always(),
            more_than(0),
            reading="Whatever the loop keeps, the documents' own loop included, forgetting no_grad "
            "makes memory grow with every batch: by more than it does under no_grad.",
        )
        for claim in ("C4.02", "C6.11", "C9.05")
    ),
    Claim(
        "C6.11",
        Value("least_step").at(grad="enabled", kept=FORGETFUL).always(),
        more_than(0),
        reading="It climbs at every step: no batch adds nothing.",
    ),
    Claim(
        "C9.05",
        Value("bend").at(grad="enabled", kept=GROWING).always(),
        equals(0.0, within=EVEN),
        reading="Where it grows it grows linearly: the later half adds what the earlier did, "
        "to 5 %.",
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
)


class Cell(NamedTuple):
    """A network and its batches."""

    net: nn.Module
    batches: Sequence[tuple[Tensor, Tensor]]


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
    return {
        "live": live.tolist(),
        "growth": steps.mean(),
        "least_step": steps.min(),
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

    rows = table[(table["response"] == "live") & (table["block"] == table["block"].min())]
    figure = Figure()
    panels = figure.subplots(1, len(KEPT.levels), sharey=True)
    for axes, keep in zip(panels, KEPT.levels, strict=True):
        _draw_growth(axes, rows[rows["kept"] == keep])
        axes.set_title(keep.replace(": ", ":\n").replace(", ", ",\n").replace(" of ", "\nof "))
    panels[0].set_ylabel("memory alive after a batch, MiB")
    panels[len(panels) // 2].set_xlabel("batches evaluated")
    growth = table[(table["response"] == "growth") & (table["grad"] == "enabled")]
    listed = growth[growth["kept"] == LISTED]["value"].abs().max()
    figure.suptitle(
        f"Evaluation without no_grad: the usual loop grows by {listed:.2g} MiB a batch;\n"
        "others grow by what they keep of each batch (above each panel)"
    )
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _draw_growth(axes: Axes, rows: pd.DataFrame) -> None:
    for grad, colour, style, label in (
        ("enabled", ORANGE, "-", "gradients enabled"),
        ("no_grad", BLUE, "-", "no_grad"),
    ):
        values = rows[rows["grad"] == grad].sort_values("round")
        axes.plot(
            values["round"] + 1, values["value"], style, color=colour, label=label, linewidth=4
        )
    axes.set_xticks([STEPS // 4, STEPS // 2, 3 * STEPS // 4])
    axes.set_xlim(0, STEPS + 1)


EXPERIMENT = Experiment(
    question="What grows over an evaluation without no_grad?",
    factors=(GRAD, KEPT),
    blocks=PerProfile(1, 3, 3),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(growth_by_what_is_kept,),
    fresh_process=True,
    imports=("torch._dynamo",),  # which the meter of live storages imports
)
