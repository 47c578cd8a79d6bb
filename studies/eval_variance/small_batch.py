"""Are batch-norm statistics of a batch of 4 unreliable, and does such a last batch do harm?

Document C's example has 100 examples in batches of 16, so that the last batch of an epoch holds 4;
drop_last avoids it, which matters for batch norm, it says, since the statistics of a batch of 4 are
unreliable. Two things are measured. First the statistics themselves: how far mean and variance of a
random batch lie from those of the whole training set, at the input of the first batch norm of a
trained network. Then the consequence: the validation accuracy of networks trained with and without
the last batch, which holds 2, 4 or 16 rows beside six batches of 16. A last batch of 1 is an arm
too: PyTorch refuses it, and the exception is its outcome.

Unreliable means that the statistics are off by half as much again as those of a full batch, and
that it matters: dropping such a batch gains a point of accuracy. By theory the error of a mean is
twice as large with 4 rows as with 16; that of the variance, and the consequence, no theory gives
so simply. Last batches of 1, 2 and 16 rows, of which the passage does not speak, are shown beside.

With the last batch kept, an epoch has a step more and uses every row: both speak against the claim,
as they would in practice. The verdict speaks for a small network on digits after 30 epochs (10 in a
quick run), with the accuracy taken right after an epoch's last batch, where that batch's share of
the running statistics is greatest: a tenth, by PyTorch's default momentum.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE, median_interval, told, wide
from harness.libraries import functional, nn, torch
from harness.workloads import Split, load_split, mlp_for

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

TAIL = Factor(
    "tail",
    (1, 2, 4, 16),
    control=16,
    words={1: "1 row", 2: "2 rows", 4: "4 rows", 16: "16 rows"},
)
LAST_BATCH = Factor(
    "last_batch",
    ("kept", "dropped"),
    control="kept",
    words={"kept": "last batch kept", "dropped": "last batch dropped"},
)

BATCH = 16
FULL_BATCHES = 6  # and the tail after them: 100 rows at a tail of 4
MARGIN = 0.01  # accuracies closer than this count as equal: the project's margin
HALF_AGAIN = 1.5  # half-way between no difference and what theory gives for a mean
DRAWS = 400  # random batches by which the error of the statistics is measured

RESPONSES = (
    Response("mean_error", "s.d.", "typical error of a batch mean, in s.d. of the training set"),
    Response("mean_error_over_law", "1", "error of a batch mean over its exact expectation"),
    Response("variance_error", "1", "typical relative error of a batch variance"),
    Response("val_accuracy", "1", "validation accuracy"),
    Response("raised", "yes/no", "training ends in an exception"),
)

KEPT: dict[str, Level] = {"last_batch": "kept"}
DROPPED: dict[str, Level] = {"last_batch": "dropped"}
NOISIER = (
    "Unreliable, compared with a full batch of 16 rows: the error of this statistic is at least "
    "half as large again."
)
GAIN = (
    "It matters: dropping the last batch, as the passage advises, raises the final validation "
    "accuracy by one point or more."
)
SMALLER = "a last batch of 1 or 2 rows, where the passage has 4"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C1.18",
        Ratio("mean_error", TAIL).at(tail=4, **KEPT),
        at_least(HALF_AGAIN),
        reading=NOISIER,
    ),
    Claim(
        "C1.18",
        Ratio("variance_error", TAIL).at(tail=4, **KEPT),
        at_least(HALF_AGAIN),
        reading=NOISIER,
        headline=True,
    ),
    Claim(
        "C1.18",
        Difference("val_accuracy", LAST_BATCH).at(tail=4, **DROPPED),
        at_least(MARGIN),
        reading=GAIN,
    ),
    *(
        Beyond(
            "C1.18",
            Ratio(error, TAIL).at(tail=(1, 2), **KEPT),
            at_least(HALF_AGAIN),
            why=SMALLER,
            reading=NOISIER,
        )
        for error in ("mean_error", "variance_error")
    ),
    Beyond(
        "C1.18",
        Difference("val_accuracy", LAST_BATCH).at(tail=2, **DROPPED),
        at_least(MARGIN),
        why=SMALLER,
        reading=GAIN,
    ),
    Beyond(
        "C1.18",
        Difference("val_accuracy", LAST_BATCH).at(tail=16, **DROPPED),
        equals(0, within=MARGIN),
        why="a full last batch, where there is nothing unreliable to drop",
        reading="It is the small size that matters: dropping a last batch of 16 rows changes the "
        "accuracy by one point at most.",
    ),
    Control(
        "the error of a mean follows the square-root law",
        Value("mean_error_over_law").at(**KEPT),
        equals(1, within=0.05),
    ),
    Control("a batch of one is refused", Value("raised").at(tail=1, **KEPT).always(), equals(1)),
    Control("drop_last avoids that", Value("raised").at(tail=1, **DROPPED).always(), equals(0)),
)


@dataclass(frozen=True)
class Cell:
    """The data, the weights where all arms start, and what a trained batch norm is fed."""

    data: Split
    start: nn.Module
    activations: Tensor
    epochs: int
    seed: int


def prepare(block: Block) -> Cell:
    """Draw the initial weights, and train a copy without any small batch for its activations."""
    data = load_split("digits", block.seed, block.device)
    start = mlp_for(data, block.seed, batch_norm=True)
    trained = deepcopy(start)
    _train(trained, data, tail=0, keep=False, epochs=block.effort, seed=block.seed)
    with torch.no_grad():
        return Cell(data, start, trained[0](data.train_x), block.effort, block.seed)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Measure the statistics of random batches of the tail's size, and train with such a tail."""
    mean_error, law, variance_error = _errors(cell.activations, arm[TAIL])
    responses = {
        "mean_error": mean_error,
        "mean_error_over_law": mean_error / law,
        "variance_error": variance_error,
    }
    model, keep = deepcopy(cell.start), arm[LAST_BATCH] == "kept"
    try:
        _train(model, cell.data, tail=arm[TAIL], keep=keep, epochs=cell.epochs, seed=cell.seed)
    except ValueError:
        # "Expected more than 1 value per channel when training": the outcome of that arm.
        return responses | {"val_accuracy": float("nan"), "raised": 1.0}
    with torch.no_grad():
        right = model.eval()(cell.data.val_x).argmax(1) == cell.data.val_y
    return responses | {"val_accuracy": right.double().mean().item(), "raised": 0.0}


