"""Which units does dropout zero in train mode, and what does it do to the others?

``nn.Dropout(p)`` meets one input again and again: the share of units that it zeroes, whether a pass
ever zeroes none, and how far survivors are from x / (1 - p). Inputs are free of zeros and have both
signs, so that every zero in an output is dropout's. The share is a rate: it has to be right on
average to one percentage point, as for C4.10, whose widths and margin these are; that each pass
zeroes exactly that share is nowhere said, and shown beside. "In every forward pass" is judged on
layers so wide that a pass which zeroes nothing is out of the question.
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
from harness.figures import BLUE, GREEN, ORANGE, PURPLE, draw_blocks, told
from harness.libraries import nn, torch
from studies.eval_variance.dropout_layer import MEANT, WIDER, input_of, passes_at

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

USUAL, HIGH = (0.1, 0.3, 0.5), 0.9
P = Factor("p", (*USUAL, HIGH))
WIDTH = Factor("width", WIDER, label="layer width")
SINGLE, HALVES = "float32", {"bfloat16": 2**-7, "float16": 2**-10}
DTYPE = Factor("dtype", (SINGLE, *HALVES), label="number format", words={SINGLE: ""})
ROUNDING = 1e-6  # x * (1 / (1 - p)) and x / (1 - p) are rounded differently
ONE_POINT = 0.01

SHARE = "On average over many passes a share p of the units is zeroed, to one percentage point."
SCALED = "Every survivor is x / (1 - p), to the rounding of the number format."

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            "A-train-2",
            Value("zeroed").at(p=p, dtype=SINGLE).along(WIDTH, judged=WIDER),
            equals(p, within=ONE_POINT),
            reading=SHARE,
            headline={"width": 256} if p == 0.5 else False,
        )
        for p in USUAL
    ),
    Claim(
        "A-train-2",
        Value("idle").at(p=USUAL, dtype=SINGLE).along(WIDTH, judged=MEANT).always(),
        equals(0.0),
        reading="In every forward pass: no pass leaves all units as they are.",
    ),
    Beyond(
        "A-train-2",
        Value("zeroed").at(p=HIGH, dtype=SINGLE),
        equals(HIGH, within=ONE_POINT),
        why="p = 0.9, which is no usual rate",
        reading=SHARE,
    ),
    Beyond(
        "A-train-2",
        Value("exact").at(p=USUAL, dtype=SINGLE).always(),
        equals(1.0),
        why="the exact number in each pass, where the passage gives a share",
        reading="Each pass zeroes exactly the share p of the units, rounded to whole units.",
    ),
    Claim(
        "D-drop-4",
        Value("scaling_error").at(dtype=SINGLE).always(),
        equals(0.0, within=ROUNDING),
        reading=SCALED,
        headline={"p": 0.5, "width": 256},
    ),
    *(
        Beyond(
            "D-drop-4",
            Value("scaling_error").at(dtype=dtype).always(),
            equals(0.0, within=rounding),
            why="half precision",
            reading=SCALED,
        )
        for dtype, rounding in HALVES.items()
    ),
    Control(
        "survivors that are left alone are seen",
        Value("unscaled_error").at(dtype=SINGLE).always(),
        more_than(0.05),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Pass one input through the layer many times and count."""
    p, width = arm[P], arm[WIDTH]
    dtype: torch.dtype = getattr(torch, arm[DTYPE])
    signs = torch.randint(2, (width,), device=block.device) * 2 - 1
    x = (input_of(width, block.device) * signs).to(dtype)
    outputs = nn.Dropout(p).train()(x.repeat(passes_at(width), 1))
    dropped = outputs == 0
    zeroes = dropped.sum(dim=1)

    def furthest(survivors: torch.Tensor) -> float:
        errors = ((outputs.double() - survivors) / survivors).abs().masked_fill(dropped, 0.0)
        return float(errors.max())

    return {
        "zeroed": dropped.double().mean().item(),
        "idle": (zeroes == 0).double().mean().item(),
        "exact": (zeroes == round(p * width)).double().mean().item(),
        "scaling_error": furthest(x.double() / (1 - p)),
        "unscaled_error": furthest(x.double()),
    }


def spread_of_the_share(table: pd.DataFrame) -> Figure:
    """How often a pass zeroes exactly its share of the units, by width."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.set_xscale("log", base=2)
    at = (table["response"] == "exact") & (table["dtype"] == SINGLE)
    marks = zip(P.levels, (BLUE, GREEN, ORANGE, PURPLE), (0.85, 0.95, 1.06, 1.18), strict=True)
    for p, colour, shift in marks:
        for width in WIDTH.levels:
            rows = table[at & (table["p"] == p) & (table["width"] == width)]
            values = rows["value"].to_numpy(np.float64)
            label = f"p = {p:g}" if width == WIDTH.levels[0] else None
            draw_blocks(axes, width * shift, values, colour=colour, width=0.03, label=label)
    axes.set_xticks(WIDTH.levels, [f"{width:,}" for width in WIDTH.levels])
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_xlabel("units in the layer")
    axes.set_ylabel("passes that zero exactly p n units")
    axes.legend()
    half = (table["p"] == 0.5) & (table["width"] == 256) & (table["dtype"] == SINGLE)
    share = 100 * table[half & (table["response"] == "zeroed")]["value"]
    exact = 100 * table[half & (table["response"] == "exact")]["value"]
    axes.set_title(
        f"p = 0.5 zeroes {told(share, '.2f', '%')} of 256 units on average,\n"
        f"but exactly half of them in {told(exact, '.1f', '%', interval=False)} of passes\n"
        f"(CPU; dots: {table['block'].nunique()} seeds; diamonds: medians with 99 % intervals)",
        fontsize=19,
    )
    return figure


EXPERIMENT = Experiment(
    question="Which units does dropout zero in train mode, and what does it do to the others?",
    factors=(P, WIDTH, DTYPE),
    only=lambda arm: arm[DTYPE] == SINGLE or arm[WIDTH] == WIDER[1],
    responses=(
        Response("zeroed", "1", "share of units set to zero"),
        Response("idle", "1", "share of passes that zero no unit"),
        Response("exact", "1", "share of passes that zero exactly the share p of the units"),
        Response("scaling_error", "1", "largest relative distance of a survivor from x / (1 - p)"),
        Response("unscaled_error", "1", "largest relative distance of a survivor from x"),
    ),
    blocks=PerProfile(3, 20, 40),
    measure=measure,
    claims=CLAIMS,
    figures=(spread_of_the_share,),
)
