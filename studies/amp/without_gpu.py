"""What do document C's lines for mixed precision do on a machine without a GPU?

The document opens autocast for "cuda" and says nothing of other machines: what happens there is
beyond its words. The lines take a training step each in a process from which GPUs are hidden, so
that a machine that has some gives the same answer, and so do the lines that name the processor.
"""

from __future__ import annotations

from harness import Beyond, Block, Control, Experiment, PerProfile, Value, equals
from studies.amp.listing import (
    AS_LISTED,
    FOR_THE_PROCESSOR,
    LINE,
    RESPONSES,
    WARNING,
    Found,
    found_by_a_process,
    measure,
)

HIDDEN = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}

_LISTED = 'a machine without a GPU, where the lines name "cuda" all the same'
_PROCESSOR = "lines for the processor, which the document does not have"

CLAIMS = tuple(
    Beyond("C7.27", Value(response).at(line=lines).always(), equals(expected), why=why)
    for lines, why in ((AS_LISTED, _LISTED), (FOR_THE_PROCESSOR, _PROCESSOR))
    for response, expected in (("failed", 0.0), ("warnings", 0.0), ("in_effect", 1.0))
)


def prepare(block: Block) -> Found:  # noqa: ARG001 - the same whatever the seed and the device
    """Ask a process that sees no GPU."""
    return found_by_a_process(HIDDEN)


EXPERIMENT = Experiment(
    question="What do document C's lines for mixed precision do on a machine without a GPU?",
    factors=(LINE,),
    blocks=PerProfile(1, 1, 1),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=(
        *CLAIMS,
        Control(
            "a warning would be seen",
            Value("warnings").at(line=WARNING).always(),
            equals(1.0),
        ),
    ),
)
