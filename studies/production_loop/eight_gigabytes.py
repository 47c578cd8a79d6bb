"""Is there a model of which a batch of 64 does not fit into 8 GB, and one of 8 does?

The passage supposes it: a card of 8 GB, a batch of 64 that runs out of memory, and 8 rows that
could be used. One realistic model is enough. The peak of a training step under Adam is predicted
from the network's own code on fake tensors, as in ``memory``: BERT base on texts of 128 tokens, and
ResNet-50 on images of 224 x 224. What a process on a GPU needs beside, the CUDA context and the
libraries, is taken to be 0.6 GB, and the card to have 8 GiB for the batch that must fail and 8 GB
for the one that must fit: both on the safe side.
"""

from __future__ import annotations

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    between,
    equals,
)
from studies.memory.large import BERT, RESNET, classifier, large_batch, predicted_step

CARD, CARD_BINARY, CONTEXT = 8.0, 8.589934592, 0.6  # GB
#: The network and the tokens of a text.
MODELS = {
    "BERT base on 128 tokens": (BERT, 128),
    "ResNet-50 on images of 224 pixels": (RESNET, 0),
}
MODEL = Factor("model", tuple(MODELS))
LARGE, SMALL = 64, 8

CLAIMS = (
    Claim(
        "C7.16",
        Value("as_supposed").always(),
        equals(1.0),
        reading="A training step on 64 rows needs more than the card has, and one on 8 rows less; "
        "one model of a usual size is enough. Peaks are predicted from the network's code.",
    ),
    Control(
        "eight rows take less than 64, and more than the weights with their Adam",
        Value("share").always(),
        between(0.05, 0.9),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Predict the peaks of a step, in GB (a thousand million bytes)."""
    name, tokens = MODELS[arm[MODEL]]
    of_64, of_8 = (
        predicted_step(
            lambda rows=rows: (classifier(name), *large_batch(name, rows, tokens)),  # type: ignore[misc]  # bound at once
            block.device,
        ).peak
        / 1e9
        for rows in (LARGE, SMALL)
    )
    fails, fits = of_64 > CARD_BINARY, of_8 + CONTEXT < CARD
    return {
        "as_supposed": float(fails and fits),
        "peak_of_64": of_64,
        "peak_of_8": of_8,
        "share": of_8 / of_64,
    }


EXPERIMENT = Experiment(
    question="Is there a model of which a batch of 64 does not fit into 8 GB, and one of 8 does?",
    factors=(MODEL,),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("as_supposed", "yes/no", "64 rows do not fit into 8 GB, and 8 rows do"),
        Response("peak_of_64", "GB", "peak of a training step on 64 rows"),
        Response("peak_of_8", "GB", "peak of a training step on 8 rows"),
        Response("share", "1", "peak of a step on 8 rows over that on 64"),
    ),
    claims=CLAIMS,
)
