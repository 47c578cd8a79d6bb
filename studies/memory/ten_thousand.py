"""Do 10,000 examples fit in the memory of an accelerator, all in one batch?

A step of training on the whole set in one batch, forward and backward, is predicted for three kinds
of example: rows of 784 numbers, colour images of 224 x 224, and texts of 128 tokens, each with a
shallow and a deep network. The prediction runs the networks on fake tensors, so that nothing has to
fit in this machine; ``prediction`` shows how far such a prediction is off.

The passage names neither model nor card. Judged are cards of 8, 24 and 80 GB, the range of those
that are sold for the purpose; a step does not fit where it needs a fifth more than the card has, or
beyond. The verdict speaks for these shapes in float32, without an optimiser's state, which does not
grow with the batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from harness import (
    Arm,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE, wide
from harness.libraries import functional, nn, torch
from harness.meters import predicted_memory
from harness.workloads import convnet, encoder, tower

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

EXAMPLES, CLEARLY, CLASSES = 10_000, 1.2, 10
WORDS, LENGTH, TOKEN_WIDTH = 30_000, 128, 256
CARDS = (8, 24, 80)

NUMBERS, IMAGES, TEXTS = KINDS = ("784 numbers", "image of 224 x 224", "text of 128 tokens")
KIND = Factor(
    "example",
    KINDS,
    words={
        NUMBERS: "rows of 784 numbers",
        IMAGES: "images of 224 x 224",
        TEXTS: "texts of 128 tokens",
    },
)
DEPTH = Factor(
    "depth", ("shallow", "deep"), words={"shallow": "shallow network", "deep": "deep network"}
)
CARD = Factor(
    "card", CARDS, label="card memory in GB", words={size: f"card of {size} GB" for size in CARDS}
)

#: What ``prepare`` predicts for each kind and depth: the bytes of the examples, and the peak.
Sizes: TypeAlias = dict[tuple[str, str], tuple[int, int]]

CLAIMS = (
    Claim(
        "C0.03",
        Value("over_card").always().along(CARD, judged=CARDS),
        at_least(CLEARLY),
        reading="A forward and backward pass over all 10,000 at once needs at least a fifth more "
        "memory than the card has, whatever the kind of example.",
        headline={"example": IMAGES, "depth": "deep", "card": 24},
    ),
)


def prepare(block: Block) -> Sizes:
    """Predict a forward and backward pass over all examples of each kind."""
    return {
        (kind, depth): predicted(kind, depth, block.device)
        for kind in KINDS
        for depth in DEPTH.levels
    }


def measure(sizes: Sizes, arm: Arm) -> Responses:
    """What was predicted, in GB (a thousand million bytes) and in cards."""
    data, peak = (size / 1e9 for size in sizes[arm[KIND], arm[DEPTH]])
    return {"data": data, "peak": peak, "over_card": peak / arm[CARD]}


def predicted(kind: str, depth: str, device: str) -> tuple[int, int]:
    """The bytes of the examples with their labels, and those of a pass at its peak."""

    def build() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
        return network(kind, deep=depth == "deep"), examples(kind)

    memory = predicted_memory(build, forward_and_backward, device=device)
    return memory.built_bytes - memory.parameter_bytes, memory.peak_bytes


def forward_and_backward(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    """One step without the optimiser."""
    functional.cross_entropy(model(batch[0]), batch[1]).backward()


def examples(kind: str) -> tuple[Tensor, Tensor]:
    """All examples of a kind, and their labels."""
    labels = torch.zeros(EXAMPLES, dtype=torch.long)
    if kind == TEXTS:
        return torch.zeros(EXAMPLES, LENGTH, dtype=torch.long), labels
    shape = (784,) if kind == NUMBERS else (3, 224, 224)
    return torch.empty(EXAMPLES, *shape), labels


def network(kind: str, *, deep: bool) -> nn.Module:
    """A classifier for a kind of example: 2 or 12 layers within, for images 2 or 5 stages."""
    depth = 12 if deep else 2
    if kind == NUMBERS:
        return nn.Sequential(
            nn.Linear(784, 512), nn.ReLU(), tower(depth, 512), nn.ReLU(), nn.Linear(512, CLASSES)
        )
    if kind == IMAGES:
        return convnet((64, 128, 256, 512, 512)[: 5 if deep else 2], CLASSES, batch_norm=False)
    return nn.Sequential(
        nn.Embedding(WORDS, TOKEN_WIDTH),
        encoder(depth, TOKEN_WIDTH),
        nn.Flatten(),
        nn.Linear(LENGTH * TOKEN_WIDTH, CLASSES),
    )


def peak_against_cards(table: pd.DataFrame) -> Figure:
    """The peak of a pass over all examples, with the cards as lines."""
    from matplotlib.figure import Figure

    rows = table[(table["response"] == "peak") & (table["card"] == CARDS[0])]
    peaks = wide(rows, index="example", columns="depth").reindex(KINDS)
    figure = Figure()
    axes = figure.subplots()
    axes.set_xscale("log")
    for shift, depth, colour in ((-0.15, "shallow", GREEN), (0.15, "deep", BLUE)):
        places = [place + shift for place in range(len(KINDS))]
        if depth in peaks:
            axes.plot(peaks[depth], places, "o", ms=14, color=colour, label=DEPTH.words[depth])
            for size, place in zip(peaks[depth], places, strict=True):
                axes.annotate(
                    f"{size:.2g}" if size < 10 else f"{size:.0f}",
                    (size, place),
                    (12, -6),
                    textcoords="offset points",
                    backgroundcolor="white",
                )
    for card in CARDS:
        axes.axvline(card, color=ORANGE, ls="--")
        axes.text(card, -0.55, f"{card} GB", ha="center", color=BLACK, backgroundcolor="white")
    axes.set_yticks(range(len(KINDS)), [KIND.words[kind] for kind in KINDS])
    axes.set_ylim(len(KINDS) - 0.5, -0.7)
    axes.set_xlim(0.05, 2000)
    ticks = (0.1, 1, 10, 100, 1000)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(visible=False)
    axes.set_xlabel("memory of a forward and backward pass over 10,000 examples (GB)")
    axes.legend(
        loc="lower left", title="a dot: one prediction", title_fontsize=16, alignment="left"
    )
    largest = peaks.max(axis=1)
    figure.suptitle(
        f"10,000 examples in one batch take {largest[NUMBERS]:.2g} GB as rows of 784 numbers\n"
        f"and {largest[IMAGES]:.0f} GB as images (deep networks; dashed: cards)"
    )
    return figure


EXPERIMENT = Experiment(
    question="Do 10,000 examples fit in the memory of an accelerator, all in one batch?",
    factors=(KIND, DEPTH, CARD),
    blocks=PerProfile(1, 1, 1),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("data", "GB", "memory of the examples themselves"),
        Response("peak", "GB", "peak of a pass over all examples"),
        Response("over_card", "cards", "memory that a pass over all examples takes"),
    ),
    claims=CLAIMS,
    figures=(peak_against_cards,),
)
