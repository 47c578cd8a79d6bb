"""The classifiers with dropout whose passes are repeated, and the rows they are trained on.

Few enough rows are trained on that every network makes errors by which an uncertainty can be
judged: digits as a perceptron and as a small CNN sees them, breast cancer (medical measurements),
and the document's own synthetic classes (its listing 3), whose labels have no noise at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness import Block
from harness.libraries import nn, torch
from harness.workloads import Replicas, networks
from harness.workloads.fitting import Recipe, fit
from harness.workloads.regularisers import digits_cnn
from harness.workloads.samples import Sample, SampleName, draw_sample
from studies.mc_dropout.levels import CANCER, CNN, LISTING, PERCEPTRON

if TYPE_CHECKING:
    from harness.workloads.fitting import History

WIDTH = 128


class Plan(NamedTuple):
    """Where a classifier's rows come from, and how long it trains.

    Attributes:
        sample: the data.
        train: rows to train on.
        held_out: rows in each of the other parts.
        epochs: passes over the rows, in batches of 64, with Adam's default rate of 0.001.
    """

    sample: SampleName
    train: int
    held_out: int
    epochs: int


PLANS = {
    PERCEPTRON: Plan("digits", 200, 500, 80),
    CNN: Plan("digits", 200, 300, 60),
    CANCER: Plan("breast cancer", 60, 250, 100),
    LISTING: Plan("listing 3", 500, 500, 50),
}


def perceptron(
    features: int, outputs: int, rate: float, *, layers: int = 2, width: int = WIDTH
) -> nn.Sequential:
    """Hidden layers of one width, each Linear, ReLU and Dropout."""
    return networks.perceptron(
        features, outputs, (width,) * layers, lambda *_: (nn.ReLU(), nn.Dropout(rate))
    )


def classifier(task: str, features: int, classes: int, rate: float) -> nn.Module:
    """A task's network, untrained, its weights from torch's stream."""
    if task == CNN:
        return digits_cnn(classes, channels=(8, 16), conv_dropout=0.0, head_dropout=rate)
    return perceptron(features, classes, rate)


class Trained(NamedTuple):
    """Networks after their training, a replica a block, and their rows."""

    nets: Replicas
    sample: Sample
    history: History


def train(task: str, rate: float, blocks: Sequence[Block], *, shortened: int = 1) -> Trained:
    """Train a task's network for every block.

    Args:
        task: one of ``PLANS``.
        rate: of the dropout.
        blocks: one replica each.
        shortened: by what the number of epochs is divided.
    """
    plan = PLANS[task]
    sample = draw_sample(
        plan.sample,
        [block.seed for block in blocks],
        train=plan.train,
        held_out=plan.held_out,
        device=blocks[0].device,
    )
    epochs = max(1, plan.epochs // shortened)
    recipe = Recipe(epochs, optimiser="Adam", lr=1e-3, watch_every=epochs)
    history = fit(lambda: classifier(task, sample.features, sample.classes, rate), sample, recipe)
    # Masks of the passes to come: a stream of their own, which all blocks of a cohort share.
    torch.manual_seed(blocks[0].seed)
    return Trained(history.nets, sample, history)
