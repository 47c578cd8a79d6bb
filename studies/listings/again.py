"""Do document D's listings 1 and 3 run as scripts, and print the same again?

Both scripts (``script``) run in a process that does other work as well, and again in a fresh one,
with one thread, and their lines are compared. Two threads are another run than a repeat, for sums
may be split another way; they are shown beside it, and a run with another seed shows that a
difference would be seen: these two are compared after a fiftieth of the epochs, for two threads
that wait for each other are dear on a busy machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Noted,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
    more_than,
)
from studies.listings.script import (
    FIRST,
    LINES,
    LISTINGS,
    THIRD,
    Printed,
    in_a_process,
    in_this_process,
)
from studies.listings.two_passes import threads

AGAIN, TWO_THREADS, OTHER_SEED = "run again", "run again with two threads", "run with another seed"
RUN = Factor("run", (AGAIN, TWO_THREADS, OTHER_SEED))
LISTING = Factor("listing", LISTINGS)
FIFTIETH = 2  # percent of the epochs

SAME = "Printed again by a second process with as many threads, the output is the same to a letter."
MORE_THREADS = "two threads, and a fiftieth of the epochs: another run, and no repeat"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            claim,
            Value("ended").at(run=AGAIN, listing=listing).always(),
            equals(1),
            reading="The script ends without an exception and prints all of its lines.",
            headline=listing == FIRST,
        )
        for claim, listing in (("D-list1-11", FIRST), ("D-list3-12", THIRD))
    ),
    Claim(
        "D-list3-12",
        Value("lines_differ").at(run=AGAIN, listing=THIRD).always(),
        equals(0),
        reading=SAME,
        headline=True,
    ),
    Beyond(
        "D-list1-11",
        Value("lines_differ").at(run=AGAIN, listing=FIRST).always(),
        equals(0),
        why="that it repeats, where the claim is that it runs",
        reading=SAME,
    ),
    *(
        Beyond(
            claim,
            Value("lines_differ").at(run=TWO_THREADS, listing=listing).always(),
            equals(0),
            why=MORE_THREADS,
            reading="With two threads the output is the same to a letter.",
        )
        for claim, listing in (("D-list1-11", FIRST), ("D-list3-12", THIRD))
    ),
    Control(
        "another seed prints other lines",
        Value("lines_differ").at(run=OTHER_SEED).always(),
        more_than(0),
    ),
)

RESPONSES = (
    Response("ended", "yes/no", "{listing} ends without an exception, {run}"),
    Response("lines_differ", "lines", "lines of {listing} that differ from the first run's, {run}"),
)


class Cell(NamedTuple):
    """What each run prints, and what it is compared with."""

    runs: Mapping[str, Printed]
    references: Mapping[str, Printed]


def prepare(block: Block) -> Cell:
    """Run the scripts; ``block.effort`` is how many percent of their epochs."""
    first, short = in_this_process(block.effort), in_this_process(FIFTIETH)
    with threads(2):
        on_two = in_this_process(FIFTIETH)
    return Cell(
        runs={
            AGAIN: in_a_process(block.effort),
            TWO_THREADS: on_two,
            OTHER_SEED: in_this_process(FIFTIETH, shift=1),
        },
        references={AGAIN: first, TWO_THREADS: short, OTHER_SEED: short},
    )


def measure(cell: Cell, arm: Arm) -> Responses:
    """Compare a run with what it repeats."""
    run, listing = arm[RUN], arm[LISTING]
    first, lines = cell.references[run][listing], cell.runs[run][listing]
    whole = len(lines) == LINES[listing]
    return {
        "ended": Noted(float(whole), f"{len(lines)} lines" if whole else lines[0]),
        "lines_differ": float(differing(first, lines)),
    }


def differing(one: list[str], other: list[str]) -> int:
    """In how many lines two outputs differ; those that one of them lacks count."""
    shared = sum(a != b for a, b in zip(one, other, strict=False))
    return shared + abs(len(one) - len(other))


EXPERIMENT: Experiment[Cell] = Experiment(
    question="Do listings 1 and 3 run as scripts, and print the same again?",
    factors=(RUN, LISTING),
    blocks=PerProfile(1, 1, 1),
    effort=PerProfile(2, 100, 100),  # percent of the epochs
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