def _train(model: nn.Module, data: Split, *, tail: int, keep: bool, epochs: int, seed: int) -> None:
    """Train on 96 rows and the tail's; each epoch's last batch, the tail, may be dropped."""
    rows = FULL_BATCHES * BATCH + tail
    x, y = data.train_x[:rows], data.train_y[:rows]
    order = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3, fused=True)  # fused: faster, no more
    model.train()
    for _ in range(epochs):
        batches = torch.randperm(rows, generator=order).to(x.device).split(BATCH)
        for batch in batches if keep else batches[:FULL_BATCHES]:
            optimiser.zero_grad()
            functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimiser.step()


def _errors(activations: Tensor, size: int) -> tuple[float, float, float]:
    """How far statistics of random batches lie from those of all rows.

    Returns:
        The root mean square error of a batch mean over draws and features, in standard deviations;
        its exact expectation, 1 / sqrt(size) with the correction for drawing from a finite set;
        and the root mean square relative error of the variance that batch norm divides by.
    """
    n, device = len(activations), activations.device
    # The places of the largest of n random numbers are a random subset of the rows.
    rows = torch.rand(DRAWS, n, device=device).topk(size, dim=1).indices
    batches = activations[rows]  # (draws, size, features)
    mean, variance = activations.mean(0), activations.var(0, correction=0)
    mean_error = ((batches.mean(1) - mean).square() / variance).mean().sqrt().item()
    variance_error = (batches.var(1, correction=0) / variance - 1).square().mean().sqrt().item()
    return mean_error, ((n - size) / (size * (n - 1))) ** 0.5, variance_error


