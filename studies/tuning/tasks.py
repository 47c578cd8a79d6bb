"""The small classification tasks that most advice is tried on: rows, a network, and how to read it.

Three data sets and two kinds of networks: listing 3's synthetic rows, digits and breast cancer with
the listing's perceptron of 128 and 64 units; digits also with residual blocks. Of each there are a
few hundred rows to train on, so that a network learns them by heart; two more parts are held out,
one to stop and to choose with, and one that no choice has seen, on which all is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness import Factor
from harness.libraries import nn
from harness.workloads import networks
from harness.workloads.samples import SampleName

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.workloads.fitting import History
    from harness.workloads.samples import Sample

    Numbers = NDArray[np.float64]

#: The margins of the whole catalogue: 5 % of a loss, one percentage point of an accuracy.
WORSE, BETTER, POINT = 1.05, 0.95, 0.01

LISTING, DIGITS, CANCER = "listing 3", "digits", "breast cancer"
RESIDUAL = "digits, residual"
TASK = Factor(
    "task",
    (LISTING, DIGITS, CANCER, RESIDUAL),
    words={
        LISTING: "listing 3's data",
        DIGITS: "digits",
        CANCER: "breast cancer",
        RESIDUAL: "digits with a residual network",
    },
)
PERCEPTRONS = (LISTING, DIGITS, CANCER)
WIDTHS = (128, 64)  # of listing 3's hidden layers
RESIDUAL_WIDTH, RESIDUAL_BLOCKS = 64, 2


@dataclass(frozen=True)
class Rows:
    """Which rows a task has."""

    name: SampleName
    train: int
    held_out: int


#: A few hundred rows to train on, and as many as there are, up to 400, in each part held out.
ROWS = {
    LISTING: Rows("listing 3", 400, 400),
    DIGITS: Rows("digits", 300, 400),
    CANCER: Rows("breast cancer", 200, 180),
    RESIDUAL: Rows("digits", 300, 400),
}


def labelled(tasks: Sequence[str], words: str) -> dict[str, str]:
    """What readers see of tasks, with words on their labels: "digits, half of the labels wrong"."""
    return {task: f"{TASK.say(task)}, {words}" for task in tasks}


def network_of(task: str, sample: Sample, rates: Sequence[float]) -> Callable[[], nn.Module]:
    """What makes a task's network.

    Args:
        task: a level of ``TASK``.
        sample: its rows, for their width and classes.
        rates: of dropout behind each hidden layer, or within each residual block, from the input
            on; the last goes on to the end.
    """
    if task == RESIDUAL:
        return lambda: residual(sample.features, sample.classes, rates)
    return lambda: perceptron(sample.features, sample.classes, WIDTHS, rates)


def perceptron(
    features: int, classes: int, widths: Sequence[int], rates: Sequence[float]
) -> nn.Sequential:
    """Hidden layers with ReLU and dropout, and a linear read-out.

    Args:
        features: width of the input.
        classes: width of the output.
        widths: of the hidden layers.
        rates: of dropout behind each; the last goes on to the end.
    """
    each = prolonged(rates, len(widths))
    return networks.perceptron(
        features, classes, widths, lambda place, _: (nn.ReLU(), nn.Dropout(each[place]))
    )


def residual(features: int, classes: int, rates: Sequence[float]) -> nn.Sequential:
    """Residual blocks of two layers, with dropout between them, behind a first layer without."""
    from harness.workloads.regularisers import Residual  # a class of torch's, which loads it

    blocks = [
        Residual(
            nn.Sequential(
                nn.Linear(RESIDUAL_WIDTH, RESIDUAL_WIDTH),
                nn.ReLU(),
                nn.Dropout(rate),
                nn.Linear(RESIDUAL_WIDTH, RESIDUAL_WIDTH),
            )
        )
        for rate in prolonged(rates, RESIDUAL_BLOCKS)
    ]
    stem = [nn.Linear(features, RESIDUAL_WIDTH), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.Linear(RESIDUAL_WIDTH, classes))


def prolonged(rates: Sequence[float], count: int) -> list[float]:
    """Rates for so many layers: the last goes on to the end, and what is too many is left out."""
    return [rates[min(place, len(rates) - 1)] for place in range(count)]


def gap(history: History, at: NDArray[np.int64] | None = None) -> Numbers:
    """Training less test accuracy, in eval mode, of each replica.

    Args:
        history: of a training.
        at: the row of each replica to read; after the last epoch without.
    """
    if at is None:
        return history.last("train_score") - history.last("test_score")
    return history.at("train_score", at) - history.at("test_score", at)
