"""What do the passages leave to the reader, and what does a count say to it?

Two quizzes print no answer. The simulator of chapter 6 prints its initial settings and nothing that
follows from them, and its code was not at hand. None of these states what could be found wrong, and
no verdict is passed on them. The counts that answer them stand beside.

The quiz on accumulation has two answers. The cheat-sheet's own formula gives one, which is also
what a loop makes that steps once more at the end of an epoch; the listed loop makes another. Which
of them the document means by the number of weight updates is judged where it states it (C9.02).
"""

from __future__ import annotations

from harness import Fact, Unmeasurable, facts
from harness.workloads.arithmetic import Run
from studies.arithmetic.counting import counted, epoch

FIFTY_THOUSAND = Run(50_000, 256)
TWENTY_THOUSAND = Run(20_000, 64, epochs=10, accumulate=4)
SIMULATOR = Run(500, 16)
NO_ANSWER = "a quiz that prints no answer"
NEEDS_ANSWER = "an answer in the document"


def by_formula(run: Run) -> tuple[int, int]:
    """The same by the formulas."""
    return run.batches_per_epoch, run.last_batch


EXPERIMENT = facts(
    "What do the passages leave to the reader, and what does a count say to it?",
    Fact(
        "C0.27",
        "50,000 at batch 256: formula and count agree on batches and last batch",
        lambda: epoch(FIFTY_THOUSAND),
        lambda: by_formula(FIFTY_THOUSAND),
        lambda: epoch(SIMULATOR),
        beyond=NO_ANSWER,
    ),
    Fact(
        "C9.03",
        "20,000 at batch 64 x 4, 10 epochs: the listed loop makes the updates of the formula",
        lambda: len(counted(TWENTY_THOUSAND).updates),
        lambda: TWENTY_THOUSAND.updates,
        lambda: len(counted(SIMULATOR).updates),
        beyond=NO_ANSWER,
    ),
    Fact(
        "C9.03",
        "a loop that also steps at the end of an epoch makes the updates of the formula",
        lambda: len(counted(TWENTY_THOUSAND, flush=True).updates),
        lambda: TWENTY_THOUSAND.updates,
        lambda: len(counted(SIMULATOR).updates),
        beyond=NO_ANSWER,
    ),
    Fact(
        "C6.01",
        "500 at batch 16: formula and count agree on batches and last batch",
        lambda: epoch(SIMULATOR),
        lambda: by_formula(SIMULATOR),
        lambda: epoch(FIFTY_THOUSAND),
        beyond="what follows from the settings, where the passage prints the settings alone",
    ),
    more=(
        Unmeasurable(
            "C0.27",
            needs=NEEDS_ANSWER,
            why="the quiz asks and does not say; how many batches a loop makes is shown beside it.",
        ),
        Unmeasurable(
            "C9.03",
            needs=NEEDS_ANSWER,
            why="the quiz asks and does not say; what the sheet's formula gives and what two loops "
            "make is shown beside it.",
        ),
        Unmeasurable(
            "C6.01",
            needs="the code of the simulator",
            why="the settings are printed beside its controls, and nothing can be run that has "
            "them: to read them off the page again would be no test.",
        ),
    ),
)
