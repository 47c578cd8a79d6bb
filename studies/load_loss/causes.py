"""What causes a higher loss after loading: a claim of two places in the document, with one rule.

That one cause is the main one says how often people make which mistake, and no experiment produces
mistakes at their natural frequency. Both claims are declared so in ``faults``; what bears on them,
there and in ``artefacts``, is measured beside them.
"""

from __future__ import annotations

from harness import Beyond, Ratio, Region, Unmeasurable, Value

CLAIMED_CAUSE = ("B-intro-1", "B-sum-1")

UNMEASURABLE = tuple(
    Unmeasurable(
        claim,
        needs="field data",
        why="How many of the losses that people see rise after loading are due to train mode is a "
        "question of how often which mistake is made, and no experiment makes mistakes at their "
        "natural frequency. How much each of some causes can raise the loss stands beside it.",
    )
    for claim in CLAIMED_CAUSE
)


def bears_on_the_cause(
    contrast: Value | Ratio, region: Region, *, why: str, reading: str
) -> tuple[Beyond, ...]:
    """A condition that says what a cause can do, beside both claims of which is the main one."""
    return tuple(Beyond(claim, contrast, region, why, reading) for claim in CLAIMED_CAUSE)
