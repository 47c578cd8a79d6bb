"""How does the swing of a train-mode validation depend on the size of the validation set?

Question. Three passages say that a validation with dropout left on is noisy, and document D reports
an accuracy that swings between 76 and 88 %; none says how many rows were validated. Dropout draws a
mask of its own for every row, so accuracy is a mean of independent hits and misses: if row i is hit
with probability q_i, its s.d. is sqrt(sum of q_i (1 - q_i)) / n, which falls as 1 / sqrt(n). How
large a swing is seen at which size?

What is done. A perceptron is trained on digits for each dropout probability p. Its weights are then
fixed, and the first n rows of the validation part are validated 100 times in each mode. The smaller
sets are part of the larger ones. A block is a fresh split and fresh trainings. Ranges are those of
20 validations, since a range widens with their number.

What the verdicts speak for. Perceptrons with two hidden layers of 64 units on digits, n from 25 to
700, p up to 0.5. Judged are sets of 200 rows or more, the size of a validation set; on smaller ones
the noise is larger, which is shown and does not decide. The incident is of a text classifier, so
that the swing of digits is shown beside it and does not decide either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    at_least,
    equals,
)
from harness.figures import GREEN, PURPLE, VERMILION, draw_blocks, told
from harness.libraries import nn
from harness.workloads import Split, load_split, trained_mlp
from studies.eval_variance.noisy import REPEATS, SAY_SO, noise, noisy
from studies.eval_variance.noisy import RESPONSES as NOISE
from studies.eval_variance.validation import validate_repeatedly

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

SIZE = Factor("n_val", (25, 50, 100, 200, 400, 700), label="rows validated:")
DROPOUT = Factor("dropout", (0.1, 0.2, 0.5), label="p")
MODE = Factor(
    "mode", ("eval", "train"), control="eval", words={"eval": "eval mode", "train": "train mode"}
)

MEANT = (200, 400, 700)  # the sizes of a validation set

#: Training epochs at full effort. Effort is in per cent: of these epochs, and of 100 passes.
EPOCHS = 20
FULL, LEAST = 100, REPEATS  # passes: at full effort, and at any
SWING = 0.096  # from 76 % to 88 %, less 20 %
COLOURS = (PURPLE, GREEN, VERMILION)  # of the levels of p
TICKS = (0.2, 0.5, 1, 2, 5, 10, 20, 40)  # points

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(rule for claim in SAY_SO for rule in noisy(claim, along=(SIZE, MEANT))),
    Beyond(
        "D-inc-1",
        Value("range_of_20").at(mode="train"),
        at_least(SWING),
        why="digits, where the passage has a text classifier",
        reading="From 76 % to 88 % are 12 points: 20 validations of the same weights range over "
        "9.6 points or more, a fifth less.",
    ),
    Control(
        "in eval mode the accuracy of fixed weights does not move at any size",
        Value("range_of_20").at(mode="eval").always(),
        equals(0),
    ),
)


@dataclass(frozen=True)
class Trained:
    """What the arms of a block share: the split, a network for each p, the number of passes."""

    split: Split
    networks: Mapping[float, nn.Module]
    passes: int


def prepare(block: Block) -> Trained:
    """Split the digits anew and train one network for each p, from equal weights and batches."""
    split = load_split("digits", block.seed, block.device)
    epochs = round(EPOCHS * block.effort / 100)
    networks = {}
    for p in DROPOUT.levels:
        networks[p] = trained_mlp(split, block.seed, epochs=epochs, dropout=p)
    return Trained(split, networks, passes=max(LEAST, FULL * block.effort // 100))


def measure(cell: Trained, arm: Arm) -> Responses:
    """Validate the first n rows again and again in the arm's mode, and say what the law expects."""
    n, model = arm[SIZE], cell.networks[arm[DROPOUT]]
    model.train(arm[MODE] == "train")  # the networks have no buffers: the mode is all that changes
    passes = validate_repeatedly(model, cell.split.val_x[:n], cell.split.val_y[:n], cell.passes)
    return {
        "accuracy": passes.accuracy.tolist(),
        "expected_sd": expected_sd(passes.correct),
        **noise(passes.correct.sum(dim=1), n, passes.loss),
    }


