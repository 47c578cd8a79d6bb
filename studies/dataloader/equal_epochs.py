"""Is a network trained with the largest batch as good after as many epochs?

A perceptron is trained on scikit-learn's digits and breast cancer data for 20 epochs, with batches
of 16, 64, 256 and 1,024 rows where the training part holds so many; its largest power of two is the
largest batch that fits. Adam's learning rate is the same for all, or grows with the square root of
the batch, as is often advised for Adam. Judged is the accuracy on held-out rows after the last
epoch: what a larger batch gives for the same number of passes over the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
from harness.figures import BLUE, ORANGE, draw_blocks, span
from harness.libraries import torch
from harness.workloads import Split, fit_classifier, load_split, mlp_for

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

EPOCHS, BASE, LR = 20, 64, 3e-3
WORSE = 0.01
LARGEST = {"digits": 1024, "breast_cancer": 256}

DATA = Factor("data", ("digits", "breast_cancer"))
RATE = Factor("rate", ("same", "scaled"))
BATCH = Factor("batch", (16, 64, 256, 1024), control=64)

CLAIMS: tuple[Claim | Control, ...] = (
    *(
        Claim(
            "C9.06",
            Difference("accuracy", BATCH).at(data=data, batch=largest).against(smaller),
            at_least(-WORSE),
            reading="The largest is not worse: after as many epochs the accuracy on held-out rows "
            "lies at most 1 percentage point below that of any smaller batch.",
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
    digits = load_split("digits", block.seed, block.device)
    return Cell(
        block.seed,
        {"digits": digits, "breast_cancer": load_split("breast_cancer", block.seed, block.device)},
    )


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
    panels = figure.subplots(1, len(DATA.levels))
    for axes, data in zip(panels, DATA.levels, strict=True):
        rows = table[table["data"] == data]
        for rate, colour, shift in (("same", BLUE, -0.12), ("scaled", ORANGE, 0.12)):
            for place, batch in enumerate(sorted(set(rows["batch"]))):
                chosen = rows[(rows["rate"] == rate) & (rows["batch"] == batch)]
                draw_blocks(
                    axes,
                    place + shift,
                    100 * chosen["value"].to_numpy(),
                    colour=colour,
                    width=0.08,
                    label=f"learning rate {rate}" if place == 0 else None,
                )
        sizes = sorted(set(rows["batch"]))
        axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
        axes.set(title=data.replace("_", " "), xlabel="rows in a batch")
    panels[0].set_ylabel("held-out accuracy, %")
    panels[0].legend(loc="lower left")
    gaps = table.groupby(["data", "rate", "batch"])["value"].median()
    lost = [
        100 * (gaps[data, rate].max() - gaps[data, rate, largest])
        for data, largest in LARGEST.items()
        for rate in RATE.levels
    ]
    figure.suptitle(
        f"After {EPOCHS} epochs the largest batch was {span(lost, '.1f')} "
        f"percentage points\nbelow the best one ({table['block'].nunique()} splits and seeds)"
    )
    return figure


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
    responses=(Response("accuracy", "1", "accuracy"),),
    claims=CLAIMS,
    figures=(accuracy_by_batch,),
)
