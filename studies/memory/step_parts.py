"""Is the memory of a training step parameters + gradients + optimiser state + activations?

Networks of several kinds, depths, lengths and batch sizes are trained for two steps with Adam in
float32, and every storage of the second step is counted while it lives. The four terms are counted
apart, and their sum is compared with the peak. What the sum leaves out is the batch itself and what
backward and the optimiser make for a moment; what it counts too much is that not all four are there
at one moment: activations go as gradients come.

The peak is that of storages, the same on every device; an allocator's rounding and what a kernel
needs within itself come on top. The verdict speaks for float32 without checkpointing or sharding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE, SKY
from studies.memory.workloads import CNN, MLP, NETS, TRANSFORMER, batch_of, network, training_step

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RESIDUE = 0.02

NET = Factor("net", NETS)
DEPTH = Factor("depth", (2, 8))
LENGTH = Factor("length", (16, 64))
BATCH = Factor("batch", (1, 4, 16, 64))

PARTS = {
    "parameters": BLUE,
    "gradients": SKY,
    "optimiser": GREEN,
    "activations": ORANGE,
}

#: Where a network without buffers, which have no gradients, shows that parts are told apart.
ONE_ARM: dict[str, str | int] = {"net": TRANSFORMER, "depth": 8, "length": 64, "batch": 16}

CLAIMS = (
    Claim(
        "C9.10",
        Value("left_out").always(),
        equals(0.0, within=RESIDUE),
        reading="The peak less the sum of the four terms is at most 2 % of the peak, either way.",
    ),
    Control(
        "there is a gradient for each parameter",
        Value("gradients_per_parameter").at(**ONE_ARM).always(),
        equals(1.0, within=1e-9),
    ),
    Control(
        "Adam keeps two numbers for each parameter",
        Value("optimiser_per_parameter").at(**ONE_ARM).always(),
        equals(2.0, within=1e-3),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Count the parts of a training step in MB (a million bytes)."""
    parts = training_step(
        lambda: (network(arm[NET], arm[DEPTH]), *batch_of(arm[NET], arm[BATCH], arm[LENGTH])),
        block.device,
    )
    total = parts.parameters + parts.gradients + parts.optimiser + parts.activations
    return {
        **{part: getattr(parts, part) / 1e6 for part in PARTS},
        "peak": parts.peak / 1e6,
        "left_out": (parts.peak - total) / parts.peak,
        "gradients_per_parameter": parts.gradients / parts.parameters,
        "optimiser_per_parameter": parts.optimiser / parts.parameters,
    }


def memory_against_batch(table: pd.DataFrame) -> Figure:
    """The four parts, stacked, by batch size, with the peak that was measured."""
    from matplotlib.figure import Figure

    depth, length = max(DEPTH.levels), max(LENGTH.levels)
    deep = table[table["depth"] == depth]
    shown = {
        f"MLP, {depth} layers": deep[deep["net"] == MLP],
        f"transformer, {depth} layers, {length} tokens": deep[
            (deep["net"] == TRANSFORMER) & (deep["length"] == length)
        ],
    }
    figure = Figure()
    panels = figure.subplots(1, 2)
    for axes, (title, rows) in zip(panels, shown.items(), strict=True):
        _stack(axes, rows.pivot_table(index="batch", columns="response", values="value"))
        axes.set_title(title, size=20)
    panels[0].set_ylabel("memory of a training step (MB)")
    handles, labels = panels[1].get_legend_handles_labels()
    panels[1].legend(handles[::-1], labels[::-1], loc="upper left")
    left_out = table.loc[table["response"] == "left_out", "value"]
    figure.suptitle(
        "Parameters, gradients and Adam's state stay; activations grow with the batch.\n"
        f"Their sum leaves out {100 * left_out.min():.0f} % to {100 * left_out.max():.0f} % of the "
        f"peak (all {len(left_out)} cases)"
    )
    return figure


def _stack(axes: Axes, values: pd.DataFrame) -> None:
    places = range(len(values))
    floor = 0 * values["peak"]
    for part, colour in PARTS.items():
        axes.bar(places, values[part], bottom=floor, color=colour, label=part, width=0.7)
        floor += values[part]
    axes.plot(places, values["peak"], "D", color=BLACK, label="measured peak")
    axes.set_xticks(places, [str(batch) for batch in values.index])
    axes.set_xlabel("rows in the batch")


def _sensible(arm: Arm) -> bool:
    """Only the transformer has a length, and the CNN one depth."""
    return (arm[NET] == TRANSFORMER or arm[LENGTH] == min(LENGTH.levels)) and (
        arm[NET] != CNN or arm[DEPTH] == min(DEPTH.levels)
    )


EXPERIMENT = Experiment(
    question="Is memory in training parameters + gradients + optimiser state + activations?",
    factors=(NET, DEPTH, LENGTH, BATCH),
    only=_sensible,
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("parameters", "MB", "parameters"),
        Response("gradients", "MB", "gradients"),
        Response("optimiser", "MB", "optimiser"),
        Response("activations", "MB", "activations"),
        Response("peak", "MB", "peak"),
        Response("left_out", "1", "left out"),
        Response("gradients_per_parameter", "1", "gradients per parameter"),
        Response("optimiser_per_parameter", "1", "optimiser per parameter"),
    ),
    claims=CLAIMS,
    figures=(memory_against_batch,),
)
