"""Classifiers that are trained with smoothed labels, and the rows that they learn.

Perceptrons on digits, on the rows of the document's third listing and on breast cancer, and a small
net of convolutions on digits, on few rows, so that hard labels are fitted to the last one, the
wrong ones too where three of ten labels have been replaced. The loss is PyTorch's own: its option
at epsilon x K / (K - 1) is the document's smoothing of epsilon, and so it is set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness import Block, Factor
from harness.workloads import mlp
from harness.workloads.regularisers import digits_cnn
from harness.workloads.samples import draw_sample

if TYPE_CHECKING:
    from torch import nn

    from harness.workloads.samples import Sample, SampleName

BATCH, WRONG = 50, 0.3
CHANNELS = (8, 16)


class Task(NamedTuple):
    """Data by their name, rows to train on and in each other part, and steps and rate of training.

    Attributes:
        convolutions: whether the net is one of convolutions.
    """

    data: SampleName
    rows: int
    held_out: int
    steps: int
    rate: float
    convolutions: bool = False


DIGITS, LISTING = "digits, perceptron", "listing 3, perceptron"
CANCER, CNN = "breast cancer, perceptron", "digits, convolutions"
TASKS: Mapping[str, Task] = {
    DIGITS: Task("digits", 200, 500, 600, 3e-3),
    LISTING: Task("listing 3", 200, 500, 600, 3e-3),
    CANCER: Task("breast cancer", 100, 200, 600, 3e-3),
    CNN: Task("digits", 200, 500, 240, 3e-3, convolutions=True),
}
TASK = Factor("task", tuple(TASKS), label="net and data")
NOISE = Factor(
    "wrong",
    (0.0, WRONG),
    label="wrong labels",
    words={0.0: "clean labels", WRONG: "30 % wrong labels"},
)
SMOOTHING = Factor(
    "smoothing",
    (0.0, 0.1, 0.2, 0.3),
    control=0.0,
    words={0.0: "hard labels", **{each: f"smoothing {each:g}" for each in (0.1, 0.2, 0.3)}},
)


def draw(name: str, wrong: float, blocks: Sequence[Block]) -> Sample:
    """A task's rows, some of their training labels replaced."""
    task = TASKS[name]
    return draw_sample(
        task.data,
        [block.seed for block in blocks],
        train=task.rows,
        held_out=task.held_out,
        wrong_labels=wrong,
        device=blocks[0].device,
    )


def network(name: str, sample: Sample) -> nn.Module:
    """A task's untrained net."""
    if TASKS[name].convolutions:
        return digits_cnn(sample.classes, channels=CHANNELS)
    return mlp(sample.features, sample.classes, hidden=64)


def as_torch_has_it(smoothing: float, classes: int) -> float:
    """PyTorch's number for the document's smoothing: it shares its own with the right class too."""
    return smoothing * classes / (classes - 1)
