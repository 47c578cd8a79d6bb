"""Does no_grad slash the memory of evaluation, down to the weights and the batch?

The two transformers that the passage has in mind, BERT base and GPT-2 with 12 layers and some 100
million parameters, pass batches of texts of 128 tokens forward to their loss in eval mode, with
gradients enabled and under ``no_grad``. Compared are the peaks, weights and batch included. The
batch decides, for the graph grows with it and the weights do not: batches of 8, 16 and 32, the
ordinary ones of the document, are judged, and the others show where the claims begin to hold.

What is left under ``no_grad`` is held against a sum: the weights, the inputs and labels, and the
tensors that one layer makes of the batch, predicted for that layer alone. Whatever else a network
keeps on its way through 12 layers shows as a difference.

Nothing is computed: the networks' own code runs on fake tensors. ``small_without_graph`` measures
small networks for real.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import (
    Arm,
    Beyond,
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
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE, wide
from harness.libraries import functional, torch
from harness.meters import predicted_memory
from studies.memory.activations import ORDINARY
from studies.memory.large import BERT, CACHING, GPT2, TOKENS, classifier, large_batch, layer_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor, nn

SLASHED, CLOSE, WIDTH = 2.0, 0.1, 768

NET = Factor("net", (BERT, GPT2, CACHING), label="network")
BATCH = Factor("batch", (1, 4, *ORDINARY), label="batch of")
GRAD = Factor(
    "grad",
    ("enabled", "no_grad"),
    control="no_grad",
    words={"enabled": "gradients enabled", "no_grad": "no_grad"},
)

#: The rule of C4.19 and of A-nograd-4 (``grad-mode``), which say the same.
SLASHES = Ratio("peak", GRAD).always()
SLASHES_READING = (
    "Slashed, or saved a lot, means halved: with gradients enabled a forward pass takes at least "
    "twice the memory at its peak, weights and batch counted on both sides, at batches of a "
    "realistic size."
)
OVER_SUM = Value("over_sum").at(grad="no_grad").always()
WITHIN_READING = (
    "Under no_grad the peak is the weights and the tensors of the current batch, to within a "
    "tenth: the batch's inputs and labels, and what the one layer that is being computed makes "
    "of them."
)

CLAIMS = (
    Claim(
        "C4.19",
        SLASHES.at(net=(BERT, GPT2)).along(BATCH, judged=ORDINARY),
        at_least(SLASHED),
        reading=SLASHES_READING,
        headline={"net": BERT, "batch": 16},
    ),
    Claim(
        "C4.25",
        OVER_SUM.at(net=(BERT, GPT2)).along(BATCH, judged=ORDINARY),
        equals(1.0, within=CLOSE),
        reading=WITHIN_READING,
        headline={"net": BERT, "batch": 16},
    ),
    Beyond(
        "C4.25",
        OVER_SUM.at(net=CACHING),
        equals(1.0, within=CLOSE),
        why="a cache for writing on, which the model keeps unless it is told not to; the passage "
        "speaks of a forward pass alone",
    ),
    Beyond(
        "C4.25",
        Value("over_inputs").at(grad="no_grad", net=(BERT, GPT2)).always(),
        equals(1.0, within=CLOSE),
        why="the strictest reading of the batch's tensors: inputs and labels alone, and nothing "
        "for the layer that is being computed",
        reading="Under no_grad the peak is the weights, the inputs and the labels, to within a "
        "tenth.",
    ),
    Control(
        "with gradients enabled more is kept than the tensors of one layer",
        Value("over_sum").at(grad="enabled", net=(BERT, GPT2), batch=ORDINARY).always(),
        at_least(1.5),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Predict one pass forward to the loss, and what one layer by itself takes of it."""
    name, rows = arm[NET], arm[BATCH]

    def build() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
        return classifier(name).eval(), large_batch(name, rows)

    def forward(model: nn.Module, batch: tuple[Tensor, Tensor]) -> object:
        with torch.set_grad_enabled(arm[GRAD] == "enabled"):
            return functional.cross_entropy(model(batch[0]), batch[1])

    predicted = predicted_memory(build, forward, device=block.device)
    there = predicted.built_bytes
    return {
        "there": there / 1e6,
        "peak": predicted.peak_bytes / 1e6,
        "over_sum": predicted.peak_bytes / (there + one_layer(name, rows, block.device)),
        "over_inputs": predicted.peak_bytes / there,
    }


def one_layer(name: str, rows: int, device: str) -> int:
    """The bytes of what a layer is given and makes of it, at its peak, without its weights."""

    def build() -> tuple[nn.Module, Tensor]:
        return layer_of(name).eval(), torch.zeros(rows, TOKENS, WIDTH)

    def forward(layer: nn.Module, hidden: Tensor) -> object:
        with torch.no_grad():
            return layer(hidden)

    predicted = predicted_memory(build, forward, device=device)
    given = 4 * rows * TOKENS * WIDTH
    return predicted.peak_bytes - predicted.built_bytes + given


def evaluation_against_batch(table: pd.DataFrame) -> Figure:
    """The peak with and without a graph by batch, for both networks."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    for axes, net in zip(panels, (BERT, GPT2), strict=True):
        values = wide(table[table["net"] == net], index="batch", columns=["response", "grad"])
        _bars(axes, values / 1e3)
        axes.set_title(net)
        axes.set_xlabel(f"texts of {TOKENS} tokens in a batch")
    panels[0].set_ylabel("peak of a forward pass (GB)")
    panels[0].legend(loc="upper left")
    peaks = wide(
        table[(table["response"] == "peak") & table["batch"].isin(ORDINARY)],
        index=["net", "batch"],
        columns="grad",
    )
    ratio = (peaks["enabled"] / peaks["no_grad"]).drop(CACHING, errors="ignore")
    figure.suptitle(
        f"Evaluating with a graph takes {ratio.min():.1f} to {ratio.max():.1f} times the memory of "
        f"no_grad\nat batches of {min(ORDINARY)} to {max(ORDINARY)} (a bar: one prediction from "
        "the network's code)"
    )
    return figure


def _bars(axes: Axes, values: pd.DataFrame) -> None:
    for shift, grad, colour in ((-0.2, "enabled", ORANGE), (0.2, "no_grad", BLUE)):
        places = [place + shift for place in range(len(values))]
        axes.bar(places, values["peak", grad], width=0.4, color=colour, label=GRAD.words[grad])
    there = values["there", "no_grad"]
    axes.plot(range(len(there)), there, "_", color=BLACK, ms=46, mew=2, label="weights, inputs")
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


def _of_interest(arm: Arm) -> bool:
    """The cache at ordinary batches, where it is judged beside the claim."""
    return arm[NET] != CACHING or (arm[BATCH] in ORDINARY and arm[GRAD] == "no_grad")


EXPERIMENT = Experiment(
    question="Does no_grad slash the memory of evaluation, down to the weights and the batch?",
    factors=(NET, BATCH, GRAD),
    only=_of_interest,
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("there", "MB", "memory of weights, inputs and labels"),
        Response("peak", "MB", "peak of a forward pass"),
        Response(
            "over_sum",
            "1",
            "peak of a forward pass over the weights, the batch and the tensors of one layer",
        ),
        Response(
            "over_inputs", "1", "peak of a forward pass over the weights, inputs and labels alone"
        ),
    ),
    claims=CLAIMS,
    figures=(evaluation_against_batch,),
)
