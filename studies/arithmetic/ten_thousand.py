"""Do the numbers of chapter 0's own run come out: 10,000 examples at batch 32 for 3 epochs?

The passage, its summary table and the lines that its function prints say the same numbers over and
over. Each is counted in a loop that runs (``counting``), once plain and once with 4 batches
accumulated; twins share the one condition. The function itself is written anew from the formulas
(``harness.workloads.arithmetic``), and what it prints is compared line by line.

That it prints 237 is one thing. Whether a run makes 237 weight updates is another claim's question
(C0.23), and is shown here as lying beyond what the function prints.
"""

from __future__ import annotations

import sys

from harness import Beyond, Claim, Fact, facts, printed
from harness.workloads.arithmetic import Run
from studies.arithmetic.counting import Counted, counted, epoch, odd
from studies.arithmetic.twins import twins

PLAIN = Run(10_000, 32, epochs=3)
ACCUMULATED = Run(10_000, 32, epochs=3, accumulate=4)
DROPPED = Run(10_000, 32, epochs=3, drop_last=True)
SMALLER = Run(1_000, 64, epochs=5)


def updates(run: Run, *, flush: bool = False) -> int:
    """Weight updates of the whole run, counted."""
    return len(counted(run, flush=flush).updates)


def delivered(run: Run) -> int:
    """Examples that passed through the loop, counted."""
    return sum(counted(run).sizes)


def first_update(run: Run) -> int:
    """Examples that the first weight update was made of, counted."""
    return counted(run).updates[0]


def print_plain(run: Run) -> None:
    """What the printed function says of a run without accumulation, a number a line."""
    numbers = (run.batches_per_epoch, run.last_batch, run.updates, run.examples_seen)
    sys.stdout.writelines(f"{number}\n" for number in numbers)


def print_accumulated(run: Run) -> None:
    """What it says of one with accumulation."""
    sys.stdout.writelines(f"{number}\n" for number in (run.effective_batch, run.updates))


def full_batches(run: Counted) -> int:
    """The one size of all batches but each epoch's last; 0 where they have several."""
    sizes = {size for batches in run.epochs for size in batches[:-1]}
    return sizes.pop() if len(sizes) == 1 else 0


BATCHES = Fact(
    "C0.06",
    "an epoch is 313 batches, the last of 16",
    lambda: epoch(PLAIN),
    (313, 16),
    lambda: epoch(DROPPED),
    reading="An epoch of a loader over 10,000 examples at batch 32 has 313 batches, and the last "
    "of them has 16 examples.",
    headline=True,
)
UPDATES = Fact(
    "C0.08",
    "3 epochs are 939 weight updates",
    lambda: updates(PLAIN),
    939,
    lambda: updates(ACCUMULATED),
    reading="A plain loop over 3 epochs calls the optimiser's step 939 times, and each changes the "
    "weight.",
    headline=True,
)
SEEN = Fact(
    "C0.21",
    "3 epochs are 30,000 examples seen",
    lambda: delivered(PLAIN),
    30_000,
    lambda: delivered(DROPPED),
    reading="A loop over 3 epochs is given 30,000 examples.",
)
EFFECTIVE = Fact(
    "C0.17",
    "a weight update of 4 batches of 32 is made of 128 examples",
    lambda: first_update(ACCUMULATED),
    128,
    lambda: first_update(PLAIN),
    reading="Effective batch: the examples whose gradients are summed in a weight update of 4 "
    "whole batches of 32.",
    headline=True,
)
PRINTED = Fact(
    "C0.21",
    "the function prints 313, 16, 939 and 30000",
    printed(lambda: print_plain(PLAIN)),
    "313\n16\n939\n30000",
    printed(lambda: print_plain(SMALLER)),
    reading="The function, written anew, prints these four numbers when called with 10000, 32, 3.",
    headline=True,
)
PRINTED_ACCUMULATED = Fact(
    "C0.22",
    "with 4 to accumulate the function prints 128 and 237",
    printed(lambda: print_accumulated(ACCUMULATED)),
    "128\n237",
    printed(lambda: print_accumulated(PLAIN)),
    reading="The function, written anew, prints these two numbers with accum_steps=4.",
    headline=True,
)
STATED = (
    BATCHES,
    Fact(
        "C0.06",
        "10,000 / 32 is 312.5",
        lambda: PLAIN.examples / PLAIN.batch,
        312.5,
        lambda: SMALLER.examples / SMALLER.batch,
    ),
    UPDATES,
    SEEN,
    EFFECTIVE,
    PRINTED,
    PRINTED_ACCUMULATED,
    Fact(
        "C0.26",
        "row dataset size: an epoch delivers 10,000 different examples",
        lambda: counted(PLAIN).distinct[0],
        10_000,
        lambda: counted(DROPPED).distinct[0],
        reading="Dataset size: the different examples that an epoch delivers.",
    ),
    Fact(
        "C0.26",
        "row batch size: every batch but an epoch's last has 32 examples",
        lambda: full_batches(counted(PLAIN)),
        32,
        lambda: full_batches(counted(SMALLER)),
        reading="Batch size: the examples of a forward pass, the last of an epoch apart.",
    ),
    Fact(
        "C0.22",
        "the listed loop makes 237 weight updates with 4 to accumulate",
        lambda: updates(ACCUMULATED),
        237,
        lambda: updates(PLAIN),
        beyond="how many updates a loop makes, where the claim is what the function prints (C0.23 "
        "asks that)",
    ),
    Fact(
        "C0.22",
        "a loop that also steps at the end of an epoch makes 237",
        lambda: updates(ACCUMULATED, flush=True),
        237,
        lambda: updates(PLAIN),
        beyond="a loop that the document does not list",
    ),
    Fact(
        "C0.17",
        "all updates of the run are made of 128 examples",
        lambda: odd(counted(ACCUMULATED).updates, 128),
        0,
        lambda: odd(counted(SMALLER).updates, 128),
        beyond="the last group of an epoch, which is not full",
        reading="Updates of the whole run that are made of another number of examples: none.",
    ),
)
#: Rows of the summary table, lines of the function and the cheat-sheet that say the same.
TWINS: tuple[Claim | Beyond, ...] = (
    *twins(BATCHES, "C0.21", "C0.26"),
    *twins(UPDATES, "C0.26", headline=True),
    *twins(UPDATES, "C0.21", "C9.01"),
    *twins(EFFECTIVE, "C0.22", "C0.26"),
)

EXPERIMENT = facts(
    "Do the numbers of 10,000 examples at batch 32 for 3 epochs come out?", *STATED, more=TWINS
)
