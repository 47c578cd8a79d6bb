"""The strengths that are tried, from none to far too much, and what is chosen among them.

Decays are those of AdamW at a rate of 0.001: the document's own, their first doublings, and on, by
steps of two to five times, to one at which four per cent of every weight go at each step. The
strongest decay and the strongest dropout were named before any row: on other seeds, training
accuracy there was the least of the ladder.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from harness.workloads.fitting import Recipe, fit
from studies.tuning.cohort import Cohort
from studies.tuning.tasks import RESIDUAL, network_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.workloads.fitting import History

    Places = NDArray[np.int64]

SMALL, WORKFLOW, GUIDE, LARGE = 1e-4, 1e-3, 5e-3, 1e-2  # the document's decays
FROM_SMALL = (1e-4, 2e-4, 4e-4, 8e-4)
FROM_LARGE = (1e-2, 2e-2, 4e-2, 8e-2)
TENFOLD = (1e-3, 1e-2, 8e-2, 1.28)  # about ten times apart
USUAL = (*FROM_SMALL, WORKFLOW, GUIDE, LARGE)  # the range that the document names
STRONGEST, HALVED, HALVED_TWICE = 40.96, 20.48, 10.24
DECAYS: tuple[float, ...] = (
    *FROM_SMALL,
    WORKFLOW,
    GUIDE,
    *FROM_LARGE,
    *(0.32, 1.28, 5.12),
    *(HALVED_TWICE, HALVED, STRONGEST),
)
RATES = (0.2, 0.3, 0.5, 0.7, 0.9, 0.98)


@dataclass(frozen=True)
class Strength:
    """A decay, and dropout rates behind the hidden layers from the input on."""

    decay: float = 0.0
    rates: tuple[float, ...] = (0.0,)


def decay_of(strength: float) -> str:
    """The name of a decay."""
    return f"decay {strength:g}"


def rate_of(rate: float) -> str:
    """The name of a dropout rate behind all hidden layers."""
    return f"dropout {rate:g}"


def late(rate: float) -> str:
    """The name of a dropout rate behind the last hidden layer alone."""
    return f"dropout {rate:g} behind the last hidden layer alone"


NONE = "none"
WIDEST = "decay 0.001, dropout 0.5 in the widest layers"
#: Every strength that is trained, by its name; the widest layer of a perceptron is its first.
STRENGTHS = {
    NONE: Strength(),
    **{decay_of(each): Strength(decay=each) for each in DECAYS},
    **{rate_of(each): Strength(rates=(each,)) for each in RATES},
    **{late(each): Strength(rates=(0.0, each)) for each in (0.9, 0.98)},
    WIDEST: Strength(decay=WORKFLOW, rates=(0.5, 0.0)),
}
#: The strengths that a network feels: a weaker decay takes less than 4 % off any weight over a
#: whole training, which is that without regularisation over again.
FELT = 0.32
#: Of these, those at which a network may still learn its rows. "Both losses high" and "starved"
#: were named with the strengths, before any row.
LEARNING = tuple(
    name
    for name, each in STRENGTHS.items()
    if (each.decay == 0 or FELT <= each.decay < HALVED_TWICE or name == WIDEST)
    and (each.rates[0] < 0.9 and each.rates[-1] < 0.98)
)
ALL_DECAYS = (NONE, *map(decay_of, DECAYS))
ALL_RATES = (NONE, *map(rate_of, RATES))


BY_HEART = 2.5  # times as many epochs, after which wrong labels are learnt
WATCH = 5  # epochs apart, while they are


@dataclass
class Ladder(Cohort):
    """A cohort with every training that has been asked for.

    Attributes:
        histories: by task, strength and share of wrong labels.
    """

    histories: dict[tuple[str, str, float], History] = field(default_factory=dict)

    def history(self, task: str, strength: str, wrong: float = 0.0) -> History:
        """A training of a task at a strength of ``STRENGTHS``.

        Args:
            task: which.
            strength: its name.
            wrong: the share of labels trained on that are wrong.
        """
        if (task, strength, wrong) not in self.histories:
            sample, how = self.sample(task, wrong=wrong), STRENGTHS[strength]
            rates = how.rates
            if task == RESIDUAL and strength == WIDEST:
                rates = (0.5,)  # its hidden layers are all as wide
            self.histories[task, strength, wrong] = fit(
                network_of(task, sample, rates),
                sample,
                Recipe(
                    epochs=int(BY_HEART * self.epochs) if wrong else self.epochs,
                    decay=how.decay,
                    watch_every=WATCH if wrong else 1,
                ),
            )
        return self.histories[task, strength, wrong]

    def lowest(self, task: str, names: Sequence[str], epoch: str) -> Places:
        """For each block the place of the strength with the lowest validation loss.

        Args:
            task: which.
            names: the strengths to choose among; of equals the first is taken.
            epoch: see ``kept``.
        """
        found = []
        for name in names:
            history = self.history(task, name)
            found.append(history.at("val_loss", kept(history, epoch)))
        places: Places = np.nan_to_num(np.stack(found), nan=np.inf).argmin(axis=0)
        return places


LAST, BEST, STOPPED = "last", "best", "stopped"
PATIENCE = 5


def kept(history: History, epoch: str) -> Places:
    """For each replica the row of a history whose weights are kept.

    Args:
        history: of a training.
        epoch: the last; the one of the lowest validation loss; or that of early stopping, which
            waits for 5 epochs.
    """
    if epoch == LAST:
        return np.full(history.val_loss.shape[1], len(history.val_loss) - 1)
    return history.best(PATIENCE if epoch == STOPPED else None)


def doublings(decay: float) -> float:
    """How many doublings lead from 0.0001 to a decay: no whole number, where it is no doubling."""
    return math.log2(decay / SMALL)
