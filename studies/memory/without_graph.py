"""Does no_grad slash the memory of evaluation, down to the weights and the batch?

Networks in eval mode pass a batch forward to its loss, with gradients enabled and under
``no_grad``. Counted are all blocks of torch's allocator, also those that live within an operation,
since without gradients an encoder layer is a single one; weights and batch come on top.

Depth and batch are varied, for what a graph adds to the weights depends on both. The verdicts speak
for perceptrons of width 256 and encoders of width 128 in float32.
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
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE, span
from harness.libraries import functional, torch
from harness.meters import allocator_peak, new_tensors_on, total_bytes
from studies.memory.workloads import (
    MLP,
    MLP_WIDTH,
    TOKEN_WIDTH,
    TRANSFORMER,
    batch_of,
    network,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LENGTH, SLASHED, OF_A_LAYER = 16, 2.0, 0.1

NET = Factor("net", (MLP, TRANSFORMER))
DEPTH = Factor("depth", (4, 12, 24))
BATCH = Factor("batch", (32, 256, 2048))
GRAD = Factor("grad", ("enabled", "no_grad"), control="no_grad")

CLAIMS = (
    Claim(
        "C4.19",
        Ratio("peak", GRAD).always(),
        at_least(SLASHED),
        reading="Slashed means halved, at least: the peak with gradients enabled, weights and "
        "batch included, is twice that under no_grad or more.",
    ),
    Claim(
        "C4.25",
        Value("beyond").at(grad="no_grad").always(),
        at_most(OF_A_LAYER),
        reading="Beyond the weights and the inputs and labels, the peak has room for at most a "
        "tenth of one layer's output.",
    ),
    Control(
        "the graph of an MLP holds the output of every layer",
        Value("beyond").at(net=MLP, depth=24, batch=2048, grad="enabled").always(),
        equals(24.0, within=2.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Count one pass forward."""
    with new_tensors_on(block.device):
        model = network(arm[NET], arm[DEPTH]).eval()
        x, y = batch_of(arm[NET], arm[BATCH], LENGTH)
    with torch.no_grad():
        model(x[:1])  # libraries take what they need once a process
    with torch.set_grad_enabled(arm[GRAD] == "enabled"), allocator_peak(block.device) as allocator:
        functional.cross_entropy(model(x), y)
    layer = 4 * (x.shape[0] * MLP_WIDTH if arm[NET] == MLP else x[..., 0].numel() * TOKEN_WIDTH)
    there = total_bytes([*model.parameters(), x, y])
    return {
        "there": there / 1e6,
        "peak": (there + allocator.grown_bytes) / 1e6,
        "beyond": allocator.grown_bytes / layer,
    }


def evaluation_against_batch(table: pd.DataFrame) -> Figure:
    """The peak with and without a graph, by batch and depth, for the MLP."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, len(DEPTH.levels), sharey=True)
    rows = table[table["net"] == MLP]
    for axes, depth in zip(panels, DEPTH.levels, strict=True):
        values = rows[rows["depth"] == depth].pivot_table(
            index="batch", columns=["response", "grad"], values="value"
        )
        _bars(axes, values)
        axes.set_title(f"{depth} layers")
    panels[0].set_ylabel("peak of a forward pass (MB)")
    panels[1].set_xlabel("rows in the batch")
    panels[0].legend(loc="upper left")
    by_arm = rows[rows["response"] == "peak"].pivot_table(
        index=["depth", "batch"], columns="grad", values="value"
    )
    ratio = by_arm["enabled"] / by_arm["no_grad"]
    figure.suptitle(
        f"Evaluating an MLP with a graph takes {span(ratio, '.1f')} times the "
        "memory of no_grad\n(numbers above the bars): little more where it is mostly weights"
    )
    return figure


def _bars(axes: Axes, values: pd.DataFrame) -> None:
    for shift, grad, colour in ((-0.2, "enabled", ORANGE), (0.2, "no_grad", BLUE)):
        label = "gradients enabled" if grad == "enabled" else "no_grad"
        places = [place + shift for place in range(len(values))]
        axes.bar(places, values["peak", grad], width=0.4, color=colour, label=label)
    there = values["there", "no_grad"]
    axes.plot(range(len(there)), there, "_", color=BLACK, ms=46, mew=2, label="weights and batch")
    for place, batch in enumerate(values.index):
        with_graph, without = (values.loc[batch, ("peak", grad)] for grad in GRAD.levels)
        axes.annotate(
            f"{with_graph / without:.1f}",
            (place - 0.2, with_graph),
            (0, 6),
            textcoords="offset points",
            ha="center",
            size=16,
        )
    axes.set_xticks(range(len(values)), [str(batch) for batch in values.index])
    axes.grid(axis="x", visible=False)


def _affordable(arm: Arm) -> bool:
    """Transformers take a hundred times as long."""
    return arm[NET] == MLP or (arm[DEPTH] <= 12 and arm[BATCH] <= 256)


EXPERIMENT = Experiment(
    question="Does no_grad slash the memory of evaluation, down to the weights and the batch?",
    factors=(NET, DEPTH, BATCH, GRAD),
    only=_affordable,
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("there", "MB", "there"),
        Response("peak", "MB", "peak"),
        Response("beyond", "layers", "beyond"),
    ),
    claims=CLAIMS,
    figures=(evaluation_against_batch,),
)
