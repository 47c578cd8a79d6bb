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

Which pairs. Fixed beforehand: all pairs of epochs (any two states of one training), and
neighbouring epochs (the question asked most: did this epoch improve the model?). The rate depends
on how far two checkpoints are apart, and that is drawn in the figure.

What the verdicts speak for. A perceptron with two hidden layers of 64 units, 719 validation digits,
20 epochs. The order is that on these rows, not on new data.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
)
from harness.figures import ORANGE
from harness.libraries import nn
from harness.workloads import Split, load_split, mlp_for, train_epochs
from studies.eval_variance.validation import validate_repeatedly

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DROPOUT = Factor("dropout", (0.1, 0.2, 0.5))
MODE = Factor("mode", ("eval", "train"), control="eval")

PASSES = 10  # of each checkpoint, so 100 combinations for each pair
REVERSALS = 0.05

CLAIMS = (
    Claim(
        "A-forget-2",
        Value("reversed").at(mode="train"),
        at_least(REVERSALS),
        reading="Any two epochs of a training: one train-mode validation of each puts them in the "
        "wrong order in 5 % of cases or more.",
    ),
    Claim(
        "A-forget-2",
        Value("reversed_next").at(mode="train"),
        at_least(REVERSALS),
        reading="Neighbouring epochs: the same for a checkpoint and the one an epoch later.",
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
    return {
        "reversed": rates,
        "reversed_next": [rate for rate, (i, j) in zip(rates, pairs, strict=True) if j == i + 1],
        "apart": [abs(true[i] - true[j]) for i, j in pairs],
    }


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


def reversals_by_distance(table: pd.DataFrame) -> Figure:
    """The rate of reversal of each pair against the distance of the pair in eval mode."""
    from matplotlib.figure import Figure

    train = table[table["mode"] == "train"]
    rows = train[train["response"].isin(["reversed", "apart"])]
    wide = rows.pivot_table(index=["dropout", "block", "round"], columns="response", values="value")
    wide["apart"] *= 100
    wide["reversed"] *= 100
    figure = Figure()
    panels = figure.subplots(1, len(DROPOUT.levels), sharey=True)
    for p, axes in zip(DROPOUT.levels, panels, strict=True):
        _draw_pairs(axes, wide[wide.index.get_level_values("dropout") == p])
        axes.set_title(f"p = {p:g}", fontsize=20)
    panels[0].set_ylabel("wrong order in train mode (%)")
    panels[1].set_xlabel("distance of the two checkpoints in eval mode (points of accuracy)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, markerscale=3)
    near = wide.loc[wide["apart"] <= 1, "reversed"].mean()
    figure.suptitle(
        f"One train-mode validation of each of two checkpoints at most 1 point apart\n"
        f"puts them in the wrong order in {near:.0f} % of cases "
        f"(digits, {train['block'].nunique()} trainings at each p)",
        fontsize=20,
    )
    return figure


FURTHEST = 3.0  # points; pairs further apart than this are not drawn


def _draw_pairs(axes: Axes, pairs: pd.DataFrame) -> None:
    drawn = pairs[pairs["apart"] <= FURTHEST]
    jitter = np.random.default_rng(0).uniform(-0.05, 0.05, len(drawn))
    axes.plot(
        drawn["apart"] + jitter,
        drawn["reversed"],
        ".",
        color=ORANGE,
        markersize=3,
        alpha=0.35,
        label="a pair of checkpoints",
    )
    quarters = (drawn["apart"] * 4).round()
    means = drawn.groupby(quarters)[["apart", "reversed"]].mean()
    axes.plot(means["apart"], means["reversed"], "-", color="black", label="mean")
    axes.axhline(
        100 * REVERSALS,
        color="black",
        linestyle="--",
        linewidth=1.5,
        label="rule of the claim: 5 %",
    )
    axes.axhline(50, color="grey", linestyle=":", linewidth=1.5, label="a coin")
    axes.set_ylim(-2, 100)


EXPERIMENT = Experiment(
    question="With dropout left on, can one still tell which of two checkpoints is better?",
    factors=(DROPOUT, MODE),
    responses=(
        Response("reversed", "1", "reversed"),
        Response("reversed_next", "1", "reversed next"),
        Response("apart", "1", "apart"),
    ),
    claims=CLAIMS,
    prepare=prepare,
    measure=measure,
    blocks=PerProfile(8, 20, 100),
    effort=PerProfile(4, 20, 20),  # epochs
    figures=(reversals_by_distance,),
)
