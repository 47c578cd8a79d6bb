"""Is a network trained with the largest batch as good after as many epochs?

A perceptron is trained on scikit-learn's digits and breast cancer data for 20 epochs, with batches
of 16, 64, 256 and 1,024 rows where the training part holds so many; its largest power of two is the
largest batch that fits. Adam's learning rate is the same for all, or grows with the square root of
the batch, as is often advised for Adam. Judged is the accuracy on held-out rows after the last
epoch: what a larger batch gives for the same number of passes over the data. What fits in memory is
more than these data sets have; the largest power of two that they fill stands for it. What batch
sizes cost in time is asked elsewhere (``batch_size``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
)
from harness.figures import BLUE, ORANGE, draw_blocks, median_interval, span
from harness.libraries import torch
from harness.workloads import Split, fit_classifier, load_split, mlp_for

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

EPOCHS, BASE, LR = 20, 64, 3e-3
WORSE = 0.01
DIGITS: Final = "digits"
CANCER: Final = "breast_cancer"
LARGEST = {DIGITS: 1024, CANCER: 256}

DATA = Factor("data", (DIGITS, CANCER), words={CANCER: "breast cancer"})
RATE = Factor(
    "rate",
    ("same", "scaled"),
    words={"same": "one learning rate", "scaled": "learning rate grown with the batch"},
)
SIZES = (16, 64, 256, 1024)
BATCH = Factor("batch", SIZES, control=64, words={size: f"batches of {size:,}" for size in SIZES})

CLAIMS: tuple[Claim | Control, ...] = (
    *(
        Claim(
            "C9.06",
            Difference("accuracy", BATCH).at(data=data, batch=largest).against(smaller),
            at_least(-WORSE),
            reading="The largest is not worse: after as many epochs the accuracy on held-out rows "
            "lies at most 1 percentage point below that of any smaller batch.",
            headline={"rate": "same"} if (data, smaller) == (DIGITS, 64) else False,
        )
        for data, largest in LARGEST.items()
        for smaller in BATCH.levels
        if smaller < largest
    ),
    Control(
        "the networks learn",
        Value("accuracy").at(batch=64),
        at_least(0.8),
    ),
)


class Cell(NamedTuple):
    """What the arms of a block share; the seed is that of weights and orders."""

    seed: int
    splits: dict[str, Split]


def prepare(block: Block) -> Cell:
    """Both data sets, split."""
    digits = load_split(DIGITS, block.seed, block.device)
    return Cell(block.seed, {DIGITS: digits, CANCER: load_split(CANCER, block.seed, block.device)})


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train from the block's weights, and count the held-out rows that are right."""
    split, batch = cell.splits[arm[DATA]], arm[BATCH]
    model = fit_classifier(
        mlp_for(split, cell.seed),
        split.train_x,
        split.train_y,
        seed=cell.seed,
        epochs=EPOCHS,
        batch_size=batch,
        lr=LR * (batch / BASE) ** 0.5 if arm[RATE] == "scaled" else LR,
    )
    with torch.no_grad():
        predicted = model(split.val_x).argmax(dim=1)
    return {"accuracy": float((predicted == split.val_y).double().mean())}


def accuracy_by_batch(table: pd.DataFrame) -> Figure:
    """Accuracy after 20 epochs for each batch size, data set and rule for the learning rate."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, len(DATA.levels), sharex=True, sharey=True)
    for axes, data in zip(panels, DATA.levels, strict=True):
        for rate, colour, shift in (("same", BLUE, -0.12), ("scaled", ORANGE, 0.12)):
            for place, batch in enumerate(BATCH.levels):
                accuracies = 100 * _accuracies(table, data, rate, batch)
                if not len(accuracies):
                    continue
                label = RATE.say(rate) if place == 0 else None
                draw_blocks(axes, place + shift, accuracies, colour=colour, width=0.08, label=label)
        axes.set(title=f"{DATA.say(data)}, at most {LARGEST[data]:,}", xlabel="rows in a batch")
    panels[0].set_xticks(range(len(BATCH.levels)), [f"{batch:,}" for batch in BATCH.levels])
    panels[0].set_ylabel("held-out accuracy after 20 epochs, %")
    panels[0].legend(loc="lower left", title="dots: splits and seeds")
    figure.suptitle(_finding(table), fontsize=22)
    return figure


def _accuracies(table: pd.DataFrame, data: str, rate: str, batch: int) -> NDArray[np.float64]:
    """One a block, in the order of the blocks."""
    chosen = table[(table["data"] == data) & (table["rate"] == rate) & (table["batch"] == batch)]
    return np.asarray(chosen.sort_values("block")["value"], np.float64)


def _finding(table: pd.DataFrame) -> str:
    """The headline of the claim: digits, one learning rate, the largest batch against 64."""
    largest = LARGEST[DIGITS]
    gaps = 100 * (
        _accuracies(table, DIGITS, "same", largest) - _accuracies(table, DIGITS, "same", 64)
    )
    interval = median_interval(gaps)
    more = "more" if interval.estimate > 0 else "less"
    size = abs(interval.estimate)
    within = span(sorted(map(abs, (interval.low, interval.high))), ".1f")
    if interval.low < 0 < interval.high:
        within = f"{interval.low:+.1f} to {interval.high:+.1f}"
    return (
        f"Digits: {size:.1f} points {more} accuracy with batches of {largest:,} than of 64\n"
        f"after {EPOCHS} epochs (99 % interval {within}; n = {len(gaps)} splits and seeds)"
    )


def _fits(arm: Arm) -> bool:
    """No batch is larger than the training part."""
    return arm[BATCH] <= LARGEST[arm[DATA]]


EXPERIMENT = Experiment(
    question="Is a network trained with the largest batch as good after as many epochs?",
    factors=(DATA, RATE, BATCH),
    only=_fits,
    blocks=PerProfile(1, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=(Response("accuracy", "1", "accuracy on held-out rows"),),
    claims=CLAIMS,
    figures=(accuracy_by_batch,),
)
