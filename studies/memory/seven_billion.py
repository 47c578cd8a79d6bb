"""Can the graph of a model of 7 billion parameters take 20 GB and more?

The code of Llama, with the 6.74 billion parameters it has by default, passes one to eight sequences
of 2,048 tokens forward on fake tensors, with gradients enabled and under ``no_grad``, with weights
in 32 and in 16 bits. What autograd keeps beside the weights is the graph's share. The same code
with two layers, which fit, is measured for real as well: prediction and measurement must agree.

The passage says that it can; one ordinary batch is enough for that. It names neither batch nor
precision, and sequences of 2,048 tokens are what this model was made for. The verdict speaks for
torch's fused attention; one that writes its scores out keeps more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
    at_least,
    between,
    equals,
)
from harness.figures import BLUE, ORANGE, SKY, wide
from harness.meters import measured_memory, predicted_memory
from studies.memory.llama import SMALL, forward, forward_without_graph, llama

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LENGTH, GRAPH_GB = 2048, 20.0
SMALL_ROWS, SMALL_LENGTH = 2, 64
#: Memory of cards that are sold for the purpose, in GB, for the eye only.
CARDS = (24, 80)

PRECISION = Factor(
    "precision",
    ("float32", "bfloat16"),
    words={"float32": "32 bits", "bfloat16": "16 bits"},
)
GRAD = Factor(
    "grad",
    ("enabled", "no_grad"),
    control="no_grad",
    words={"enabled": "gradients enabled", "no_grad": "no_grad"},
)
ROWS = Factor(
    "rows",
    (1, 2, 4, 8),
    label="sequences",
    words={1: "one sequence of 2,048 tokens"}
    | {n: f"{n} sequences of 2,048 tokens" for n in (2, 4, 8)},
)
#: Without a graph these are enough to see what remains.
WITHOUT = (1, 4)

STEPS = {"enabled": forward, "no_grad": forward_without_graph}

CLAIMS = (
    Claim(
        "C4.07",
        Value("graph").at(grad="enabled").always().along(ROWS, judged=ROWS.levels),
        at_least(GRAPH_GB),
        reading="It can: with one of the ordinary batches, one to eight sequences of 2,048 tokens "
        "in 16 or 32 bits, the graph alone takes 20 GB or more.",
        headline={"precision": "bfloat16", "rows": 4},
    ),
    Control(
        "the model has 7 billion parameters, rounded",
        Value("parameters").at(precision="bfloat16", grad="enabled", rows=1).always(),
        between(6.5, 7.5),
    ),
    Control(
        "what is predicted for a small model is what is measured",
        Value("small_model_off").at(rows=1).always(),
        equals(0.0, within=0.01),
    ),
)


class Cell(NamedTuple):
    """A block, and how far off the prediction of a small model is by precision and gradients."""

    block: Block
    small_models_off: dict[tuple[str, str], float]


def prepare(block: Block) -> Cell:
    """Predict and measure a small model of the kind, in every precision and with and without."""
    return Cell(
        block,
        {
            (precision, grad): small_model_off(precision, grad, block.device)
            for precision in PRECISION.levels
            for grad in GRAD.levels
        },
    )


def small_model_off(precision: str, grad: str, device: str) -> float:
    """How far off the prediction is, as a share of what is measured."""
    small = llama(precision, SMALL_ROWS, SMALL_LENGTH, SMALL)
    step = STEPS[grad]
    measured = measured_memory(small, step, device=device).peak_bytes
    return predicted_memory(small, step, device=device).peak_bytes / measured - 1


def measure(cell: Cell, arm: Arm) -> Responses:
    """Predict a pass forward of the large model."""
    large = predicted_memory(
        llama(arm[PRECISION], arm[ROWS], LENGTH), STEPS[arm[GRAD]], device=cell.block.device
    )
    return {
        "parameters": large.parameters / 1e9,
        "weights": large.parameter_bytes / 1e9,
        "graph": large.saved_bytes / 1e9,
        "peak": large.peak_bytes / 1e9,
        "small_model_off": cell.small_models_off[arm[PRECISION], arm[GRAD]],
    }


def seven_billion_parameters(table: pd.DataFrame) -> Figure:
    """Weights, graph and the rest of the peak, for two batches and precisions."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    for axes, precision in zip(panels, PRECISION.levels, strict=True):
        values = wide(
            table[table["precision"] == precision], index=["rows", "grad"], columns="response"
        )
        _stack(axes, values)
        axes.set_title(f"weights in {PRECISION.words[precision]}")
    for card in CARDS:
        panels[1].text(3.7, card, f"card of\n{card} GB", size=14, va="center")
    panels[0].set_ylabel("memory of a forward pass (GB)")
    panels[1].legend(loc="upper left")
    with_graph = table[(table["response"] == "graph") & (table["grad"] == "enabled")]
    sixteen = with_graph[with_graph["precision"] == "bfloat16"]
    by_tokens = sixteen["value"] / (sixteen["rows"] * LENGTH)
    figure.suptitle(
        f"In 16 bits the graph of a 7B model reaches {GRAPH_GB:.0f} GB at "
        f"{GRAPH_GB / by_tokens.median():,.0f} tokens:\n{sixteen['value'].min():.0f} GB for one "
        f"sequence of {LENGTH:,}, {sixteen['value'].max():.0f} GB for {max(ROWS.levels)} (a bar: "
        "one prediction)"
    )
    return figure


def _stack(axes: Axes, values: pd.DataFrame) -> None:
    arms = [(rows, grad) for rows in WITHOUT for grad in GRAD.levels]
    ordered = values.reindex(arms)
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
    axes.set_xlim(-0.6, len(arms) - 0.4)
    axes.set_xlabel("tokens in the batch")
    axes.grid(axis="x", visible=False)


def _of_interest(arm: Arm) -> bool:
    """All batches with a graph, and some without."""
    return arm[GRAD] == "enabled" or arm[ROWS] in WITHOUT


EXPERIMENT = Experiment(
    question="Can the graph of a model of 7 billion parameters take 20 GB and more?",
    factors=(PRECISION, GRAD, ROWS),
    only=_of_interest,
    blocks=PerProfile(1, 1, 1),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("parameters", "billions", "number of parameters"),
        Response("weights", "GB", "memory of the weights"),
        Response("graph", "GB", "memory of the graph"),
        Response("peak", "GB", "peak of a forward pass"),
        Response(
            "small_model_off", "1", "relative error of the prediction for a small model of the kind"
        ),
    ),
    claims=CLAIMS,
    figures=(seven_billion_parameters,),
)
