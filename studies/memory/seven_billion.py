"""Can the graph of a model of 7 billion parameters take 20 GB and more?

The code of Llama, with the 6.74 billion parameters it has by default, passes sequences of 512
tokens forward on fake tensors, with gradients enabled and under ``no_grad``, with weights in 32 and
in 16 bits. What autograd keeps beside the weights is the graph's share. The same code with a few
layers, which fit, is measured for real in every arm: prediction and measurement must agree.

The verdict speaks for torch's fused attention; one that writes its scores out keeps more.
"""

from __future__ import annotations

import math
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
    at_most,
    between,
    equals,
)
from harness.figures import BLUE, ORANGE, SKY
from harness.meters import measured_memory, predicted_memory
from studies.memory.llama import SMALL, forward, forward_without_graph, llama

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LENGTH, SMALL_LENGTH, GRAPH_GB = 512, 64, 20.0
#: The batch size of the document's own example, with such sequences.
COMMON_TOKENS = 32 * LENGTH
#: Memory of cards that are sold for the purpose, in GB, for the eye only.
CARDS = (24, 80)

PRECISION = Factor("precision", ("float32", "bfloat16"))
GRAD = Factor("grad", ("enabled", "no_grad"), control="no_grad")
ROWS = Factor("rows", (1, 8))

CLAIMS = (
    Claim(
        "C4.07",
        Value("tokens_for_20_gb").at(grad="enabled").always(),
        at_most(float(COMMON_TOKENS)),
        reading="It can: a common batch is enough for a graph of 20 GB, no more than 32 sequences "
        "of 512 tokens. The graph grows in proportion to the tokens.",
    ),
    Control(
        "the model has 7 billion parameters, rounded",
        Value("parameters").at(precision="bfloat16", grad="enabled", rows=1).always(),
        between(6.5, 7.5),
    ),
    Control(
        "what is predicted for a small model is what is measured",
        Value("small_model_off").always(),
        equals(0.0, within=0.01),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Predict a pass forward of the large model; predict and measure one of a small model."""
    step = forward if arm[GRAD] == "enabled" else forward_without_graph
    large = predicted_memory(llama(arm[PRECISION], arm[ROWS], LENGTH), step, device=block.device)
    small = llama(arm[PRECISION], arm[ROWS], SMALL_LENGTH, SMALL)
    measured = measured_memory(small, step, device=block.device).peak_bytes
    predicted = predicted_memory(small, step, device=block.device).peak_bytes
    graph, tokens = large.saved_bytes / 1e9, arm[ROWS] * LENGTH
    return {
        "parameters": large.parameters / 1e9,
        "weights": large.parameter_bytes / 1e9,
        "graph": graph,
        "peak": large.peak_bytes / 1e9,
        "tokens_for_20_gb": tokens * GRAPH_GB / graph if graph else math.nan,
        "small_model_off": predicted / measured - 1,
    }


def seven_billion_parameters(table: pd.DataFrame) -> Figure:
    """Weights, graph and the rest of the peak, for two batches and precisions."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    for axes, precision in zip(panels, PRECISION.levels, strict=True):
        values = table[table["precision"] == precision].pivot_table(
            index=["rows", "grad"], columns="response", values="value"
        )
        _stack(axes, values)
        axes.set_title(f"weights in {precision}")
    for card in CARDS:
        panels[1].text(-0.6, card + 0.5, f"card of {card} GB", size=14)
    panels[0].set_ylabel("memory of a forward pass (GB)")
    panels[1].legend(loc="upper right", bbox_to_anchor=(1, 0.93))
    one = (table["precision"] == "bfloat16") & (table["grad"] == "enabled")
    most = table[one & (table["rows"] == max(ROWS.levels))].set_index("response")["value"]
    figure.suptitle(
        f"{most['parameters']:.2f} billion parameters take {most['weights']:.1f} GB in bfloat16;\n"
        f"the graph of {max(ROWS.levels) * LENGTH:,} tokens adds {most['graph']:.1f} GB "
        "(predicted from the model's code)"
    )
    return figure


def _stack(axes: Axes, values: pd.DataFrame) -> None:
    arms = [(rows, grad) for rows in ROWS.levels for grad in GRAD.levels]
    ordered = values.loc[arms]
    rest = ordered["peak"] - ordered["weights"] - ordered["graph"]
    floor = 0 * rest
    parts = (
        ("weights", ordered["weights"], BLUE),
        ("graph", ordered["graph"], ORANGE),
        ("rest, mostly cached keys and values", rest, SKY),
    )
    for label, part, colour in parts:
        axes.bar(range(len(arms)), part, bottom=floor, color=colour, label=label, width=0.7)
        floor += part
    for card in CARDS:
        axes.axhline(card, color="black", ls="--", lw=1.5)
    names = [f"{rows * LENGTH:,}\n{'grad' if grad == 'enabled' else grad}" for rows, grad in arms]
    axes.set_xticks(range(len(arms)), names, size=16)
    axes.set_ylim(0, 1.08 * max(CARDS))
    axes.set_xlim(-0.7, len(arms) - 0.4)
    axes.set_xlabel("tokens in the batch")
    axes.grid(axis="x", visible=False)


EXPERIMENT = Experiment(
    question="Can the graph of a model of 7 billion parameters take 20 GB and more?",
    factors=(PRECISION, GRAD, ROWS),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("parameters", "billions", "parameters"),
        Response("weights", "GB", "weights"),
        Response("graph", "GB", "graph"),
        Response("peak", "GB", "peak"),
        Response("tokens_for_20_gb", "tokens", "tokens for 20 gb"),
        Response("small_model_off", "1", "small model off"),
    ),
    claims=CLAIMS,
    figures=(seven_billion_parameters,),
)
