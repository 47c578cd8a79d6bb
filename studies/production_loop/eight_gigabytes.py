"""Is there a model of which a batch of 64 does not fit into 8 GB, and one of 8 does?

The passage supposes it: a card of 8 GB, a batch of 64 that runs out of memory, and 8 rows that
could be used. One realistic model is enough. The peak of a training step under Adam is predicted
from the network's own code on fake tensors, as in ``memory``: BERT base on texts of 512 tokens, its
longest, and ResNet-50 on images of 224 x 224. Shorter texts are shown as a curve.

Which kernels compute attention and dropout is the device's choice, and what they keep for the
backward pass is not the same: a GPU's attention keeps no scores, and of a dropout a byte a number,
where a CPU keeps scores and four bytes. A GPU's kernels cannot be predicted without one. So both
sides are taken on the safe side of them: 64 rows are predicted with all dropout left out, which
keeps less than any kernel, and 8 rows with the dropout between the layers as a CPU keeps it, which
is more than a GPU does; attention is in both cases computed by the kernel that keeps no scores.
What a process on a GPU needs beside, the CUDA context and the libraries, is taken to be 0.6 GB, and
the card to have 8 GiB for the batch that must fail and 8 GB for the one that must fit: both on the
safe side, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import (
    Arm,
    Beyond,
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
from harness.libraries import nn
from studies.memory.large import BERT, RESNET, classifier, large_batch, predicted_step

if TYPE_CHECKING:
    from torch import Tensor

CARD, CARD_BINARY, CONTEXT = 8.0, 8.589934592, 0.6  # GB
LONGEST = "BERT base on 512 tokens"
IMAGES = "ResNet-50 on images of 224 pixels"
SHORTER = {f"BERT base on {tokens} tokens": (BERT, tokens) for tokens in (64, 128, 256)}
#: The network and the tokens of a text.
MODELS = {**SHORTER, LONGEST: (BERT, 512), IMAGES: (RESNET, 0)}
MODEL = Factor("model", tuple(MODELS))
LARGE, SMALL = 64, 8

READING = (
    "A training step on 64 rows needs more than the card has, and one on 8 rows less; one model of "
    "a usual size is enough. Peaks are predicted from the network's code: of 64 rows without "
    "dropout, which keeps less than any kernel, and of 8 rows with more than a GPU's keep."
)
CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C7.16",
        Value("as_supposed").always().at(model=(LONGEST, IMAGES)),
        equals(1.0),
        reading=READING,
        headline={"model": LONGEST},
    ),
    Beyond(
        "C7.16",
        Value("as_supposed").always().at(model=tuple(SHORTER)),
        equals(1.0),
        why="shorter texts than the model takes",
    ),
    Control(
        "eight rows take less than 64, and more than the weights with their Adam",
        Value("share").always(),
        between(0.05, 0.9),
    ),
)


def model_of(name: str, *, dropout: bool) -> nn.Module:
    """A network whose attention has no dropout, and whose layers have as they come, or none.

    With none in it, attention is computed by the kernel that keeps no scores, as on a GPU.
    """
    net = classifier(name)
    for path, module in net.named_modules():
        if isinstance(module, nn.Dropout) and (path.endswith("self.dropout") or not dropout):
            module.p = 0.0
    return net


def peak_of(name: str, tokens: int, rows: int, device: str, *, dropout: bool) -> float:
    """The peak of a training step in GB (a thousand million bytes)."""

    def build() -> tuple[nn.Module, Tensor, Tensor]:
        return model_of(name, dropout=dropout), *large_batch(name, rows, tokens)

    return predicted_step(build, device).peak / 1e9


def measure(block: Block, arm: Arm) -> Responses:
    """Predict the peaks of a step."""
    name, tokens = MODELS[arm[MODEL]]
    of_64 = peak_of(name, tokens, LARGE, block.device, dropout=False)
    of_8 = peak_of(name, tokens, SMALL, block.device, dropout=True)
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
        Response("peak_of_64", "GB", "peak of a training step on 64 rows, at the least"),
        Response("peak_of_8", "GB", "peak of a training step on 8 rows, at the most"),
        Response("share", "1", "peak of a step on 8 rows over that on 64"),
    ),
    claims=CLAIMS,
)
