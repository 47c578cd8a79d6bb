"""How many weight updates does the document's accumulating loop make, and of how many batches?

Updates are counted where they happen, in ``optimizer.step``, for the numbers that the document
itself names. Its two accumulating loops, that of the component (which steps on every K-th batch,
counted anew in each epoch) and that of the whole script, are run; a loop that also steps on what an
epoch leaves over, and one that counts on from epoch to epoch, are beyond the passage. The number of
examples in every update is read off the gradient (``arithmetic.counting``).

A formula is one statement: the numbers for which it gives something else than the loop are named
together. Where K divides the batches of an epoch, formula and loop cannot part; such epochs are
controls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness import Control, Fact, Value, equals, facts
from harness.workloads.arithmetic import Run
from studies.arithmetic.counting import counted
from studies.production_loop.loop import Components, as_printed, train
from studies.production_loop.tiny import tiny

#: Chapter 0's run, and the quiz of chapter 9.
CHAPTER = Run(10_000, 32, epochs=3, accumulate=4)
QUIZ = Run(20_000, 64, epochs=1, accumulate=4)
WHOLE = Run(10_240, 32, epochs=1, accumulate=4)
PLAIN = Run(1_000, 64, epochs=1)
#: Batches of 8, eight to an update: 128 in an epoch, and 125.
EIGHTS, OVER = Run(1_024, 8, epochs=3, accumulate=8), Run(1_000, 8, epochs=3, accumulate=8)


def by_loop(run: Run, components: Components) -> int:
    """Weight updates that a loop makes of a run."""
    return len(train(tiny(run.batches_per_epoch, run.epochs), components).updates)


def listed(run: Run) -> Components:
    """The loop of the component."""
    return Components(accumulate=run.accumulate)


def flushing(run: Run) -> Components:
    """The same, with a step on what an epoch leaves over."""
    return Components(accumulate=run.accumulate, flush=True)


def printed(run: Run) -> Components:
    """The whole script, which is kept from stopping early."""
    return as_printed(accumulate=run.accumulate, patience=run.epochs + 1)


def counting_on(run: Run) -> int:
    """Updates of a loop whose count of batches goes on from epoch to epoch."""
    return by_loop(
        Run(run.examples * run.epochs, run.batch, accumulate=run.accumulate), listed(run)
    )


def per_epoch(run: Run) -> int:
    """Updates that the listed loop makes in the first epoch."""
    return by_loop(Run(run.examples, run.batch, accumulate=run.accumulate), listed(run))


def batches_of_updates(run: Run) -> tuple[int, ...]:
    """How many different numbers of batches updates rest on: each once, in rising order."""
    return tuple(sorted({examples // run.batch for examples in counted(run).updates}))


FLUSHES = "a loop that also steps on what an epoch leaves over, which the document's do not"
NONE = "none"
DIVIDED = "an epoch whose batches K divides, where nothing is rounded up and nothing is left over"
DIVISIBLE = {
    WHOLE: "10,240 examples in batches of 32, four to an update, make 80 updates an epoch",
    PLAIN: "1,000 examples in batches of 64, one to an update, make 16 updates an epoch",
}
ALL_EIGHTS = "in epochs of 128 batches every update rests on eight of them"


def parted(runs: Iterable[Run], formula: Callable[[Run], int]) -> str:
    """The numbers for which the listed loop makes other updates an epoch than a formula, in words.

    Args:
        runs: of one epoch or more, of which the first counts.
        formula: updates per epoch.
    """
    off = [
        f"{run.examples:,} / ({run.batch} x {run.accumulate}): {per_epoch(run)} for {formula(run)}"
        for run in runs
        if per_epoch(run) != formula(run)
    ]
    return "; ".join(off) or NONE


def ceiling(run: Run) -> int:
    """The cheat sheet's formula."""
    return run.updates_per_epoch


