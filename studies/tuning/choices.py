"""What is chosen among the strengths for each seed, and what a rule for going on arrives at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import Factor
from studies.tuning.ladder import (
    ALL_DECAYS,
    ALL_RATES,
    DECAYS,
    FROM_LARGE,
    FROM_SMALL,
    NONE,
    STRENGTHS,
    TENFOLD,
    USUAL,
    Ladder,
    decay_of,
)

if TYPE_CHECKING:
    from studies.tuning.tasks import Numbers

CHOSEN_DECAY = "the decay chosen on validation rows"
CHOSEN_USUAL = "the decay from 0.0001 to 0.01 chosen on validation rows"
CHOSEN_RATE = "the dropout rate chosen on validation rows"
FOUR_SMALL = "the best of 0.0001 and three doublings"
FOUR_LARGE = "the best of 0.01 and three doublings"
FOUR_TENFOLD = "the best of four decays ten times apart"
#: The ladder rises by two to five times a step, not always by two.
RAISED = "the decay raised from 0.0001 until the gap is under 10 %"
#: What is chosen for each seed: among which strengths.
CHOICES = {
    CHOSEN_DECAY: ALL_DECAYS,
    CHOSEN_USUAL: tuple(map(decay_of, USUAL)),
    CHOSEN_RATE: ALL_RATES,
    FOUR_SMALL: tuple(map(decay_of, FROM_SMALL)),
    FOUR_LARGE: tuple(map(decay_of, FROM_LARGE)),
    FOUR_TENFOLD: tuple(map(decay_of, TENFOLD)),
}

STRENGTH = Factor(
    "strength",
    (*STRENGTHS, *CHOICES, RAISED),
    control=NONE,
    words={NONE: "no regularisation"},
)

EARLY = 20  # epochs after which the document looks at the gap
LARGEST_GAP = 0.1  # of the training loss


def strengths_of(ladder: Ladder, task: str, strength: str, epoch: str) -> list[str]:
    """The strength that each block trains with; a choice is made with the weights of an epoch."""
    if strength in STRENGTHS:
        return [strength] * len(ladder.blocks)
    if strength == RAISED:
        return narrow_enough(ladder, task)
    names = CHOICES[strength]
    return [names[place] for place in ladder.lowest(task, names, epoch)]


def narrow_enough(ladder: Ladder, task: str) -> list[str]:
    """For each block the first decay from 0.0001 on with a gap under 10 %, or the strongest."""
    chosen = [decay_of(DECAYS[-1])] * len(ladder.blocks)
    for decay in reversed(DECAYS):
        history = ladder.history(task, decay_of(decay))
        at = early(history.train_loss)
        narrow = history.val_loss[at] <= (1 + LARGEST_GAP) * history.train_loss[at]
        chosen = [decay_of(decay) if ok else name for ok, name in zip(narrow, chosen, strict=True)]
    return chosen


def early(curve: Numbers) -> int:
    """The row of a curve over epochs that is 20 epochs in, or the last."""
    return min(EARLY, len(curve)) - 1
