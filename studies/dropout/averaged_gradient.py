"""Are averaged gradients worse when workers drop different units?

The gradient that four workers average is worked out for one batch again and again, each time with
fresh masks, either the same on all workers or each worker's own; the weights stay as ten epochs of
training have left them. Corrupted it is if its mean over masks is another (by 5 % of its length),
or if it varies more (5 % more variance, all weights together). Two means of noisy gradients always
differ a little: the difference is worked out twice, from separate masks, and the two are
multiplied, which has no bias and may come out negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Block,
    Claim,
    Experiment,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
)
from harness.figures import BLACK, BLUE, draw_blocks, told
from harness.libraries import functional, nn, torch
from harness.workloads import Replicas
from harness.workloads.fitting import Recipe, fit
from studies.dropout.shards import BATCH, OWN, SHARED, TRAIN, dropout_of_workers
from studies.dropout.training import (
    BLOCKS,
    DATA,
    DIGITS,
    HALF,
    SHARE,
    TOGETHER,
    Cohort,
    perceptron,
    relu_dropout,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

    from harness.workloads.tasks import Part

EPOCHS = 10

CLAIMS = (
    Claim(
        "D-drop-11",
        Value("bias"),
        at_least(SHARE),
        reading="Corrupts the gradient: its mean over masks with each worker's own masks is at "
        "least 5 % away from that with the same masks on all workers.",
    ),
    Claim(
        "D-drop-11",
        Value("variance_ratio"),
        at_least(1 + SHARE),
        reading="Corrupts the gradient: it varies at least 5 % more with each worker's own masks.",
    ),
)


class Moments(NamedTuple):
    """Of a gradient over masks: the means of two halves of the draws, and its variance."""

    halves: tuple[Tensor, Tensor]
    variance: Tensor


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train, and draw gradients with both kinds of masks."""
    sample = cohort.sample(arm[DATA], TRAIN[arm[DATA]])
    batch = type(sample.train)(sample.train.x[:, :BATCH], sample.train.y[:, :BATCH])
    shape = (sample.features, sample.classes)
    nets = fit(
        lambda: perceptron(*shape, relu_dropout(HALF)), sample, Recipe(EPOCHS, watch_every=EPOCHS)
    ).nets
    found = {}
    for masks in (SHARED, OWN):
        torch.manual_seed(cohort.seeds[0])
        found[masks] = moments(with_masks(nets, masks, shape), batch, cohort.effort)
    bias = relative_distance(found[SHARED], found[OWN])
    ratio = found[OWN].variance / found[SHARED].variance
    return [
        {"bias": one, "variance_ratio": other}
        for one, other in zip(bias.tolist(), ratio.tolist(), strict=True)
    ]


def with_masks(nets: Replicas, masks: str, shape: tuple[int, int]) -> Replicas:
    """Networks of the same weights whose dropout draws masks of a kind."""
    copies = []
    for net in nets.unstack():  # noqa: PD010 - no table
        copy = perceptron(*shape, lambda: (nn.ReLU(), dropout_of_workers(HALF, masks)))
        copy.load_state_dict(net.state_dict())
        copies.append(copy)
    return Replicas(copies).train()


def moments(nets: Replicas, batch: Part, draws: int) -> Moments:
    """Mean and variance over masks of the gradient of a batch's mean loss.

    Args:
        nets: in train mode.
        batch: the rows of worker after worker.
        draws: of masks; even.
    """
    sums = [torch.zeros(()), torch.zeros(())]
    squares = torch.zeros(())
    for draw in range(draws):
        for parameter in nets.parameters():
            parameter.grad = None
        nets.each(functional.cross_entropy, nets(batch.x), batch.y).sum().backward()
        there = [p.grad for p in nets.parameters() if p.grad is not None]
        gradient = torch.cat([each.flatten(1) for each in there], dim=1).double()
        sums[draw % 2] = sums[draw % 2] + gradient
        squares = squares + gradient.square().sum(dim=1)
    mean = (sums[0] + sums[1]) / draws
    variance = (squares / draws - mean.square().sum(dim=1)) * draws / (draws - 1)
    return Moments((2 * sums[0] / draws, 2 * sums[1] / draws), variance)


def relative_distance(one: Moments, other: Moments) -> Tensor:
    """How far two means are apart, in the length of the first; negative where noise says so."""
    apart = [b - a for a, b in zip(one.halves, other.halves, strict=True)]
    product = (apart[0] * apart[1]).sum(dim=1)
    length = (one.halves[0] * one.halves[1]).sum(dim=1).clamp(min=1e-30)
    found: Tensor = product.sign() * (product.abs() / length).sqrt()
    return found


def variance_by_masks(table: pd.DataFrame) -> Figure:
    """The variance of the averaged gradient with own masks over that with shared ones."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    for place, data in enumerate(DATA.levels):
        at = (table["response"] == "variance_ratio") & (table["data"] == data)
        values = table[at]["value"].to_numpy(np.float64)
        draw_blocks(axes, place, values, colour=BLUE, width=0.15)
    axes.axhline(1, color=BLACK, linewidth=1.5)
    axes.axhline(1 + SHARE, color=BLACK, linestyle="--", linewidth=1.5)
    axes.set_ylim(0, 1.2)
    axes.set_xticks(range(len(DATA.levels)), DATA.levels)
    axes.set_ylabel("variance of the averaged gradient,\nown masks over shared masks")
    on_digits = table["data"] == DIGITS
    ratio = table[on_digits & (table["response"] == "variance_ratio")]["value"]
    bias = 100 * table[on_digits & (table["response"] == "bias")]["value"]
    axes.set_title(
        f"With masks of its own on each of four workers, the averaged gradient\nhas "
        f"{told(ratio, '.2f')} of the variance,\nand a mean that is "
        f"{told(bias, '.1f', '%', interval=False)} "
        f"away (digits, CPU; dots: {table['block'].nunique()} seeds;\ndashed: what would be harm)",
        fontsize=17,
    )
    return figure


EXPERIMENT: Experiment[Block] = Experiment(
    question="Are averaged gradients worse when workers drop different units?",
    factors=(DATA,),
    responses=(
        Response(
            "bias",
            "1",
            "distance of the mean gradient with own masks from that with shared masks, in its "
            "length",
        ),
        Response(
            "variance_ratio", "1", "variance of the gradient with own masks over shared masks"
        ),
    ),
    blocks=BLOCKS,
    together=TOGETHER,
    effort=PerProfile(20, 1000, 1000),  # masks; even
    prepare_together=Cohort,
    measure_together=measure,
    claims=CLAIMS,
    figures=(variance_by_masks,),
)