def expected_sd(correct: Tensor) -> float:
    """The s.d. of accuracy between passes if every row is hit or missed independently.

    Args:
        correct: shape (passes, rows), whether a row was classified correctly. Only each row's own
            rate is used: ups and downs that the rows share would show as a difference.
    """
    rows = correct.shape[1]
    # ddof 1 makes the variance of a row's hits unbiased: passes / (passes - 1) * q (1 - q).
    variances = correct.double().var(dim=0, correction=1)
    return float(variances.sum().sqrt() / rows)


def spread_by_size(table: pd.DataFrame) -> Figure:
    """S.d. and range of train-mode accuracy against the size of the validation set."""
    from matplotlib.figure import Figure

    train = table[table["mode"] == "train"]
    keys = ["dropout", "n_val", "block"]
    spread = train[train["response"] == "accuracy"].groupby(keys)["value"].std() * 100
    swing = train[train["response"] == "range_of_20"].set_index(keys)["value"].sort_index() * 100
    law = train[train["response"] == "expected_sd"].groupby(["dropout", "n_val"])["value"].median()
    figure = Figure()
    left, right = figure.subplots(1, 2)
    _draw(left, spread)
    _draw_law(left, law.xs(SIZE.levels[-1], level="n_val") * 100)
    left.set_ylabel("s.d. between validations (points)")
    _draw(right, swing)
    incident = f"the incident, less a fifth: {100 * SWING:g} points"
    line = right.axhline(100 * SWING, color="black", linewidth=1.5)
    right.legend([line], [incident], loc="lower left")
    right.set_ylabel("range of 20 validations (points)")
    small, large = SIZE.levels[0], SIZE.levels[-1]
    at_small, at_large = (told(swing.loc[0.5, n], ".1f", "points") for n in (small, large))
    figure.suptitle(
        "20 validations of the same weights with dropout on (p = 0.5) range over\n"
        f"{at_small} on {small} rows, {at_large} on {large}",
        fontsize=20,
    )
    figure.supxlabel(
        f"rows validated, log scale   (digits; dots: {train['block'].nunique()} trainings at each "
        "p; diamonds: median and 99 % interval)",
        fontsize=15,
    )
    return figure


def _draw(axes: Axes, values: pd.Series[float]) -> None:
    """Every block as a point, the median with its interval, on two logarithmic axes."""
    axes.set_xscale("log")
    axes.set_yscale("log", nonpositive="clip")
    for p, shift, colour in zip(DROPOUT.levels, (0.92, 1.0, 1.08), COLOURS, strict=True):
        for n in SIZE.levels:
            draw_blocks(
                axes,
                n * shift,
                np.asarray(values.loc[p, n], np.float64),
                colour=colour,
                width=0.03,
                label=f"p = {p:g}" if n == SIZE.levels[0] else None,
            )
    axes.set_xticks(SIZE.levels, [str(n) for n in SIZE.levels])
    axes.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.set_ylim(values[values > 0].min() * 0.85, values.max() * 1.2)
    axes.minorticks_off()


def _draw_law(axes: Axes, at_largest: pd.Series[float]) -> None:
    """What independent rows give, carried from the largest set to the others by 1 / sqrt(n)."""
    for p in DROPOUT.levels:
        expected = at_largest[p] * np.sqrt(SIZE.levels[-1] / np.array(SIZE.levels))
        axes.plot(
            SIZE.levels,
            expected,
            "--",
            color="black",
            linewidth=1.2,
            zorder=1,
            label="independent rows" if p == DROPOUT.levels[-1] else None,
        )
    axes.legend(loc="lower left")


EXPERIMENT = Experiment(
    question="How does the swing depend on the size of the validation set?",
    factors=(SIZE, DROPOUT, MODE),
    responses=(
        Response("accuracy", "1", "validation accuracy"),
        Response(
            "expected_sd", "1", "standard deviation of accuracy if rows are hit independently"
        ),
        *NOISE,
    ),
    claims=CLAIMS,
    prepare=prepare,
    measure=measure,
    blocks=PerProfile(8, 24, 100),
    effort=PerProfile(15, 100, 100),
    figures=(spread_by_size,),
)
