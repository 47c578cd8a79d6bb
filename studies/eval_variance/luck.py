"""With dropout left on, can one still tell which of two checkpoints is better?

Question. Document A says that with a noisy validation one cannot tell an improvement from luck.
What one wants to know of two checkpoints is their order; so how often does one validation of each,
in train mode, put them in the wrong order?

What is done. A perceptron is trained on digits for each dropout probability p and kept as it stands
after every epoch. The order of two checkpoints is that of their eval-mode accuracies on the
validation part; pairs with equal accuracies have no order and are left out. Every checkpoint is
then validated repeatedly in the arm's mode, and a pair's rate of reversal is counted over all
combinations of a pass of one with a pass of the other. Two equal results are not counted as a
reversal, though they do not tell the checkpoints apart either: the rates are low estimates. In eval
mode no order is ever reversed, which is the control.

Which pairs. Fixed beforehand: judged are pairs that lie half a point to one point apart, the gain
that a change of setting brings; all pairs and neighbouring epochs are counted beside them. How the
rate falls with the distance of two checkpoints is drawn in the figure.

What the verdicts speak for. A perceptron with two hidden layers of 64 units, 719 validation digits,
20 epochs. The order is that on these rows, not on new data.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
from harness.figures import BLUE, GREEN, VERMILION, draw_blocks, told, wide
from harness.libraries import nn
from harness.workloads import Split, load_split, mlp_for, train_epochs
from studies.eval_variance.validation import validate_repeatedly

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DROPOUT = Factor("dropout", (0.1, 0.2, 0.5), label="p")
MODE = Factor(
    "mode", ("eval", "train"), control="eval", words={"eval": "eval mode", "train": "train mode"}
)

PASSES = 10  # of each checkpoint, so 100 combinations for each pair
REVERSALS = 0.05
CLOSE = (0.005, 0.01)  # of accuracy: from half a point to one point

RESPONSES = (
    Response(
        "reversed_close",
        "1",
        "share of validations of two checkpoints 0.5 to 1 point apart that come in the wrong order",
    ),
    Response(
        "reversed", "1", "share of validations of any two epochs that come in the wrong order"
    ),
    Response(
        "reversed_next",
        "1",
        "share of validations of neighbouring epochs that come in the wrong order",
    ),
    Response("apart", "1", "distance of two epochs in the accuracy of eval mode"),
)

CLAIMS = (
    Claim(
        "A-forget-2",
        Value("reversed_close").at(mode="train"),
        at_least(REVERSALS),
        reading="Luck: of two checkpoints that are half a point to one point apart in eval mode, "
        "one train-mode validation of each puts the worse one first in 5 % of cases or more.",
        headline={"dropout": 0.1},
    ),
    Beyond(
        "A-forget-2",
        Value("reversed").at(mode="train"),
        at_least(REVERSALS),
        why="pairs of any distance, many of them far apart",
        reading="Any two epochs of a training are put in the wrong order in 5 % of cases or more.",
    ),
    Beyond(
        "A-forget-2",
        Value("reversed_next").at(mode="train"),
        at_least(REVERSALS),
        why="pairs of any distance, many of them nearly tied",
        reading="Neighbouring epochs are put in the wrong order in 5 % of cases or more.",
    ),
    Control(
        "in eval mode no pair is ever reversed",
        Value("reversed").at(mode="eval").always(),
        equals(0),
    ),
)


@dataclass(frozen=True)
class Trained:
    """What the arms of a block share: the validation part, and the checkpoints for each p."""

    split: Split
    checkpoints: dict[float, list[nn.Module]]


def prepare(block: Block) -> Trained:
    """Split the digits anew, and train one network for each p from equal weights and batches."""
    split = load_split("digits", block.seed, block.device)
    checkpoints = {}
    for p in DROPOUT.levels:
        model = mlp_for(split, block.seed, dropout=p)
        checkpoints[p] = train_and_keep(model, split, epochs=block.effort, seed=block.seed)
    return Trained(split, checkpoints)


def train_and_keep(model: nn.Module, split: Split, epochs: int, seed: int) -> list[nn.Module]:
    """Train with the plain loop; a copy of the model after every epoch."""
    trained = train_epochs(model, split.train_x, split.train_y, seed=seed, epochs=epochs)
    return [copy.deepcopy(model) for _ in trained]


def measure(cell: Trained, arm: Arm) -> Responses:
    """The rate of reversal of every pair of checkpoints, one round a pair."""
    x, y = cell.split.val_x, cell.split.val_y
    true, seen = [], []
    for model in cell.checkpoints[arm[DROPOUT]]:  # they have no buffers: only the mode changes
        true.append(float(validate_repeatedly(model.eval(), x, y, passes=1).accuracy))
        model.train(arm[MODE] == "train")
        seen.append(validate_repeatedly(model, x, y, PASSES).accuracy.cpu().numpy())
    pairs = [(i, j) for i, j in itertools.combinations(range(len(true)), 2) if true[i] != true[j]]
    rates = [reversal_rate(seen[i], seen[j], better=true[i] > true[j]) for i, j in pairs]
    apart = [abs(true[i] - true[j]) for i, j in pairs]
    close = [rate for rate, gap in zip(rates, apart, strict=True) if is_close(gap)]
    neighbours = [rate for rate, (i, j) in zip(rates, pairs, strict=True) if j == i + 1]
    return {
        "reversed_close": close or math.nan,
        "reversed": rates or math.nan,
        "reversed_next": neighbours or math.nan,
        "apart": apart or math.nan,
    }


def is_close(gap: float) -> bool:
    """Whether two accuracies lie as far apart as the claim is judged at, both ends included."""
    rounding = 1e-9  # of a difference of two shares, much less than a row
    return CLOSE[0] - rounding <= gap <= CLOSE[1] + rounding


def reversal_rate(
    first: NDArray[np.float64] | Sequence[float],
    second: NDArray[np.float64] | Sequence[float],
    better: bool,
) -> float:
    """How often a pass of one checkpoint and a pass of another come out in the wrong order.

    Args:
        first: accuracies of the first checkpoint, shape (passes,).
        second: accuracies of the second, shape (passes,).
        better: whether the first is in truth the better one.
    """
    difference = np.subtract.outer(np.asarray(first), np.asarray(second))
    return float(np.mean(difference < 0 if better else difference > 0))


#: Edges of the classes of distance, in points; pairs further apart are not drawn.
EDGES = np.array([0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0])
COLOURS = (BLUE, GREEN, VERMILION)  # of the levels of p


def reversals_by_distance(table: pd.DataFrame) -> Figure:
    """The rate of reversal by the distance of a pair in eval mode, for each p."""
    from matplotlib.figure import Figure

    train = table[table["mode"] == "train"]
    rows = train[train["response"].isin(["reversed", "apart"])]
    pairs = wide(rows, index=["dropout", "block", "round"], columns="response").dropna()
    pairs = pairs.assign(
        distance=np.digitize(100 * pairs["apart"], EDGES[1:-1], right=True),
        reversed=100 * pairs["reversed"],
    )[100 * pairs["apart"] <= EDGES[-1]]
    rates = pairs.groupby(["dropout", "distance", "block"])["reversed"].mean()
    figure = Figure()
    axes = figure.subplots()
    axes.axvspan(1.5, 2.5, color="#EEEEEE", zorder=0)
    axes.text(2, 0.98, "judged", ha="center", va="top", transform=axes.get_xaxis_transform())
    for p, shift, colour in zip(DROPOUT.levels, (-0.25, 0.0, 0.25), COLOURS, strict=True):
        for place in range(len(EDGES) - 1):
            if (p, place) in rates.index:
                values = rates.loc[p, place].to_numpy(np.float64)
                seen = f"p = {p:g}" if place == 0 else None
                draw_blocks(axes, place + shift, values, colour=colour, width=0.08, label=seen)
    axes.axhline(100 * REVERSALS, color="black", linestyle="--", linewidth=1.5)
    axes.text(5.45, 100 * REVERSALS + 1, f"rule: {REVERSALS:.0%} or more", ha="right", fontsize=16)
    axes.set_xticks(
        range(len(EDGES) - 1), [f"{a:g} to {b:g}" for a, b in itertools.pairwise(EDGES)]
    )
    axes.set_ylim(-2, None)
    axes.set_ylabel("wrong order in train mode (% of cases)")
    axes.set_xlabel("distance of the two checkpoints in eval mode (points of accuracy)")
    axes.legend(loc="upper right")
    figure.supxlabel(
        f"digits; dots: {train['block'].nunique()} trainings at each p, each the mean over its "
        "pairs of epochs; diamonds: median and 99 % interval",
        fontsize=15,
    )
    close = train[(train["response"] == "reversed_close") & (train["dropout"] == 0.1)]
    by_block = 100 * close.groupby("block")["value"].mean().dropna()
    figure.suptitle(
        "With dropout left on (p = 0.1), one validation each puts two checkpoints\n"
        f"0.5 to 1 point apart in the wrong order in {told(by_block, '.0f', '%')} of cases",
        fontsize=20,
    )
    return figure


EXPERIMENT = Experiment(
    question="With dropout left on, can one still tell which of two checkpoints is better?",
    factors=(DROPOUT, MODE),
    responses=RESPONSES,
    claims=CLAIMS,
    prepare=prepare,
    measure=measure,
    blocks=PerProfile(8, 20, 100),
    effort=PerProfile(10, 20, 20),  # epochs
    figures=(reversals_by_distance,),
)
