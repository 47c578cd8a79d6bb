"""Does document D's tuning code run, and what does it return?

The search of listing 4 (``search``) is run once in earnest: on the rows of listing 3 and with the
listing's four configurations; the network is that of listing 2 with sizes of our own, for the
listing names a class that takes a drop rate alone. Which configuration it returns is asked where
the answer is known beforehand: networks that cannot learn answer every epoch as they were told to,
with more or less confidence in the true class, so that each one's lowest loss is known in closed
form. The best of four stands in each place once; its best epoch is neither its first nor its last.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness import Fact, facts
from harness.libraries import functional, nn, torch
from harness.workloads.six_strategies import (
    BATCH,
    CLASSES,
    HELD_OUT_BATCH,
    Rows,
    Strategy,
    draw_rows,
    loader,
    network,
)
from studies.listings.endings import ending, runs
from studies.listings.search import CONFIGS, search

if TYPE_CHECKING:
    from torch import Tensor

    from studies.listings.search import Config

#: How confident the networks are in the true class, epoch by epoch: the more, the lower the loss.
BEST = (1.0, 3.0, 2.0)
WORSE = ((2.5, 0.5), (0.5, 1.0, 1.5), (2.0,))


def told(**arguments: Any) -> nn.Module:  # noqa: ANN401 - as a class takes them
    """A network that cannot learn, and is as confident in each epoch as it is told to be.

    The true class of a row stands in its features as a one among zeros. The last confidence stays.
    """
    confidences: Sequence[float] = arguments["confidences"]

    class Told(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(()))
            self.validated = 0

        def forward(self, x: Tensor) -> Tensor:
            at = min(self.validated, len(confidences) - 1)
            self.validated += not self.training
            return confidences[at] * x + 0 * self.unused

    return Told()


def telling_rows() -> Rows:
    """Rows whose features are their class, as ``told`` reads it."""
    y = torch.arange(BATCH) % CLASSES
    return Rows(functional.one_hot(y, CLASSES).float(), y)


def place_returned(confidences: Sequence[Sequence[float]]) -> int:
    """Which of some configurations the search returns."""
    configs = [{"model_args": {"confidences": each}, "wd": 0.0} for each in confidences]
    batches = loader(telling_rows(), BATCH, shuffle=False)
    return configs.index(search(told, batches, batches, configs)["config"])


def with_the_best_at(place: int) -> list[Sequence[float]]:
    """Four networks' confidences, the best of them at a place."""
    others: list[Sequence[float]] = list(WORSE)
    return [*others[:place], BEST, *others[place:]]


def tuned(configs: Sequence[Config]) -> dict[str, Any]:
    """The search in earnest."""
    train, held_out = draw_rows()

    def make(dropout_rate: float) -> nn.Module:
        return network(Strategy(dropout=True), drop=dropout_rate)

    batches = loader(train, BATCH, shuffle=True), loader(held_out, HELD_OUT_BATCH, shuffle=False)
    return search(make, *batches, configs)


@functools.cache
def tuned_as_listed() -> dict[str, Any]:
    """The search in earnest with the listing's own configurations, once for all that ask."""
    return tuned(CONFIGS)


def with_a_class_that_needs_sizes() -> dict[str, Any]:
    """The search with a network as listing 2 declares it: sizes first, then the drop rate."""

    def make(features: int, hidden: int, classes: int, dropout_rate: float = 0.5) -> nn.Module:
        return nn.Sequential(
            nn.Linear(features, hidden), nn.Dropout(dropout_rate), nn.Linear(hidden, classes)
        )

    batches = loader(draw_rows()[0], BATCH, shuffle=True)
    return search(make, batches, batches, CONFIGS)


PLACES = range(1 + len(WORSE))

EXPERIMENT = facts(
    "Does document D's tuning code run, and what does it return?",
    Fact(
        "D-list4-1",
        "the search runs with loaders and a class that takes a drop rate",
        ending(lambda: [tuned_as_listed()]),
        runs(1),
        ending(lambda: [tuned([{"model_args": {}}])]),
        reading="Given loaders and a class that takes the drop rate alone, the search over the "
        "listing's four configurations ends without an exception.",
        headline=True,
    ),
    Fact(
        "D-list4-1",
        "the search runs with a class that needs sizes as well",
        ending(lambda: [with_a_class_that_needs_sizes()]),
        runs(1),
        ending(lambda: [tuned([{"model_args": {}}])]),
        beyond="a class with other arguments, such as the document's own classifier",
    ),
    Fact(
        "D-list4-2",
        "wherever it stands, the configuration with the lowest loss of any epoch is returned",
        lambda: [place_returned(with_the_best_at(place)) for place in PLACES],
        list(PLACES),
        lambda: [place_returned([BEST] * len(PLACES)) for _ in PLACES],
        reading="Of four configurations whose lowest losses are known, the search returns the one "
        "whose loss is lowest in any epoch, in whichever place it stands.",
        headline=True,
    ),
    Fact(
        "D-list4-2",
        "a trained network comes with the configuration",
        lambda: any(isinstance(each, nn.Module) for each in tuned_as_listed().values()),
        True,
        lambda: any(isinstance(each, nn.Module) for each in CONFIGS[0].values()),
        beyond="the weights, which the listing does not promise",
    ),
)
