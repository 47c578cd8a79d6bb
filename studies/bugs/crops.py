"""Does one crop, common to training and validation, make validation look better than production?

Digits are framed by a margin of empty pixels and cropped back to 8 x 8. Training and validation use
one common crop, drawn once for the block; or each image a random crop, drawn anew in every epoch.
Production shows each image in a random crop. The claim is that the model then relies on the
position of the crop, so that validation is 10 points or more above production with the common crop,
and only with it.

What it is not: no validation row is trained on, so nothing leaks. Validation is unlike production,
which is another fault. The control shows it: where production keeps to the common crop too there is
no gap. The verdict speaks for a perceptron and a small convolutional network on digits, moved by up
to one or two pixels of eight, after five epochs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    equals,
    less_than,
)
from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, span
from harness.libraries import functional, nn, torch
from harness.workloads import load_split, mlp, small_cnn, train_epochs

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

CROP = Factor("crop", ("random", "common"), control="random")
SHIFT = Factor("shift", (1, 2))  # pixels
PERCEPTRON, CONVOLUTIONAL = "perceptron", "convolutional"
NET = Factor("net", (PERCEPTRON, CONVOLUTIONAL))

SIDE, EMPTY = 8, -2.0  # an empty pixel, scaled as (0 - 8) / 4
GAP = 0.10  # the catalogue's rule: 10 points

RESPONSES = (
    Response("validation", "1", "validation"),
    Response("production", "1", "in random crops"),
    Response("gap", "1", "gap"),
    Response("gap_if_production_keeps_the_crop", "1", "gap if production keeps the crop"),
)

CLAIMS = (
    Claim(
        "C5.20",
        Value("gap").at(crop="common"),
        at_least(GAP),
        reading="Validation in the common crop is 10 points or more above production in random "
        "crops,",
    ),
    Claim(
        "C5.20",
        Value("gap").at(crop="random"),
        less_than(GAP),
        reading="and it is not where training and validation see random crops.",
    ),
    Control(
        "there is no gap where production keeps to the common crop",
        Value("gap_if_production_keeps_the_crop").at(crop="common"),
        equals(0, within=GAP),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Train on crops of one kind, validate on the same kind, and look at production."""
    split = load_split("digits", block.seed, block.device)
    stream = torch.Generator().manual_seed(block.seed)
    common = torch.randint(2 * arm[SHIFT] + 1, (1, 2), generator=stream)

    def offsets(images: Tensor, kind: str) -> Tensor:
        if kind == "common":
            return common.expand(len(images), 2)
        return torch.randint(2 * arm[SHIFT] + 1, (len(images), 2), generator=stream)

    def cropped(images: Tensor, kind: str) -> Tensor:
        return crops(images, arm[SHIFT], offsets(images, kind).to(images.device))

    net = untrained(arm[NET], block)
    x = cropped(split.train_x, arm[CROP])
    epochs = train_epochs(net, x, split.train_y, seed=block.seed, epochs=block.effort)
    for _ in epochs:
        x.copy_(cropped(split.train_x, arm[CROP]))  # the next epoch's
    half = len(split.val_x) // 2
    val, new = (split.val_x[:half], split.val_y[:half]), (split.val_x[half:], split.val_y[half:])
    validation = accuracy(net, cropped(val[0], arm[CROP]), val[1])
    production = accuracy(net, cropped(new[0], "random"), new[1])
    kept = accuracy(net, cropped(new[0], "common"), new[1])
    return {
        "validation": validation,
        "production": production,
        "gap": validation - production,
        "gap_if_production_keeps_the_crop": validation - kept,
    }


def crops(images: Tensor, shift: int, offsets: Tensor) -> Tensor:
    """A crop of each image, of its own size, from within a margin of empty pixels.

    Args:
        images: shape (n, 64), rows of 8 x 8 pixels.
        shift: the margin's width in pixels.
        offsets: top and left edge of each crop in the framed image, shape (n, 2), 0 to 2 x shift.

    Returns:
        Shape (n, 64).
    """
    framed = functional.pad(images.view(-1, SIDE, SIDE), [shift] * 4, value=EMPTY)
    along = torch.arange(SIDE, device=images.device)
    rows = (offsets[:, :1] + along)[:, :, None]
    columns = (offsets[:, 1:] + along)[:, None, :]
    image = torch.arange(len(images), device=images.device)[:, None, None]
    return framed[image, rows, columns].flatten(1)


def untrained(net: str, block: Block) -> nn.Module:
    """The network of this name; its weights come from the block's seed."""
    torch.manual_seed(block.seed)
    built = mlp(SIDE * SIDE, 10) if net == PERCEPTRON else small_cnn(10)
    return built.to(block.device)


def accuracy(net: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of rows whose class is right."""
    with torch.no_grad():
        right: float = (net(x).argmax(dim=1) == y).double().mean().item()
    return right


def crop_gaps(table: pd.DataFrame) -> Figure:
    """Validation less production for both ways of cropping, every block."""
    from matplotlib.figure import Figure

    gaps = table[table["response"] == "gap"]
    figure = Figure()
    axes = figure.subplots()
    places = [(PERCEPTRON, 1), (PERCEPTRON, 2), (CONVOLUTIONAL, 2)]
    for place, (net, shift) in enumerate(places):
        for crop, aside, colour in (("random", -0.15, BLUE), ("common", 0.15, ORANGE)):
            at = (gaps["net"] == net) & (gaps["shift"] == shift) & (gaps["crop"] == crop)
            values = 100 * gaps.loc[at].sort_values("block")["value"].to_numpy(np.float64)
            kind = "random crops" if crop == "random" else "one common crop"
            label = f"trained and validated on {kind}" if place == 0 else None
            draw_blocks(axes, place + aside, values, colour=colour, width=0.1, label=label)
    axes.axhline(100 * GAP, color=BLACK, ls="--", lw=1.5)
    axes.text(len(places) - 0.45, 100 * GAP + 0.5, "rule: 10", ha="right", fontsize=15)
    axes.axhline(0, color=BLACK, lw=1)
    axes.set_xticks(
        range(len(places)), [f"{net},\nup to {s} pixel{'s' * (s > 1)}" for net, s in places]
    )
    axes.set_ylabel("validation less production\naccuracy (points)")
    axes.legend(loc="center")
    common = 100 * gaps[gaps["crop"] == "common"].groupby(["net", "shift"])["value"].median()
    random = 100 * gaps[gaps["crop"] == "random"].groupby(["net", "shift"])["value"].median()
    axes.set_title(
        f"One common crop: {span(common, '.0f')} points above production in "
        f"random crops;\nrandom crops: at most {random.abs().max():.1f} "
        f"({table['block'].nunique()} trainings, medians with 99 % intervals)"
    )
    return figure


EXPERIMENT = Experiment(
    question="Does one crop, common to training and validation, inflate validation?",
    factors=(CROP, SHIFT, NET),
    # Convolutions take ten times as long to train.
    only=lambda arm: arm[NET] == PERCEPTRON or arm[SHIFT] == 2,
    responses=RESPONSES,
    blocks=PerProfile(2, 20, 60),
    effort=PerProfile(2, 5, 5),
    measure=measure,
    claims=CLAIMS,
    figures=(crop_gaps,),
)
