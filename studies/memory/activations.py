"""Are the activations of a 12-layer transformer two to three times its weights?

BERT base and GPT-2, whose 109 and 124 million parameters are about the 100 million of the passage,
pass batches of texts of 128 tokens forward in float32 with gradients enabled, in evaluation and in
training mode. What autograd keeps beside weights and batch is set against the weights. It grows
with the batch, and the weights do not: at some batch it passes through any multiple. The passage
names none; judged are batches of 8, 16 and 32, the ordinary ones of its own document, and shown are
the batches at which the claim holds. Texts of 512 tokens and a network of width 128 are beyond.

Nothing is computed: the networks' own code runs on fake tensors, which tell the same bytes.
Attention is torch's fused one, where a device has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    between,
)
from harness.figures import BLACK, BLUE, ORANGE, wide
from harness.libraries import nn, torch
from harness.meters import predicted_memory
from harness.workloads import encoder
from studies.memory.large import BERT, GPT2, ONE_DOT, TOKENS, large_batch, text_model

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

LEAST, MOST = 2.0, 3.0
LAYERS, WIDTH, LONG = 12, 128, 512
#: Batches of the document: 32 in its first chapters, 16 and 8 in its examples of small ones.
ORDINARY = (8, 16, 32)

SMALL = "encoder of width 128"
NET = Factor("net", (BERT, GPT2, SMALL))
MODE = Factor("mode", ("evaluation", "training"), words={"training": "training mode"})
LENGTH = Factor("length", (TOKENS, LONG), words={n: f"texts of {n} tokens" for n in (TOKENS, LONG)})
BATCH = Factor("batch", (4, 8, 12, 16, 24, 32), label="batch of")

OVER_WEIGHTS = Value("over_weights").always()

CLAIMS = (
    Claim(
        "C4.24",
        OVER_WEIGHTS.at(net=(BERT, GPT2), length=TOKENS).along(BATCH, judged=ORDINARY),
        between(LEAST, MOST),
        reading="What is kept for backward is 2 to 3 times the weights, for networks of 12 layers "
        "and some 100 million parameters at ordinary batches: 8, 16 and 32 texts of 128 tokens.",
        headline={"net": BERT, "mode": "evaluation", "batch": 16},
    ),
    Beyond(
        "C4.24",
        OVER_WEIGHTS.at(net=(BERT, GPT2), length=LONG),
        between(LEAST, MOST),
        why="texts as long as BERT can read at all; the passage says no length",
    ),
    Beyond(
        "C4.24",
        OVER_WEIGHTS.at(net=SMALL),
        between(LEAST, MOST),
        why="a network of 2 million parameters; the passage has 100 million",
    ),
    Control(
        "BERT base has about 110 million parameters",
        Value("parameters").at(net=BERT, mode="evaluation", length=TOKENS, batch=8).always(),
        between(108.0, 111.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Predict what a pass forward keeps."""
    predicted = predicted_memory(
        lambda: network_and_batch(arm), lambda model, x: model(x), device=block.device
    )
    return {
        "parameters": predicted.parameters / 1e6,
        "weights": predicted.parameter_bytes / 1e6,
        "activations": predicted.saved_bytes / 1e6,
        "over_weights": predicted.saved_bytes / predicted.parameter_bytes,
    }


def network_and_batch(arm: Arm) -> tuple[nn.Module, Tensor]:
    """The network of an arm in its mode, and its batch."""
    if arm[NET] == SMALL:
        model, x = encoder(LAYERS, WIDTH), torch.empty(arm[BATCH], arm[LENGTH], WIDTH)
    else:
        model, (x, _) = text_model(arm[NET]), large_batch(arm[NET], arm[BATCH], arm[LENGTH])
    return model.train(arm[MODE] == "training"), x


def activations_over_weights(table: pd.DataFrame) -> Figure:
    """Activations as a multiple of the weights, by batch, with the band that is claimed."""
    from matplotlib.figure import Figure

    rows = table[(table["length"] == TOKENS) & (table["response"] == "over_weights")]
    curves = wide(rows, index="batch", columns=["net", "mode"])
    figure = Figure()
    axes = figure.subplots()
    axes.axhspan(LEAST, MOST, color="#CCCCCC", zorder=0, label="claimed: 2 to 3 times")
    weights = table[table["response"] == "weights"].groupby("net")["value"].median()
    for net, colour in ((GPT2, ORANGE), (BERT, BLUE)):
        for mode, style in (("training", "s--"), ("evaluation", "o-")):
            if (net, mode) in curves:
                curve = curves[net, mode]
                axes.plot(curve.index, curve, style, color=colour)
                axes.lines[-1].set_label(f"{net} ({weights[net]:.0f} MB of weights), {mode} mode")
    judged = curves.loc[curves.index.isin(ORDINARY)].drop(columns=SMALL, errors="ignore")
    for batch in judged.index:
        axes.axvline(batch, color=BLACK, lw=1, ls=":", zorder=0)
    axes.set_xticks(curves.index, [f"{batch}\n({batch * TOKENS:,})" for batch in curves.index])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("texts in a batch (tokens); dotted: the batches judged")
    axes.set_ylabel("memory kept for backward / weights")
    axes.legend(loc="upper left", title=ONE_DOT, title_fontsize=16, alignment="left")
    figure.suptitle(
        f"Activations are {np.nanmin(judged):.1f} to {np.nanmax(judged):.0f} times the weights at "
        f"batches of {min(ORDINARY)} to {max(ORDINARY)}:\nas its batch grows, each network passes "
        "through 2 to 3 times"
    )
    return figure


def _of_interest(arm: Arm) -> bool:
    """Long texts and the small network at the batches judged, or fewer, in evaluation only."""
    if arm[NET] == SMALL:
        return arm[MODE] == "evaluation" and arm[LENGTH] == TOKENS and arm[BATCH] in ORDINARY
    if arm[LENGTH] == LONG:
        return arm[MODE] == "evaluation" and arm[BATCH] in (4, 8)
    return True


EXPERIMENT = Experiment(
    question="Are the activations of a 12-layer transformer two to three times its weights?",
    factors=(NET, MODE, BATCH, LENGTH),
    only=_of_interest,
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("parameters", "millions", "number of parameters"),
        Response("weights", "MB", "size of the weights"),
        Response("activations", "MB", "memory kept for backward"),
        Response("over_weights", "1", "memory kept for backward over that of the weights"),
    ),
    claims=CLAIMS,
    figures=(activations_over_weights,),
)
