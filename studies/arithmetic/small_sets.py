"""Do the documents' smaller examples come out: 1,000 at batch 64, and 100 at batch 16?

Both are worked by hand in the document. They are counted in a loop, as in ``ten_thousand``: number
and sizes of the batches, weight updates, examples; and what ``drop_last`` leaves out.

A quiz asks what ``drop_last`` does and prints no answer; the text's own stands in the passage that
is judged here, and the quiz (C1.23) shares its conditions.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import Any

from harness import Fact, facts
from harness.libraries import torch
from harness.workloads.arithmetic import Run
from studies.arithmetic.counting import counted
from studies.arithmetic.twins import twins

THOUSAND = Run(1_000, 64, epochs=5)
HUNDRED = Run(100, 16)
DROPPED = Run(100, 16, drop_last=True)
EPOCHS = 200


def sizes(run: Run) -> list[tuple[int, int]]:
    """The first epoch's batches as they came: how many of which size, one size after another."""
    return [(len(list(same)), size) for size, same in groupby(counted(run).epochs[0])]


def by_size(run: Run, kept: int) -> tuple[int, int, int, int, int, int]:
    """Updates; full batches, others; examples in full ones, in others; and all examples."""
    counts = Counter(counted(run).sizes)
    full = counts.pop(kept, 0)
    others = sum(counts.values())
    in_others = sum(size * times for size, times in counts.items())
    updates = len(counted(run).updates)
    return updates, full, others, full * kept, in_others, full * kept + in_others


def left_out(run: Run) -> int:
    """Examples of the data set that the first epoch did not deliver."""
    return run.examples - counted(run).distinct[0]


def never_seen(*, shuffle: bool) -> int:
    """Examples that none of many epochs with ``drop_last`` delivers."""
    data: Any = range(DROPPED.examples)  # it has what a loader asks for
    loader: Any = torch.utils.data.DataLoader(
        data, batch_size=DROPPED.batch, shuffle=shuffle, drop_last=True
    )
    seen = {row for _ in range(EPOCHS) for batch in loader for row in batch.tolist()}
    return DROPPED.examples - len(seen)


FLOOR = Fact(
    "C1.16",
    "with drop_last an epoch is 6 batches of 16",
    lambda: sizes(DROPPED),
    [(6, 16)],
    lambda: sizes(HUNDRED),
    reading="An epoch of a loader over 100 examples at batch 16 with drop_last is 6 batches, all "
    "of 16.",
    headline=True,
)
UNSEEN = Fact(
    "C1.16",
    "with drop_last 4 examples are not seen in an epoch",
    lambda: left_out(DROPPED),
    4,
    lambda: left_out(HUNDRED),
    reading="Of the 100 examples 4 are in no batch of the epoch.",
)

EXPERIMENT = facts(
    "Do the documents' worked counts of 1,000 and of 100 examples come out?",
    Fact(
        "C0.11",
        "1,000 examples at batch 64 are 15 batches of 64 and one of 40",
        lambda: sizes(THOUSAND),
        [(15, 64), (1, 40)],
        lambda: sizes(Run(1_024, 64)),
        reading="The batches of an epoch, in the order they come: how many of which size.",
        headline=True,
    ),
    Fact(
        "C0.11",
        "1,000 / 64 is 15.625",
        lambda: THOUSAND.examples / THOUSAND.batch,
        15.625,
        lambda: HUNDRED.examples / HUNDRED.batch,
    ),
    Fact(
        "C0.12",
        "5 epochs are 80 updates: 75 batches of 64 and 5 others, 4,800 + 200 = 5,000 examples",
        lambda: by_size(THOUSAND, 64),
        (80, 75, 5, 4_800, 200, 5_000),
        lambda: by_size(Run(1_000, 64, epochs=5, drop_last=True), 64),
        reading="Counted in a plain loop of 5 epochs: weight updates, full batches, other batches, "
        "the examples in either, and all examples.",
        headline=True,
    ),
    Fact(
        "C1.14",
        "100 examples at batch 16 are 6 batches of 16 and one of 4",
        lambda: sizes(HUNDRED),
        [(6, 16), (1, 4)],
        lambda: sizes(DROPPED),
        reading="The batches of an epoch, in the order they come: how many of which size.",
        headline=True,
    ),
    FLOOR,
    UNSEEN,
    Fact(
        "C1.16",
        "shuffled, no example is left out of all of 200 epochs",
        lambda: never_seen(shuffle=True),
        0,
        lambda: never_seen(shuffle=False),
        beyond="many epochs, where the passage speaks of one",
        reading="Examples that 200 epochs with drop_last never deliver: none.",
    ),
    more=(*twins(FLOOR, "C1.23", headline=True), *twins(UNSEEN, "C1.23")),
)
