"""What does one dropout layer do to one input in train mode?

``nn.Dropout(p)`` in train mode meets the same input again and again. Counted are the units it sets
to zero, the factor by which it scales the survivors, and how often two passes in a row agree bit
for bit. The input of four units is the worked example of document C; the longer ones are random
and free of zeros, so that every zero in an output is dropout's.

Whether two passes agree is a matter of how many units there are to drop: with masks that are drawn
unit by unit, two passes agree with probability ((1 - p)^2 + p^2)^n. Hence the width is a factor.
"Each pass is different" is judged on layers wide enough that some thirty units are dropped, as in
any real network, and on the document's own example of four units where that is what it speaks of;
narrower layers, and p = 0.001, are shown beyond the words.

Masks are independent from row to row, so that R passes over one input are one pass over the input
repeated R times. The verdicts speak for the layer alone; networks are judged in `repeated_eval.py`.
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
    equals,
    more_than,
)
from harness.figures import BLUE, GREEN, ORANGE, median_interval, told
from harness.libraries import nn, torch

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

EXAMPLE = (0.8, 1.2, 0.3, 0.9)
PRINTED_FIRST = (1.6, 0.0, 0.6, 0.0)
PRINTED_SECOND = (0.0, 2.4, 0.0, 1.8)

FOUR = len(EXAMPLE)
P = Factor("p", (0.0, 0.001, 0.1, 0.5), control=0.0)
SIZE = Factor(
    "size",
    (FOUR, 32, 256, 4096),
    label="layer width",
    words={FOUR: "the document's four values"},
)
ACTIVE, USUAL = (0.001, 0.1, 0.5), (0.1, 0.5)
WIDER = (32, 256, 4096)
MEANT = (256, 4096)  # some thirty dropped units or more, at p = 0.1

MOST_PASSES, MOST_ELEMENTS, RESEEDED_PAIRS = 20_000, 100_000, 5

RESPONSES = (
    Response("zeroed", "1", "share of units set to zero"),
    Response("changed", "1", "share of passes whose output is not the input"),
    Response("half_zeroed", "1", "share of passes that zero exactly half of the units"),
    Response("equal_pairs", "1", "share of passes that repeat the pass before, bit for bit"),
    Response("scaling_error", "1", "largest relative distance of a survivor from x / (1 - p)"),
    Response("printed_first", "1", "share of passes that give 1.6, 0, 0.6, 0"),
    Response("printed_second", "1", "share of passes that give 0, 2.4, 0, 1.8"),
    Response("outcomes", "masks", "number of different masks"),
    Response("reseeded_equal_pairs", "1", "share of reseeded passes that repeat the first"),
)

NEVER_AGAIN = "No pass over one input repeats the output of the pass before, bit for bit."
TINY_P = "p = 0.001, which nobody trains with"
OTHER_WIDTH = "other inputs than the four printed values"

CLAIMS = (
    Claim(
        "A-train-1",
        Value("zeroed").at(p=USUAL).always(),
        more_than(0.0),
        reading="Active with p above 0: over many passes some units are set to zero.",
        headline={"p": 0.1, "size": 256},
    ),
    Beyond(
        "A-train-1",
        Value("zeroed").at(p=0.001).always(),
        more_than(0.0),
        why=TINY_P,
    ),
    Claim(
        "A-train-1",
        Value("changed").at(p=0.0).always(),
        equals(0.0),
        reading="Inert with p = 0: no pass changes a bit of its input.",
    ),
    Claim(
        "A-train-4",
        Value("equal_pairs").at(p=USUAL).along(SIZE, judged=MEANT).always(),
        equals(0.0),
        reading=NEVER_AGAIN,
        headline={"p": 0.1, "size": 256},
    ),
    Beyond(
        "A-train-4",
        Value("equal_pairs").at(p=0.001).always(),
        equals(0.0),
        why=TINY_P,
        reading=NEVER_AGAIN,
    ),
    Claim(
        "C4.12",
        Value("equal_pairs").at(p=0.5, size=WIDER).along(SIZE, judged=MEANT).always(),
        equals(0.0),
        reading=NEVER_AGAIN,
    ),
    Claim(
        "C4.12",
        Value("equal_pairs").at(p=0.5, size=FOUR).always(),
        equals(0.0),
        reading=NEVER_AGAIN + " Said of this example in so many words.",
        headline=True,
    ),
    Claim(
        "C4.10",
        Value("zeroed").at(p=0.5).along(SIZE, judged=WIDER),
        equals(0.5, within=0.01),
        reading="Half of the units are zeroed on average over many passes, to a percentage point.",
        headline={"size": 256},
    ),
    Beyond(
        "C4.10",
        Value("half_zeroed").at(p=0.5).always(),
        equals(1.0),
        why="exactly half of the units in each single pass, where the passage gives a rate",
        reading="Each pass zeroes exactly half of the units.",
    ),
    Claim(
        "C4.11",
        Value("scaling_error").at(p=0.5, size=FOUR).always(),
        equals(0.0),
        reading="Survivors are doubled: no survivor is off by a bit, since doubling is exact.",
        headline=True,
    ),
    Claim(
        "C4.11",
        Value("printed_first").at(p=0.5, size=FOUR).always(),
        more_than(0.0),
        reading="The first printed outcome occurs, bit for bit.",
    ),
    Claim(
        "C4.11",
        Value("printed_second").at(p=0.5, size=FOUR).always(),
        more_than(0.0),
        reading="The second printed outcome occurs, bit for bit.",
    ),
    Beyond(
        "C4.11",
        Value("scaling_error").at(p=0.5, size=WIDER).always(),
        equals(0.0),
        why=OTHER_WIDTH,
    ),
    Beyond(
        "C4.11",
        Value("scaling_error").at(p=(0.001, 0.1)).always(),
        equals(0.0, within=1e-6),
        why="other p than one half",
        reading="Survivors are scaled by 1 / (1 - p), to the rounding of float32.",
    ),
    Control(
        "a reseeded pass repeats the pass before",
        Value("reseeded_equal_pairs").always(),
        equals(1.0),
    ),
    Control(
        "all 16 masks of four units occur at p = 0.5",
        Value("outcomes").at(p=0.5, size=FOUR).always(),
        equals(16.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Pass one input through the layer many times and count."""
    p, size = arm[P], arm[SIZE]
    x = input_of(size, block.device)
    layer = nn.Dropout(p).train()
    outputs = layer(x.repeat(passes_at(size), 1))
    dropped, survivors = outputs == 0, x.double() / (1 - p)
    error = ((outputs.double() - survivors) / survivors).abs().masked_fill(dropped, 0.0)
    return {
        "zeroed": dropped.double().mean().item(),
        "changed": _share((outputs != x).any(dim=1)),
        "half_zeroed": _share(dropped.sum(dim=1) * 2 == size),
        "equal_pairs": _share((outputs[1:] == outputs[:-1]).all(dim=1)),
        "scaling_error": error.max().item(),
        "printed_first": _share_of_rows(outputs, PRINTED_FIRST),
        "printed_second": _share_of_rows(outputs, PRINTED_SECOND),
        "outcomes": float(len({mask.tobytes() for mask in dropped.cpu().numpy()})),
        "reseeded_equal_pairs": reseeded_equal_pairs(layer, x, block.seed),
    }


