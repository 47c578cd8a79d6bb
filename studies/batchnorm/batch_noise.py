"""How noisy are the statistics of a batch, by its size?

A passage explains why batch norm regularises: the statistics of a batch are noisy approximations of
the true ones. Perceptrons with batch norm are trained for some epochs; then, at the input of their
first batch norm, mean and variance of random batches are compared with those of all rows trained
on. Batches are cut from shuffled epochs, as in training.

Noisy means that the typical error (root mean square over units and batches) is a twentieth of the
standard deviation or of the variance, or more; a batch of all rows has none, and is shown beside.
That the error is that of random sampling is judged too: the standard deviation over the square root
of the number of rows, corrected for drawing without putting back, within 5 %. The passage names no
size: judged are batches of 8 to 256.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Block,
    Claim,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE, median_interval, told
from harness.libraries import torch
from harness.workloads.fitting import Recipe, fit
from harness.workloads.samples import SampleName, draw_sample
from studies.batchnorm.nets import perceptron

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

ROWS, HELD_OUT = 1024, 300
DRAWS = 400  # batches at the least, whole epochs
USUAL = (8, 16, 32, 64, 128, 256)
SETS: dict[str, SampleName] = {"listing 3": "listing 3", "digits": "digits"}
NOISY = at_least(0.05)

DATA = Factor("data", tuple(SETS), words={"listing 3": "listing 3's rows"})
BATCH = Factor(
    "batch",
    (2, *USUAL, ROWS),
    label="rows in a batch",
    words={ROWS: "all rows in a batch", **{rows: f"batches of {rows}" for rows in (2, *USUAL)}},
)
HEADLINE: dict[str, Level] = {"data": "digits", "batch": 64}

CLAIMS = (
    Claim(
        "D-hurts-9",
        Value("mean_error").along(BATCH, judged=USUAL),
        NOISY,
        reading="Noisy: the mean of a batch is typically off by a twentieth of the standard "
        "deviation or more.",
        headline=HEADLINE,
    ),
    Claim(
        "D-hurts-9",
        Value("variance_error").along(BATCH, judged=USUAL),
        NOISY,
        reading="Noisy: the variance of a batch is typically off by a twentieth of itself or more.",
    ),
    Claim(
        "D-hurts-9",
        Value("mean_error_over_law").at(batch=USUAL),
        equals(1.0, within=0.05),
        reading="Approximations: the error of a batch's mean is that of random sampling, which "
        "falls with the square root of the rows, within 5 %.",
    ),
)


class Inputs(NamedTuple):
    """What first batch norms are given, by data set: shape (rows, units) for each block."""

    by_set: dict[str, list[Tensor]]
    seeds: tuple[int, ...]


def prepare(blocks: tuple[Block, ...]) -> Inputs:
    """Train a network for each block on each data set; what its batch norm is given."""
    seeds = tuple(block.seed for block in blocks)
    by_set = {}
    for name, source in SETS.items():
        sample = draw_sample(source, seeds, train=ROWS, held_out=HELD_OUT, device=blocks[0].device)
        make = partial(perceptron, sample.features, sample.classes)
        epochs = blocks[0].effort
        nets = fit(make, sample, Recipe(epochs, watch_every=epochs)).nets
        with torch.no_grad():
            pairs = zip(nets.unstack(), sample.train.x, strict=True)  # noqa: PD010 - no table
            by_set[name] = [net.get_submodule("0")(x).double() for net, x in pairs]
    return Inputs(by_set, seeds)


def measure(inputs: Inputs, arm: Arm) -> Sequence[Responses]:
    """The errors of batches of a size."""
    pairs = zip(inputs.by_set[arm[DATA]], inputs.seeds, strict=True)
    return [errors(values, arm[BATCH], seed) for values, seed in pairs]


def errors(values: Tensor, size: int, seed: int) -> Responses:
    """How far mean and variance of batches are from those of all rows.

    Args:
        values: shape (rows, units).
        size: rows in a batch; divides the number of rows.
        seed: of the batches.
    """
    rows = len(values)
    stream = torch.Generator().manual_seed(seed)
    epochs = math.ceil(DRAWS * size / rows) if size < rows else 1
    orders = torch.stack([torch.randperm(rows, generator=stream) for _ in range(epochs)])
    batches = values[orders.to(values.device)].view(-1, size, values.shape[1])
    mean, variance = values.mean(0), values.var(0, correction=0)
    off = ((batches.mean(1) - mean).square() / variance).mean().sqrt().item()
    relative = batches.var(1, correction=0) / variance - 1
    law = math.sqrt((rows - size) / (size * (rows - 1)))
    return {
        "mean_error": off,
        "variance_error": relative.square().mean().sqrt().item(),
        "mean_error_over_law": off / law if law else float("nan"),
    }


def error_by_size(table: pd.DataFrame) -> Figure:
    """The error of a batch's mean and variance by its size."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, len(SETS), sharey=True)
    for axes, name in zip(panels, SETS, strict=True):
        rows = table[(table["data"] == name) & (table["batch"] < ROWS)]
        for response, label, colour in (
            ("mean_error", "mean, in standard deviations", BLUE),
            ("variance_error", "variance, relative", ORANGE),
        ):
            _draw(axes, rows[rows["response"] == response], label, colour)
        sizes = np.array([2, *USUAL])
        law = np.sqrt((ROWS - sizes) / (sizes * (ROWS - 1)))
        axes.plot(sizes, law, "--", color=BLACK, lw=1.5, label="random sampling, of a mean")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.set_yticks([1 / 16, 1 / 8, 1 / 4, 1 / 2, 1], ["1/16", "1/8", "1/4", "1/2", "1"])
        axes.set_title(DATA.say(name), fontsize=18)
        axes.set_xlabel("rows in a batch")
    panels[0].set_ylabel("typical error (root mean square)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    seen = {name: _of(table, name, 64) for name in SETS}
    figure.suptitle(
        f"The mean of a batch of 64 is typically off by {told(seen['digits'], '.3f', 's.d.')}\n"
        f"on digits, by {told(seen['listing 3'], '.3f', 's.d.')} on listing 3's rows\n"
        f"(CPU; medians of {table['block'].nunique()} seeds, whose bands are narrower than a line)",
        fontsize=18,
    )
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, label: str, colour: str) -> None:
    sizes = [2, *USUAL]
    middles = [
        median_interval(rows.loc[rows["batch"] == size, "value"].to_numpy(np.float64))
        for size in sizes
    ]
    axes.plot(sizes, [each.estimate for each in middles], "o-", color=colour, label=label)
    if all(np.isfinite([each.low, each.high]).all() for each in middles):
        low, high = [each.low for each in middles], [each.high for each in middles]
        axes.fill_between(sizes, low, high, color=colour, alpha=0.25, linewidth=0)


def _of(table: pd.DataFrame, name: str, size: int) -> pd.Series[float]:
    at = (table["data"] == name) & (table["batch"] == size) & (table["response"] == "mean_error")
    return table[at]["value"]


EXPERIMENT: Experiment[Block] = Experiment(
    question="How noisy are the statistics of a batch, by its size?",
    factors=(DATA, BATCH),
    responses=(
        Response("mean_error", "s.d.", "typical error of a batch's mean"),
        Response("variance_error", "1", "typical relative error of a batch's variance"),
        Response(
            "mean_error_over_law", "1", "error of a batch's mean over that of random sampling"
        ),
    ),
    blocks=PerProfile(3, 20, 40),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(2, 10, 10),  # epochs
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(error_by_size,),
)
