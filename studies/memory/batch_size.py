"""Do larger batches take more memory, because more is stored on the way forward?

Networks are trained with Adam at batches of 8 to 128 rows, and a step is counted once the optimiser
has its state: the peak of all storages, and the bytes that are kept for backward beside parameters
and batch. Each batch is compared with the one half as large. BERT base, on texts of 128 tokens, is
predicted by running its code on fake tensors; the small networks are measured.

Bytes are exact, so that any growth is one; 2 % for a batch twice as large is what counts as more
memory here. The small perceptron is beyond: at such batches its weights, gradients and optimiser
state are nearly all of it. Storages are the same on every device; what a GPU's kernels need within
themselves comes on top.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness import (
    Arm,
    Beyond,
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
)
from studies.memory.large import BERT, classifier, large_batch, predicted_step
from studies.memory.workloads import (
    CNN,
    MLP,
    NETS,
    TRANSFORMER,
    StepParts,
    batch_of,
    network,
    training_step,
)

MARGIN = 0.02
#: Networks whose activations count beside weights, gradients and optimiser state.
JUDGED = (BERT, CNN, TRANSFORMER)
SIZES = (8, 16, 32, 64, 128)

NET = Factor("net", (BERT, *NETS), label="network")
BATCH = Factor("batch", SIZES, control=8, words={n: f"batch of {n}" for n in SIZES})

PROPORTION = Ratio("saved_per_row", BATCH).always()


def twice_as_large(claim: str, net: str) -> Iterator[Claim]:
    """C3.07 and C8.02 say the same and have one rule: each batch against the one half as large."""
    for rows in SIZES[1:]:
        yield Claim(
            claim,
            Ratio("peak", BATCH).at(net=net, batch=rows).against(rows // 2).always(),
            at_least(1 + MARGIN),
            reading="A batch twice as large takes at least 2 % more memory at the peak of a "
            "training step.",
            headline=(net, rows) == (BERT, 32),
        )


def for_perceptron(claim: str) -> Iterator[Beyond]:
    """The same of a network that is nearly all weights."""
    for rows in SIZES[1:]:
        yield Beyond(
            claim,
            Ratio("peak", BATCH).at(net=MLP, batch=rows).against(rows // 2).always(),
            at_least(1 + MARGIN),
            why="a network that is nearly all weights, gradients and optimiser state",
        )


CLAIMS: tuple[Claim | Beyond, ...] = (
    *(condition for net in JUDGED for condition in twice_as_large("C3.07", net)),
    Claim(
        "C3.07",
        PROPORTION.at(net=JUDGED),
        equals(1.0, within=MARGIN),
        reading="The reason given: there is more to store for backward. What is kept grows in "
        "proportion to the batch, and is the same for each row to within 2 %.",
    ),
    *for_perceptron("C3.07"),
    Beyond(
        "C3.07",
        Ratio("tensors", BATCH).at(net=NETS, batch=128).always(),
        at_least(1 + MARGIN),
        why="the number of tensors; that there are more of them means their volume",
    ),
    *(condition for net in JUDGED for condition in twice_as_large("C8.02", net)),
    *for_perceptron("C8.02"),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Count a training step."""
    parts = counted_step(arm[NET], arm[BATCH], block.device)
    return {
        "saved": parts.activations / 1e6,
        "saved_per_row": parts.activations / 1e6 / arm[BATCH],
        "tensors": float(parts.tensors),
        "peak": parts.peak / 1e6,
    }


def counted_step(net: str, rows: int, device: str) -> StepParts:
    """The step of BERT base is predicted, that of a small network is measured."""
    if net == BERT:
        return predicted_step(lambda: (classifier(net), *large_batch(net, rows)), device)
    return training_step(lambda: (network(net), *batch_of(net, rows)), device)


EXPERIMENT = Experiment(
    question="Do larger batches take more memory, because more is stored on the way forward?",
    factors=(NET, BATCH),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("saved", "MB", "memory kept for backward"),
        Response("saved_per_row", "MB", "memory kept for backward for each row"),
        Response("tensors", "1", "number of tensors saved for backward"),
        Response("peak", "MB", "peak of a training step"),
    ),
    claims=CLAIMS,
)
