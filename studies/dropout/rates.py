"""How does the rate of dropout change what a network can fit, and how fast?

Perceptrons with two equal hidden layers, dropout behind both, train at rates of 0, 0.5 and 0.9. The
accuracy on the training rows is read in eval mode after the last epoch: in train mode it would be
low by the masks' noise alone. "Cannot fit" is five points below what one half fits. How many epochs
it takes until the training loss in eval mode is 0.1 belongs to a question that the document asks
and does not answer: it is shown, and no verdict is booked as the document's. A run that never gets
there counts as all epochs, so that the ratio is a lower bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Difference,
    Experiment,
    Factor,
    Ratio,
    Response,
    Responses,
    Unmeasurable,
    at_least,
    at_most,
)
from harness.figures import BLUE, GREEN, ORANGE, draw_blocks, told
from studies.dropout.training import (
    BLOCKS,
    CANCER,
    DATA,
    DIGITS,
    EPOCHS,
    LISTING,
    TOGETHER,
    Cohort,
    relu_dropout,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NONE, HALF, HIGH = 0.0, 0.5, 0.9
RATE = Factor(
    "rate",
    (NONE, HALF, HIGH),
    control=HALF,
    words={NONE: "no dropout", HALF: "dropout of 0.5", HIGH: "dropout of 0.9"},
)
WIDTH = Factor("width", (64, 256), words={w: f"two hidden layers of {w}" for w in (64, 256)})
TARGET = 0.1  # nat
UNDERFITS = 0.05

CLAIMS: tuple[Claim | Beyond | Unmeasurable, ...] = (
    Claim(
        "D-int-4",
        Difference("fits", RATE).at(rate=HIGH),
        at_most(-UNDERFITS),
        reading="Cannot fit its training data: at 0.9 the accuracy on the training rows, in eval "
        "mode, is at least five points below that at 0.5.",
        headline={"data": DIGITS, "width": 64},
    ),
    Unmeasurable(
        "D-faq-1",
        needs="an answer in the text",
        why="the document prints the question alone; how many epochs and how much time dropout "
        "takes here is shown beside",
    ),
    Beyond(
        "D-faq-1",
        Ratio("epochs_to", RATE).against(NONE).at(rate=HALF, width=64),
        at_least(1.2),
        why="a question to which the document has no answer",
        reading="Slows training: with dropout of one half it takes a fifth more epochs until the "
        "training loss, in eval mode, is 0.1.",
    ),
)


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train at the arm's rate, watching every epoch."""
    widths = (arm[WIDTH], arm[WIDTH])
    history = cohort.fit(
        arm[DATA], (arm[RATE], widths), relu_dropout(arm[RATE]), widths=widths, watch_every=1
    )
    needed = first_below(history.train_loss, TARGET)
    return [
        {"fits": float(fits), "epochs_to": float(epochs)}
        for fits, epochs in zip(history.last("train_score"), needed, strict=True)
    ]


def first_below(losses: NDArray[np.float64], target: float) -> NDArray[np.float64]:
    """When a curve first reaches a target, between two epochs in a straight line.

    Args:
        losses: shape (epochs, replicas).
        target: to come down to.

    Returns:
        Epochs, shape (replicas,); all epochs where it does not get there, and one where the first
        epoch does.
    """
    count = len(losses)
    found = np.full(losses.shape[1], float(count))
    for replica, curve in enumerate(losses.T):
        there = np.flatnonzero(curve <= target)
        if not len(there):
            continue
        at = int(there[0])
        if at == 0:
            found[replica] = 1.0
            continue
        before, after = curve[at - 1], curve[at]
        found[replica] = at + (before - target) / (before - after)
    return found


def _needed(arm: Arm) -> bool:
    """The wide network is tried on real rows, and without dropout only the narrow one."""
    return arm[WIDTH] == 64 or (arm[DATA] != LISTING and arm[RATE] != NONE)


def fit_by_rate(table: pd.DataFrame) -> Figure:
    """Accuracy on the training rows against the rate."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    rows = table[table["response"] == "fits"]
    marks = zip(DATA.levels, (BLUE, ORANGE, GREEN), (-0.1, 0, 0.1), strict=True)
    for data, colour, shift in marks:
        for width, hollow in ((64, 0.0), (256, 0.3)):
            at = (rows["data"] == data) & (rows["width"] == width)
            for place, rate in enumerate(RATE.levels):
                values = 100 * rows[at & (rows["rate"] == rate)]["value"].to_numpy(np.float64)
                if not len(values):
                    continue
                draw_blocks(
                    axes,
                    place + shift + hollow,
                    values,
                    colour=colour,
                    width=0.03,
                    label=DATA.say(data) if place == 0 and width == 64 else None,
                )
    axes.set_xticks(
        [0, 1, 2, 1.3, 2.3],
        ["no dropout\n64 wide", "p = 0.5\n64 wide", "p = 0.9\n64 wide", "256\nwide", "256\nwide"],
        fontsize=15,
    )
    axes.set_ylabel("accuracy on training rows\nin eval mode (%)")
    axes.legend(loc="lower left")
    lost = {data: differences(rows, data) for data in (DIGITS, CANCER)}
    axes.set_title(
        f"At p = 0.9 training accuracy is {told(lost[DIGITS], '.1f', 'points')}\nfrom that at 0.5 "
        f"on digits, on breast cancer {told(lost[CANCER], '.1f', 'points', interval=False)}\n(two "
        f"layers of 64, CPU; dots: {table['block'].nunique()} seeds)",
        fontsize=19,
    )
    return figure


def differences(rows: pd.DataFrame, data: str) -> NDArray[np.float64]:
    """Accuracy at 0.9 less that at 0.5 of the narrow network, in points; one a seed."""
    at = (rows["data"] == data) & (rows["width"] == 64)
    by_rate = rows[at].pivot_table(index="block", columns="rate", values="value", dropna=False)
    if not {HALF, HIGH} <= set(by_rate.columns):
        return np.full(1, np.nan)
    return 100 * (by_rate[HIGH] - by_rate[HALF]).to_numpy(np.float64)


EXPERIMENT: Experiment[Block] = Experiment(
    question="How does the rate of dropout change what a network can fit, and how fast?",
    factors=(RATE, WIDTH, DATA),
    only=_needed,
    responses=(
        Response("fits", "1", "accuracy on the training rows in eval mode"),
        Response("epochs_to", "epochs", "epochs until the training loss in eval mode is 0.1"),
    ),
    blocks=BLOCKS,
    together=TOGETHER,
    effort=EPOCHS,
    prepare_together=Cohort,
    measure_together=measure,
    claims=CLAIMS,
    figures=(fit_by_rate,),
)
