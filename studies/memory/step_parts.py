"""Is the memory of a training step parameters + gradients + optimiser state + activations?

Networks of several kinds, depths, lengths and batch sizes are trained for a step with Adam in
float32, once the optimiser has its state, and every storage is counted while it lives. The four
terms are counted apart, and their sum is compared with the peak. What the sum leaves out is the
batch itself and what backward and the optimiser make for a moment; what it counts too much is that
not all four are there at one moment: activations go as gradients come. The formula says "roughly",
and a fifth of the peak, either way, is what it is given.

Small networks are measured; BERT base, on texts of 128 tokens, is predicted by running its code on
fake tensors. The peak is that of storages, the same on every device; an allocator's rounding and
what a kernel needs within itself come on top. The verdict speaks for float32 without checkpointing
or sharding.
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
from harness.figures import BLACK, BLUE, GREEN, ORANGE, SKY, wide
from studies.memory.large import BERT, TOKENS, classifier, large_batch, predicted_step
from studies.memory.workloads import (
    MLP,
    NETS,
    TRANSFORMER,
    StepParts,
    batch_of,
    network,
    training_step,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RESIDUE = 0.2

NET = Factor("net", (BERT, *NETS), label="network")
#: Layers and tokens of the small networks that have them; 0 for those that have none or their own.
DEPTH = Factor("depth", (0, 2, 8), words={0: "", 2: "2 layers", 8: "8 layers"})
LENGTH = Factor("length", (0, 16, 64), words={0: "", 16: "16 tokens", 64: "64 tokens"})
BATCH = Factor("batch", (1, 4, 16, 64), label="batch of")

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
        Value("left_out").always().along(BATCH, judged=BATCH.levels),
        equals(0.0, within=RESIDUE),
        reading="Roughly: the peak of a step and the sum of the four terms differ by at most 20 % "
        "of the peak, either way.",
        headline={"net": BERT, "batch": 16},
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
    parts = counted_step(arm, block.device)
    total = parts.parameters + parts.gradients + parts.optimiser + parts.activations
    return {
        **{part: getattr(parts, part) / 1e6 for part in PARTS},
        "peak": parts.peak / 1e6,
        "left_out": (parts.peak - total) / parts.peak,
        "gradients_per_parameter": parts.gradients / parts.parameters,
        "optimiser_per_parameter": parts.optimiser / parts.parameters,
    }


def counted_step(arm: Arm, device: str) -> StepParts:
    """The step of BERT base is predicted, that of a small network is measured."""
    net, rows = arm[NET], arm[BATCH]
    if net == BERT:
        return predicted_step(lambda: (classifier(net), *large_batch(net, rows)), device)
    return training_step(
        lambda: (network(net, arm[DEPTH]), *batch_of(net, rows, arm[LENGTH])), device
    )


def memory_against_batch(table: pd.DataFrame) -> Figure:
    """The four parts, stacked, by batch size, with the peak."""
    from matplotlib.figure import Figure

    depth = table["depth"] == max(DEPTH.levels)
    shown = {
        f"{MLP}, {max(DEPTH.levels)} layers": (table[depth & (table["net"] == MLP)], 1.0, "MB"),
        f"{BERT}, texts of {TOKENS} tokens": (table[table["net"] == BERT], 1e3, "GB"),
    }
    figure = Figure()
    panels = figure.subplots(1, 2)
    for axes, (title, (rows, scale, unit)) in zip(panels, shown.items(), strict=True):
        _stack(axes, wide(rows, index="batch", columns="response") / scale)
        axes.set_title(title, size=20)
        axes.set_ylabel(f"memory of a training step ({unit})")
    handles, labels = panels[1].get_legend_handles_labels()
    panels[1].legend(handles[::-1], labels[::-1], loc="upper left")
    left_out = table.loc[table["response"] == "left_out", "value"].dropna()
    within = int((left_out.abs() <= RESIDUE).sum())
    figure.suptitle(
        f"Four terms make up the peak of a training step to within {100 * RESIDUE:.0f} % in "
        f"{within} of {len(left_out)} cases:\nthe peak is {100 * left_out.min():.0f} % to "
        f"{100 * left_out.max():+.0f} % off (one step a bar, float32, Adam)"
    )
    return figure


def _stack(axes: Axes, values: pd.DataFrame) -> None:
    places = range(len(values))
    floor = 0 * values["peak"]
    for part, colour in PARTS.items():
        axes.bar(places, values[part], bottom=floor, color=colour, label=part, width=0.7)
        floor += values[part]
    axes.plot(places, values["peak"], "D", color=BLACK, label="peak of the step")
    axes.set_xticks(places, [str(batch) for batch in values.index])
    axes.set_xlabel("rows in the batch")


def _sensible(arm: Arm) -> bool:
    """Only the small transformer has a length to choose, and it and the perceptron a depth."""
    has_depth, has_length = arm[NET] in (MLP, TRANSFORMER), arm[NET] == TRANSFORMER
    return (arm[DEPTH] > 0) == has_depth and (arm[LENGTH] > 0) == has_length


EXPERIMENT = Experiment(
    question="Is memory in training parameters + gradients + optimiser state + activations?",
    factors=(NET, DEPTH, LENGTH, BATCH),
    only=_sensible,
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("parameters", "MB", "memory of the parameters"),
        Response("gradients", "MB", "memory of the gradients"),
        Response("optimiser", "MB", "memory of the optimiser's state"),
        Response("activations", "MB", "the most that is kept for backward at one time"),
        Response("peak", "MB", "peak of a training step"),
        Response(
            "left_out", "1", "difference of the peak from the sum of the four terms, over the peak"
        ),
        Response("gradients_per_parameter", "1", "gradients for each parameter"),
        Response("optimiser_per_parameter", "1", "numbers the optimiser keeps for each parameter"),
    ),
    claims=CLAIMS,
    figures=(memory_against_batch,),
)
