"""Do document C's lines for mixed precision work on a GPU?

The document makes its scaler without an argument and opens autocast for "cuda". Each of the two
takes a training step on the GPU, in a process of its own, and so does the loop that they stand in.
Counted are warnings and exceptions; in effect is a scaler that scales the loss, and an autocast
whose matrix product runs in 16 bits. ``without_gpu`` tries the same where there is none.
"""

from __future__ import annotations

from harness import Block, Claim, Control, Experiment, PerProfile, Value, equals
from studies.amp.listing import (
    AS_LISTED,
    LINE,
    LOOP,
    RESPONSES,
    WARNING,
    Found,
    found_by_a_process,
    measure,
)

CLAIMS = (
    Claim(
        "C7.27",
        Value("failed").at(line=AS_LISTED).always(),
        equals(0.0),
        reading="To work on a GPU is to run there without an exception.",
        needs="cuda",
    ),
    Claim(
        "C7.27",
        Value("warnings").at(line=AS_LISTED).always(),
        equals(0.0),
        reading="To work on a GPU is to run there without a warning.",
        needs="cuda",
    ),
    Claim(
        "C7.27",
        Value("in_effect").at(line=AS_LISTED).always(),
        equals(1.0),
        reading="To work on a GPU is to do there what the line is for: to scale the loss, to "
        "multiply in 16 bits.",
        needs="cuda",
        headline={"line": LOOP},
    ),
    Control(
        "a warning would be seen",
        Value("warnings").at(line=WARNING).always(),
        equals(1.0),
    ),
)


def prepare(block: Block) -> Found:  # noqa: ARG001 - the same whatever the seed
    """Ask a process that sees the GPU."""
    return found_by_a_process({})


EXPERIMENT = Experiment(
    question="Do document C's lines for mixed precision work on a GPU?",
    factors=(LINE,),
    blocks=PerProfile(1, 1, 1),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    needs="cuda",
)
