"""Does no_grad decide whether a model of 7 billion parameters needs one accelerator or two?

The peak of a forward pass is predicted as in ``seven_billion``, with the weights in 16 bits, and
held against the memory of cards of 16 to 80 GB. The passage's 14 GB for the weights say 16 bits,
and its 28 GB with the graph a batch of about one sequence of 2,048 tokens; it names no card. Those
whose memory lies between the two numbers, of 16, 20 and 24 GB, are judged; larger cards hold both
and decide nothing. Two and four sequences are beyond the 28 GB.

It is arithmetic on predicted peaks: a card of 24 GB is taken to have 24 thousand million bytes to
give, about what is left of it when CUDA has taken its own.
"""

from __future__ import annotations

import math
from typing import TypeAlias

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
    equals,
)
from harness.meters import predicted_memory
from studies.memory.llama import forward, forward_without_graph, llama
from studies.memory.seven_billion import LENGTH

CLAIMED_GB, SIZES = (14.0, 28.0), (16, 20, 24, 32, 40, 48, 80)
BETWEEN = tuple(size for size in SIZES if CLAIMED_GB[0] < size < CLAIMED_GB[1])
ROWS = Factor(
    "rows",
    (1, 2, 4),
    words={
        1: "one sequence of 2,048 tokens",
        2: "two sequences of 2,048 tokens",
        4: "four sequences of 2,048 tokens",
    },
)
CARD = Factor(
    "card", SIZES, label="card memory in GB", words={size: f"card of {size} GB" for size in SIZES}
)

#: What ``prepare`` predicts for each number of sequences: the peak without and with a graph.
Peaks: TypeAlias = dict[int, tuple[float, float]]

CLAIMS = (
    Claim(
        "C4.28",
        Value("decides").at(rows=1).always().along(CARD, judged=BETWEEN),
        equals(1.0),
        reading="There is a card, of a size between the two numbers of the passage, of which one "
        "is enough under no_grad, and one is not with the graph.",
        headline={"card": 24},
    ),
    Beyond(
        "C4.28",
        Value("decides").at(rows=(2, 4)).always(),
        equals(1.0),
        why="a batch whose graph takes more than the passage's 28 GB less 14",
    ),
    Control(
        "without a graph the peak is about the 14 GB of the weights",
        Value("without_graph").at(rows=1, card=24).always(),
        between(13.0, 16.0),
    ),
)


def prepare(block: Block) -> Peaks:
    """Predict the peaks, in GB (a thousand million bytes)."""
    return {rows: peaks(rows, block.device) for rows in ROWS.levels}


def peaks(rows: int, device: str) -> tuple[float, float]:
    """Of a forward pass without and with a graph."""
    model = llama("bfloat16", rows, LENGTH)
    without, with_graph = (
        predicted_memory(model, step, device=device).peak_bytes / 1e9
        for step in (forward_without_graph, forward)
    )
    return without, with_graph


def measure(found: Peaks, arm: Arm) -> Responses:
    """How many cards of a size each pass takes."""
    without, with_graph = found[arm[ROWS]]
    cards = [math.ceil(peak / arm[CARD]) for peak in (without, with_graph)]
    return {
        "without_graph": without,
        "with_graph": with_graph,
        "cards_without_graph": float(cards[0]),
        "cards_with_graph": float(cards[1]),
        "decides": float(cards[0] == 1 < cards[1]),
    }


EXPERIMENT = Experiment(
    question="Does no_grad decide whether a model of 7 billion parameters needs a second card?",
    factors=(ROWS, CARD),
    blocks=PerProfile(1, 1, 1),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("without_graph", "GB", "peak of a forward pass under no_grad"),
        Response("with_graph", "GB", "peak of a forward pass with gradients enabled"),
        Response("cards_without_graph", "cards", "cards that it takes under no_grad"),
        Response("cards_with_graph", "cards", "cards that it takes with gradients enabled"),
        Response("decides", "yes/no", "one card is enough under no_grad, and not with a graph"),
    ),
    claims=CLAIMS,
)