def input_of(size: int, device: str) -> Tensor:
    """The example of the document, or as many units between 0.1 and 1.1."""
    if size == len(EXAMPLE):
        return torch.tensor(EXAMPLE, device=device)
    return torch.rand(size, device=device) + 0.1


def passes_at(size: int) -> int:
    """How many passes are made over an input of a size."""
    return min(MOST_PASSES, MOST_ELEMENTS // size)


def reseeded_equal_pairs(layer: nn.Module, x: Tensor, seed: int) -> float:
    """The share of passes that repeat the first one when each starts from the same seed."""

    def reseeded() -> Tensor:
        torch.manual_seed(seed)
        output: Tensor = layer(x)
        return output

    first = reseeded()
    return sum(torch.equal(reseeded(), first) for _ in range(RESEEDED_PAIRS)) / RESEEDED_PAIRS


def _share(events: Tensor) -> float:
    return events.double().mean().item()


def _share_of_rows(outputs: Tensor, printed: tuple[float, ...]) -> float:
    if outputs.shape[1] != len(printed):
        return 0.0
    return _share((outputs == torch.tensor(printed, device=outputs.device)).all(dim=1))


def expected_equal_share(p: float, size: float) -> float:
    """How often two passes agree if each unit is dropped independently of the others."""
    return float(((1 - p) ** 2 + p**2) ** size)


def equal_passes(table: pd.DataFrame) -> Figure:
    """How often two train-mode passes agree, by size and p, with the closed form."""
    from matplotlib.figure import Figure

    rows = table[table["response"] == "equal_pairs"]
    figure = Figure()
    axes = figure.subplots()
    sizes = np.geomspace(SIZE.levels[0], SIZE.levels[-1], 200)
    for p, colour, marker in zip(ACTIVE, (BLUE, GREEN, ORANGE), "osD", strict=True):
        axes.plot(sizes, [expected_equal_share(p, n) for n in sizes], color=colour, alpha=0.5)
        for size in SIZE.levels:
            values = rows.loc[(rows["p"] == p) & (rows["size"] == size), "value"]
            middle = median_interval(values.to_numpy(np.float64))
            axes.plot(size, middle.estimate, marker, color=colour, markersize=12)
            axes.plot([size, size], [middle.low, middle.high], color=colour, linewidth=5)
            if middle.estimate > LABELLED:
                axes.annotate(
                    f"{middle.estimate:.1%}",
                    (size, middle.estimate),
                    xytext=(14, 8),
                    textcoords="offset points",
                )
        axes.plot([], [], marker=marker, color=colour, markersize=12, label=f"p = {p:g}")
    axes.legend(loc="upper right", bbox_to_anchor=(1.0, 0.82), fontsize=18)
    axes.axvspan(MEANT[0] / 1.4, MEANT[1] * 1.4, color="#EEEEEE", zorder=0)
    axes.text(5000, 0.35, "judged (p = 0.1 and 0.5)", ha="right", fontsize=16)
    axes.set_xscale("log", base=2)
    axes.set_xticks(SIZE.levels, [str(size) for size in SIZE.levels])
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_ylim(-0.02, 1.1)
    axes.set_xlabel("units in the layer")
    axes.set_ylabel("passes equal to the pass before")
    axes.set_title(_headline(rows))
    note = (
        f"points: medians of {rows['block'].nunique()} blocks, with 99 % intervals,\n"
        f"{passes_at(SIZE.levels[0]):,} passes a block at 4 units, {passes_at(SIZE.levels[-1])} at "
        f"{SIZE.levels[-1]}\nlines: ((1 - p)² + p²)ⁿ for n units"
    )
    axes.text(0.99, 0.97, note, transform=axes.transAxes, ha="right", va="top", fontsize=16)
    return figure


LABELLED = 0.02  # shares above this are written beside their mark


def _headline(rows: pd.DataFrame) -> str:
    """What happens in wide layers, and in the example of four units."""
    wide = rows[rows["p"].isin(USUAL) & rows["size"].isin(MEANT)]
    example = rows.loc[(rows["p"] == 0.5) & (rows["size"] == FOUR), "value"]
    return (
        f"Dropout in train mode repeats a pass in {100 * wide['value'].max():.2g} % of cases at "
        f"{MEANT[0]} units or more;\nof the document's four units in "
        f"{told(100 * example, '.1f', '%')}"
    )


EXPERIMENT = Experiment(
    question="What does one dropout layer do to one input in train mode?",
    factors=(P, SIZE),
    blocks=PerProfile(8, 20, 40),
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(equal_passes,),
)