FORMULA = (
    Fact(
        "C9.02",
        "numbers of the document for which the listed loop makes other updates than the formula",
        lambda: parted((CHAPTER, QUIZ, WHOLE, PLAIN), ceiling),
        claimed=NONE,
        counterexample=lambda: parted((WHOLE,), lambda run: ceiling(run) + 1),
        reading="Updates per epoch: weight updates that the listed loop makes in an epoch, "
        "counted, against the examples over batch size times K, rounded up. The formula holds of "
        "any numbers: one case in which it does not makes it false.",
        headline=True,
    ),
    *(
        Fact(
            "C9.02",
            says,
            lambda run=run: per_epoch(run),
            claimed=run.updates_per_epoch,
            counterexample=lambda: per_epoch(CHAPTER),
            beyond=DIVIDED,
        )
        for run, says in DIVISIBLE.items()
    ),
    Fact(
        "C9.02",
        "10,000 examples make 79 updates an epoch where the rest is stepped on",
        lambda: by_loop(Run(10_000, 32, accumulate=4), flushing(CHAPTER)),
        claimed=CHAPTER.updates_per_epoch,
        counterexample=lambda: per_epoch(CHAPTER),
        beyond=FLUSHES,
    ),
)

COUNTS = (
    Fact(
        "C0.23",
        "the listed loop makes 237 updates of 10,000 examples in three epochs",
        lambda: by_loop(CHAPTER, listed(CHAPTER)),
        claimed=237,
        counterexample=lambda: by_loop(PLAIN, listed(PLAIN)),
        reading="The number of weight updates: calls of the optimiser's step in the document's own "
        "accumulating loop, with 10,000 examples, batches of 32, K = 4 and three epochs.",
        headline=True,
    ),
    Fact(
        "C0.23",
        "the whole script makes 237 updates of 10,000 examples in three epochs",
        lambda: by_loop(CHAPTER, printed(CHAPTER)),
        claimed=237,
        counterexample=lambda: by_loop(PLAIN, printed(PLAIN)),
    ),
    Fact(
        "C0.23",
        "a loop that steps on the rest makes 237 updates in three epochs",
        lambda: by_loop(CHAPTER, flushing(CHAPTER)),
        claimed=237,
        counterexample=lambda: by_loop(CHAPTER, listed(CHAPTER)),
        beyond=FLUSHES,
    ),
    Fact(
        "C0.23",
        "a loop that counts batches on from epoch to epoch makes 237 updates",
        lambda: counting_on(CHAPTER),
        claimed=237,
        counterexample=lambda: by_loop(PLAIN, listed(PLAIN)),
        beyond="a loop whose count goes on from one epoch to the next",
    ),
    Fact(
        "C7.21",
        "micro-batches of an update of the listed loop, in epochs of 125 and of 128",
        lambda: tuple(sorted({*batches_of_updates(OVER), *batches_of_updates(EIGHTS)})),
        claimed=(8,),
        counterexample=lambda: batches_of_updates(Run(1_024, 8, accumulate=4)),
        reading="Each update of the listed loop, over three epochs, is made of the gradients of "
        "exactly eight micro-batches, of eight examples each; the number is read off the gradient. "
        "All numbers that occur are told.",
        headline=True,
    ),
    Fact(
        "C7.21",
        ALL_EIGHTS,
        lambda: batches_of_updates(EIGHTS),
        claimed=(8,),
        counterexample=lambda: batches_of_updates(Run(1_024, 8, accumulate=4)),
        beyond="an epoch whose batches eight divides, where nothing is left over",
    ),
)
CONTROLS = (
    Control(
        "where K divides the batches of an epoch, formula and loop agree",
        Value("agrees").always().at(case="the claim", fact=(*DIVISIBLE.values(), ALL_EIGHTS)),
        equals(1.0),
    ),
)

EXPERIMENT = facts(
    "How many weight updates does the accumulating loop make, and of how many batches?",
    *FORMULA,
    *COUNTS,
    more=CONTROLS,
)
