"""Are the first and the last batch of a shuffled epoch as random as any other?

A data set of 1,000 numbered examples is shuffled many times, and it is asked which examples come in
the first batch of 32 and in the last, which has the 8 that are left. If all places are alike, the
numbers there average to the middle of the range, and a tenth of them comes from each tenth of the
data. The margin is a hundredth of the data for both. A loader without shuffling shows what a place
looks like that is not random. The indices are those of the loader's own batch sampler, which alone
decides what the batches are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
    at_most,
    equals,
    more_than,
)
from studies.sampling.drawing import IN_ORDER, SHUFFLED, loader_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS, BATCH, TENTHS = 1000, 32, 10
LOADER = Factor("loader", (SHUFFLED, IN_ORDER), words={SHUFFLED: ""})
PLACE = Factor(
    "place",
    ("first", "middle", "last"),
    words={"first": "first batch", "middle": "middle batch", "last": "last batch"},
)
ENDS = ("first", "last")
MARGIN = 0.01  # of the data

CLAIMS = (
    Claim(
        "C2.26",
        Value("off_middle").at(loader=SHUFFLED, place=ENDS),
        equals(0.0, within=MARGIN),
        reading="As random as any other: over many epochs the numbers of the examples in this "
        "batch average to the middle of the data, within 1 % of its size.",
    ),
    Claim(
        "C2.26",
        Value("off_tenth").at(loader=SHUFFLED, place=ENDS),
        at_most(MARGIN),
        reading="As random as any other: every tenth of the data gives a tenth of the examples in "
        "this batch, within 1 percentage point.",
    ),
    Control(
        "without shuffling the first and the last batch come from one end",
        Value("off_tenth").at(loader=IN_ORDER, place=ENDS),
        more_than(0.5),
    ),
)


class Cell(NamedTuple):
    """For each loader the examples at each place, shape (epochs, examples)."""

    at: dict[str, dict[str, NDArray[np.int64]]]


def prepare(block: Block) -> Cell:
    """Draw the epochs; ``effort`` is how many."""
    return Cell({kind: examples_at(kind, block.effort) for kind in LOADER.levels})


def examples_at(kind: str, epochs: int) -> dict[str, NDArray[np.int64]]:
    """The examples in the first, the middle and the last batch of some epochs."""
    (loader,) = loader_of(kind, ROWS, BATCH)
    drawn: dict[str, list[list[int]]] = {place: [] for place in PLACE.levels}
    for _ in range(epochs):
        batches = [*loader.batch_sampler]  # type: ignore[misc]  # batches are asked for
        for place, number in (("first", 0), ("middle", len(batches) // 2), ("last", -1)):
            drawn[place].append(batches[number])
    return {place: np.array(rows) for place, rows in drawn.items()}


def measure(cell: Cell, arm: Arm) -> Responses:
    """How far the examples at a place are from a fair draw."""
    return fairness(cell.at[arm[LOADER]][arm[PLACE]])


def fairness(examples: NDArray[np.int64]) -> Responses:
    """The mean number against the middle, and the share of the oddest tenth against a tenth."""
    tenths = np.bincount((TENTHS * examples.ravel()) // ROWS, minlength=TENTHS) / examples.size
    return {
        "off_middle": float(examples.mean() - (ROWS - 1) / 2) / ROWS,
        "off_tenth": float(np.abs(tenths - 1 / TENTHS).max()),
    }


EXPERIMENT = Experiment(
    question="Are the first and the last batch of a shuffled epoch as random as any other?",
    factors=(LOADER, PLACE),
    blocks=PerProfile(1, 20, 40),
    effort=PerProfile(100, 1000, 1000),  # epochs
    prepare=prepare,
    measure=measure,
    responses=(
        Response(
            "off_middle",
            "1",
            "distance of the mean example from the middle of the data, as a share of it",
        ),
        Response("off_tenth", "1", "largest departure of a tenth of the data from its tenth"),
    ),
    claims=CLAIMS,
)
