"""Techniques at several strengths, trained on the same seeds, each seed with its best strength.

A technique is a list of candidates. All of them are trained on equal weights and batches, and for
each seed the one with the highest validation accuracy stands for the technique, the first of
equals. What it is worth is read from test rows, which neither this choice nor that of the epoch has
seen. Techniques that are compared have equally many candidates, so that none profits from more
tries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import Block
from harness.workloads.fitting import History, Recipe, fit

if TYPE_CHECKING:
    from torch import nn

    from harness.workloads.samples import Sample

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """One way to train.

    Attributes:
        make: the network.
        recipe: how.
    """

    make: Callable[[], nn.Module]
    recipe: Recipe


@dataclass(frozen=True)
class Chosen:
    """What a technique comes to at the strength of each replica's choice; shapes (replicas,).

    Attributes:
        which: the candidate's number.
        best: test accuracy after the epoch with the highest validation accuracy.
        last: test accuracy after the last epoch, of the candidate that is best there.
        train: accuracy on the training rows at the same epoch as ``best``.
        val: validation accuracy there.
    """

    which: NDArray[np.int64]
    best: Numbers
    last: Numbers
    train: Numbers
    val: Numbers


@dataclass
class Bench:
    """Some blocks, and what has been trained for them; a candidate trains once.

    Attributes:
        blocks: one a replica.
        draw: a setting's rows, for these blocks.
        candidates: of a setting, by name.
    """

    blocks: tuple[Block, ...]
    draw: Callable[[str, tuple[Block, ...]], Sample]
    candidates: Callable[[str, int], Mapping[str, Candidate]]
    samples: dict[str, Sample] = field(default_factory=dict)
    trained: dict[tuple[str, str], History] = field(default_factory=dict)

    def sample(self, setting: str) -> Sample:
        """The rows of a setting."""
        if setting not in self.samples:
            self.samples[setting] = self.draw(setting, self.blocks)
        return self.samples[setting]

    def train(self, setting: str, name: str) -> History:
        """What training a candidate gives."""
        if (setting, name) not in self.trained:
            candidate = self.candidates(setting, self.blocks[0].effort)[name]
            history = fit(candidate.make, self.sample(setting), candidate.recipe)
            self.trained[setting, name] = history
        return self.trained[setting, name]

    def choose(self, setting: str, names: Sequence[str]) -> Chosen:
        """The best of some candidates for each replica."""
        return choose([self.train(setting, name) for name in names])


def choose(histories: Sequence[History]) -> Chosen:
    """For each replica the candidate with the highest validation accuracy, the first of equals.

    The epoch is chosen alike: by the validation loss, a net would stop early whose confidence grows
    faster than its accuracy, and smoothed or mixed targets would look better than they are.
    """
    rows = [history.val_score.argmax(axis=0) for history in histories]

    def at_best(name: str) -> Numbers:
        return np.stack([h.at(name, row) for h, row in zip(histories, rows, strict=True)])

    def at_last(name: str) -> Numbers:
        return np.stack([history.last(name) for history in histories])

    which = at_best("val_score").argmax(axis=0)
    at_the_end = at_last("val_score").argmax(axis=0)
    return Chosen(
        which=which,
        best=picked(at_best("test_score"), which),
        last=picked(at_last("test_score"), at_the_end),
        train=picked(at_best("train_score"), which),
        val=picked(at_best("val_score"), which),
    )


def picked(values: Numbers, which: NDArray[np.int64]) -> Numbers:
    """Each replica's number of the candidate that it chose.

    Args:
        values: shape (candidates, replicas).
        which: shape (replicas,).
    """
    chosen: Numbers = values[which, np.arange(len(which))]
    return chosen
