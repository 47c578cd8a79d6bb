"""Are the activations of a 12-layer transformer two to three times its weights?

Two encoders of 12 layers in float32 pass batches of several sizes and lengths forward in eval mode
with gradients enabled: a small one of width 128, and one with the shape of BERT base, whose 110
million parameters are about the 100 million of the example. What autograd keeps beside weights and
batch is set against the weights. It grows with batch and length, and the weights do not: at some
number of tokens it passes through any multiple.

Nothing is computed: the networks' own code runs on fake tensors, which tell the same bytes.
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
    between,
)
from harness.figures import BLUE, ORANGE
from harness.libraries import nn, torch, transformers
from harness.meters import predicted_memory
from harness.workloads import encoder

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

LEAST, MOST = 2.0, 3.0
LAYERS, WIDTH = 12, 128

SMALL, BERT = SHAPES = ("width 128", "BERT base")
SHAPE = Factor("shape", SHAPES)
BATCH = Factor("batch", (1, 8, 32))
LENGTH = Factor("length", (128, 512))

CLAIMS = (
    Claim(
        "C4.24",
        Value("over_weights").always(),
        between(LEAST, MOST),
        reading="What is kept for backward is 2 to 3 times the weights, at each batch and length.",
    ),
    Control(
        "BERT base has about 110 million parameters",
        Value("parameters").at(shape=BERT, batch=1, length=128).always(),
        between(108.0, 111.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Predict what a pass forward keeps."""

    def build() -> tuple[nn.Module, Tensor]:
        if arm[SHAPE] == BERT:
            model: nn.Module = transformers.BertModel(transformers.BertConfig())
            return model.eval(), torch.zeros(arm[BATCH], arm[LENGTH], dtype=torch.long)
        return encoder(LAYERS, WIDTH).eval(), torch.empty(arm[BATCH], arm[LENGTH], WIDTH)

    predicted = predicted_memory(build, lambda model, x: model(x), device=block.device)
    return {
        "parameters": predicted.parameters / 1e6,
        "activations": predicted.saved_bytes / 1e6,
        "over_weights": predicted.saved_bytes / predicted.parameter_bytes,
    }


def activations_over_weights(table: pd.DataFrame) -> Figure:
    """Activations as a multiple of the weights, by tokens in the batch."""
    from matplotlib.figure import Figure

    values = table.pivot_table(
        index=["shape", "batch", "length"], columns="response", values="value"
    ).reset_index()
    values["tokens"] = values["batch"] * values["length"]
    figure = Figure()
    axes = figure.subplots()
    axes.axhspan(LEAST, MOST, color="#CCCCCC", zorder=0)
    axes.text(values["tokens"].max(), (LEAST * MOST) ** 0.5, "claimed", va="center", ha="right")
    for shape, colour in ((SMALL, BLUE), (BERT, ORANGE)):
        rows = values[values["shape"] == shape].sort_values("tokens")
        size = rows["parameters"].iloc[0]
        label = f"{shape}, {size:.1f} million parameters"
        axes.plot(rows["tokens"], rows["over_weights"], "o", color=colour, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    tokens = sorted(values["tokens"].unique())
    axes.set_xticks(tokens, [f"{count:,}" for count in tokens])
    multiples = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
    axes.set_yticks(multiples, [f"{multiple:g}" for multiple in multiples])
    axes.minorticks_off()
    axes.set_xlabel("tokens in the batch (rows x length)")
    axes.set_ylabel("activations / weights")
    axes.legend(loc="upper left")
    ratio = values["over_weights"]
    figure.suptitle(
        f"Activations of a {LAYERS}-layer transformer are {ratio.min():.1f} to {ratio.max():.0f} "
        "times its weights:\nthey grow with the tokens in a batch (predicted from the models' code)"
    )
    return figure


EXPERIMENT = Experiment(
    question="Are the activations of a 12-layer transformer two to three times its weights?",
    factors=(SHAPE, BATCH, LENGTH),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("parameters", "millions", "parameters"),
        Response("activations", "MB", "activations"),
        Response("over_weights", "1", "over weights"),
    ),
    claims=CLAIMS,
    figures=(activations_over_weights,),
)
