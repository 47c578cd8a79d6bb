"""What does a min_delta of 1e-4 take for an improvement?

The document's class is shown two losses: the first, and one that is lower by so much. A gain of
1.1e-4 must count and one of 0.9e-4 must not, whatever the loss: 0.01, 1 or 100. The gain is one
against the best loss so far: whether a loss that falls by a little in every epoch counts depends on
the patience, for small gains add up against the best. That is no part of the passage, and stands
beside.
"""

from __future__ import annotations

from harness import Fact, facts
from studies.production_loop.stopping import EarlyStopping, stops_after

LEVELS = (0.01, 1.0, 100.0)
ENOUGH, TOO_LITTLE = 1.1e-4, 0.9e-4
EPOCHS = 500


def improves(loss: float, gain: float) -> bool:
    """Whether a loss that is lower by a gain counts as better than the loss."""
    stopper = EarlyStopping()
    stopper(loss)
    stopper(loss - gain)
    return stopper.waited == 0


def stopped_on_a_drift(per_epoch: float) -> int | None:
    """After how many epochs a loss that falls evenly is stopped on; None where it is not."""
    return stops_after((1 - per_epoch * epoch for epoch in range(EPOCHS)), EarlyStopping())


EXPERIMENT = facts(
    "What does a min_delta of 1e-4 take for an improvement?",
    *(
        Fact(
            "C7.13",
            f"from a loss of {loss:g} a gain of {gain * 1e4:.1f}e-4 "
            f"{'is' if counts else 'is not'} an improvement",
            lambda loss=loss, gain=gain: improves(loss, gain),
            claimed=counts,
            counterexample=lambda loss=loss, other=other: improves(loss, other),
            reading="It separates improvement from none: a loss that is lower than the best so far "
            "by a little more than 1e-4 counts as better, and one that is lower by a little less "
            "does not.",
            headline=loss == 1 and counts,
        )
        for loss in LEVELS
        for gain, other, counts in (
            (ENOUGH, TOO_LITTLE, True),
            (TOO_LITTLE, ENOUGH, False),
        )
    ),
    *(
        Fact(
            "C7.13",
            f"a loss that falls by {drift * 1e5:.1f}e-5 an epoch, which is no gain of 1e-4, is "
            "stopped on",
            lambda drift=drift: stopped_on_a_drift(drift) is not None,
            claimed=True,
            counterexample=lambda: stopped_on_a_drift(1e-3) is not None,
            beyond="the gain of an epoch over the one before; the class asks for one over the best",
        )
        for drift in (1.9e-5, 2.1e-5)
    ),
)
