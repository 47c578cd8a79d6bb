"""Do larger batches take more memory, and because there are more tensors?

Three networks are trained for two steps with Adam at batches of 8 to 128 rows, and the second step
is counted: how many tensors are saved for backward beside parameters and batch, how many bytes they
have, and the peak of all storages. The saved bytes are those that a larger batch can add to; the
peak also holds parameters, gradients and the optimiser's state, whatever the batch.

The verdicts speak for networks whose layers see each row alike.
"""

from __future__ import annotations

from harness import (
    Arm,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    at_least,
    equals,
    more_than,
)
from studies.memory.workloads import NETS, batch_of, network, training_step

MARGIN = 0.02

NET = Factor("net", NETS)
BATCH = Factor("batch", (8, 16, 32, 64, 128), control=8)

CLAIMS = (
    Claim(
        "C3.07",
        Ratio("saved", BATCH).always(),
        at_least(1 + MARGIN),
        reading="Larger batches use more memory: the bytes saved for backward grow.",
    ),
    Claim(
        "C3.07",
        Ratio("saved_per_row", BATCH).always(),
        equals(1.0, within=MARGIN),
        reading="And they grow in proportion to the batch: the bytes a row stay the same.",
    ),
    Claim(
        "C3.07",
        Ratio("tensors", BATCH).always(),
        more_than(1.0),
        reading="The reason given: there are more of them. Counted are tensors, not their size.",
    ),
    Claim(
        "C8.02",
        Ratio("saved", BATCH).always(),
        at_least(1 + MARGIN),
        reading="More, of what is saved for backward: by the 2 % that count as a difference.",
    ),
    Claim(
        "C8.02",
        Ratio("peak", BATCH).always(),
        at_least(1 + MARGIN),
        reading="More, at the peak of a training step, by the 2 % that count as a difference.",
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Count a training step."""
    parts = training_step(
        lambda: (network(arm[NET]), *batch_of(arm[NET], arm[BATCH])), block.device
    )
    return {
        "saved": parts.activations / 1e6,
        "saved_per_row": parts.activations / 1e6 / arm[BATCH],
        "tensors": float(parts.tensors),
        "peak": parts.peak / 1e6,
    }


EXPERIMENT = Experiment(
    question="Do larger batches take more memory, and because there are more tensors?",
    factors=(NET, BATCH),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("saved", "MB", "saved"),
        Response("saved_per_row", "MB", "saved per row"),
        Response("tensors", "1", "tensors"),
        Response("peak", "MB", "peak"),
    ),
    claims=CLAIMS,
)
