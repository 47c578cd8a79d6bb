"""Do 10,000 examples fit in the memory of an accelerator, all in one batch?

A step of training on the whole set in one batch, forward and backward, is predicted for three kinds
of example: rows of 784 numbers, colour images of 224 x 224, and texts of 128 tokens, each with a
shallow and a deep network. The prediction runs the networks on fake tensors, so that nothing has to
fit in this machine; ``prediction`` shows how far such a prediction is off.

The bound is a card of 8 GB, the smallest that is sold for the purpose today. The verdict speaks for
these shapes in float32, without an optimiser's state, which does not grow with the batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import (
    Arm,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    more_than,
)
from harness.libraries import functional, nn, torch
from harness.meters import predicted_memory
from harness.workloads import convnet, encoder, tower

if TYPE_CHECKING:
    from torch import Tensor

EXAMPLES, CARD_GB, CLASSES = 10_000, 8.0, 10
WORDS, LENGTH, TOKEN_WIDTH = 30_000, 128, 256

NUMBERS, IMAGES, TEXTS = KINDS = ("784 numbers", "image of 224 x 224", "text of 128 tokens")
KIND = Factor("example", KINDS)
DEPTH = Factor("depth", ("shallow", "deep"))

CLAIMS = (
    Claim(
        "C0.03",
        Value("peak").always(),
        more_than(CARD_GB),
        reading="A forward and backward pass over all 10,000 at once needs more than a card of "
        "8 GB has, whatever the kind of example.",
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Predict a forward and backward pass over all examples, in GB (a thousand million bytes)."""

    def build() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
        return network(arm[KIND], deep=arm[DEPTH] == "deep"), examples(arm[KIND])

    predicted = predicted_memory(build, forward_and_backward, device=block.device)
    return {
        "data": (predicted.built_bytes - predicted.parameter_bytes) / 1e9,
        "peak": predicted.peak_bytes / 1e9,
    }


def forward_and_backward(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    """One step without the optimiser."""
    functional.cross_entropy(model(batch[0]), batch[1]).backward()


def examples(kind: str) -> tuple[Tensor, Tensor]:
    """All examples of a kind, and their labels."""
    labels = torch.zeros(EXAMPLES, dtype=torch.long)
    if kind == TEXTS:
        return torch.zeros(EXAMPLES, LENGTH, dtype=torch.long), labels
    shape = (784,) if kind == NUMBERS else (3, 224, 224)
    return torch.empty(EXAMPLES, *shape), labels


def network(kind: str, *, deep: bool) -> nn.Module:
    """A classifier for a kind of example: 2 or 12 layers within, for images 2 or 5 stages."""
    depth = 12 if deep else 2
    if kind == NUMBERS:
        return nn.Sequential(
            nn.Linear(784, 512), nn.ReLU(), tower(depth, 512), nn.ReLU(), nn.Linear(512, CLASSES)
        )
    if kind == IMAGES:
        return convnet((64, 128, 256, 512, 512)[: 5 if deep else 2], CLASSES, batch_norm=False)
    return nn.Sequential(
        nn.Embedding(WORDS, TOKEN_WIDTH),
        encoder(depth, TOKEN_WIDTH),
        nn.Flatten(),
        nn.Linear(LENGTH * TOKEN_WIDTH, CLASSES),
    )


EXPERIMENT = Experiment(
    question="Do 10,000 examples fit in the memory of an accelerator, all in one batch?",
    factors=(KIND, DEPTH),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("data", "GB", "data"),
        Response("peak", "GB", "peak"),
    ),
    claims=CLAIMS,
)