def statistics_and_accuracy(table: pd.DataFrame) -> Figure:
    """The error of a batch's statistics by its size, and what dropping such a last batch gains."""
    from matplotlib.figure import Figure

    values = wide(table, index=["tail", "block"], columns=["response", "last_batch"])
    blocks = table["block"].nunique()
    jitter = np.random.default_rng(0).uniform(-0.12, 0.12, blocks)
    figure = Figure()
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.set_xticks([math.log2(tail) for tail in TAIL.levels], [str(t) for t in TAIL.levels])
        axes.set_xlim(-0.5, math.log2(BATCH) + 0.5)
    _draw_errors(left, values, jitter)
    _draw_gains(right, values, jitter)
    gain = _gain(values).xs(4, level="tail")
    figure.suptitle(
        "Dropping a last batch of 4 rows changes the accuracy of a network\nwith batch norm by "
        f"{told(gain, '+.1f', 'points')}",
        fontsize=21,
    )
    figure.supxlabel(
        f"digits; dots: {blocks} seeds, all shown; diamonds: median and 99 % interval", fontsize=16
    )
    return figure


def _gain(values: pd.DataFrame) -> pd.Series[float]:
    """Points of accuracy gained by dropping the last batch, by tail and block."""
    return 100 * (values["val_accuracy", "dropped"] - values["val_accuracy", "kept"])


def _draw_errors(axes: Axes, values: pd.DataFrame, jitter: NDArray[np.float64]) -> None:
    names = {
        "mean_error": ("mean, in s.d.", BLUE),
        "variance_error": ("variance, relative", ORANGE),
    }
    for response, (label, colour) in names.items():
        for tail in TAIL.levels:
            points = values[response, "kept"].loc[tail]
            seen = label if tail == 1 else None
            axes.plot(
                math.log2(tail) + jitter, points, "o", color=colour, alpha=0.5, ms=6, label=seen
            )
    places = np.linspace(0, math.log2(BATCH))
    axes.plot(places, 2 ** (-places / 2), "--", color=BLACK, lw=1.5, label="1 / √rows")
    axes.set_xlabel("rows in the batch")
    axes.set_ylabel("typical error (root mean square)")
    axes.set_ylim(0, None)
    axes.legend(loc="upper right", title="error of a batch's")


def _draw_gains(axes: Axes, values: pd.DataFrame, jitter: NDArray[np.float64]) -> None:
    for tail in TAIL.levels:
        place, gains = math.log2(tail), _gain(values).xs(tail, level="tail")
        if gains.isna().all():
            why = "PyTorch\nrefuses\none row" if tail == 1 else "failed"
            axes.text(place, 200 * MARGIN, why, ha="center", size=16)
            continue
        axes.plot(place + jitter, gains, "o", color=GREEN, alpha=0.5, ms=6)
        middle = median_interval(np.asarray(gains, np.float64))
        axes.plot(place + 0.3, middle.estimate, "D", color=BLACK)
        if np.isfinite(middle.low):
            axes.plot([place + 0.3] * 2, [middle.low, middle.high], color=BLACK)
    axes.axhspan(-100 * MARGIN, 100 * MARGIN, color="#EEEEEE", zorder=0)
    axes.text(3.05, -95 * MARGIN, "grey: counts\nas equal", ha="center", size=14)
    axes.axhline(0, color=BLACK, lw=1.5, zorder=0)
    axes.set_xlabel("rows in the last batch of an epoch")
    axes.set_ylabel("gain from dropping it (points)")


EXPERIMENT = Experiment(
    question="Are batch-norm statistics of a batch of 4 unreliable, and does dropping it help?",
    factors=(TAIL, LAST_BATCH),
    responses=RESPONSES,
    blocks=PerProfile(quick=8, standard=40, full=100),
    effort=PerProfile(quick=10, standard=30, full=30),  # epochs
    prepare=prepare,
    measure=measure,
    claims=CLAIMS,
    figures=(statistics_and_accuracy,),
)
