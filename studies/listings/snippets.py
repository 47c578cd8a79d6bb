"""Do the three classes of document D's listing 5 run, and does its block change the channels?

A cross-entropy against smoothed targets, a drop path that silences whole samples, and a residual
block of two convolutions with batch norm that ends in one: written anew and sent a batch of small
images, forward and backward, in train mode and in eval mode. The block's constructor takes the
channels that come in and those that go out separately, and its forward pass adds input and output
without a projection between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import Fact, facts
from harness.libraries import functional, nn, torch
from studies.listings.endings import ending, raises, runs

if TYPE_CHECKING:
    from torch import Tensor

SMOOTHING, SURVIVAL = 0.1, 0.9
SAMPLES, SIDE, CLASSES = 4, 16, 5
MODES = ("train", "eval")


def smoothed_cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = SMOOTHING) -> Tensor:
    """Mean cross-entropy against targets of 1 - smoothing, the rest shared by the other classes."""
    with torch.no_grad():
        targets = torch.full_like(logits, smoothing / (logits.size(-1) - 1))
        targets.scatter_(1, labels.unsqueeze(1), 1.0 - smoothing)
    return -(targets * functional.log_softmax(logits, dim=-1)).sum(dim=-1).mean()


def drop_path(x: Tensor, *, training: bool, survival: float = SURVIVAL) -> Tensor:
    """Silence whole samples of images in train mode, and scale up those that survive."""
    if not training:
        return x
    mask = torch.empty((x.size(0), 1, 1, 1), device=x.device).bernoulli_(survival)
    return x / survival * mask


def residual_block(came: int, go: int) -> nn.Module:
    """The listing's block, from so many channels to so many."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(came, go, 3, padding=1)
            self.first_norm = nn.BatchNorm2d(go)
            self.second = nn.Conv2d(go, go, 3, padding=1)
            self.second_norm = nn.BatchNorm2d(go)

        def forward(self, x: Tensor) -> Tensor:
            out = functional.relu(self.first_norm(self.first(x)))
            out = self.second_norm(self.second(out))
            out = drop_path(out, training=self.training)
            out += x
            return functional.relu(out)

    return Block()


def through_a_block(came: int, go: int) -> list[Tensor | None]:
    """Images through a block and back, in both modes; the gradients of its first convolution."""
    found = []
    for mode in MODES:
        block = residual_block(came, go).train(mode == "train")
        block(torch.randn(SAMPLES, came, SIDE, SIDE)).sum().backward()
        found.append(next(block.parameters()).grad)
    return found


def through_the_loss(labels: int = SAMPLES) -> list[float]:
    """Logits through the smoothed loss and back."""
    logits = torch.randn(SAMPLES, CLASSES, requires_grad=True)
    loss = smoothed_cross_entropy(logits, torch.randint(CLASSES, (labels,)))
    loss.backward()
    return [loss.item()]


def through_a_drop_path() -> list[Tensor]:
    """Images through a drop path in both modes."""
    x = torch.randn(SAMPLES, 8, SIDE, SIDE)
    return [drop_path(x, training=mode == "train") for mode in MODES]


EXPERIMENT = facts(
    "Do the three classes of document D's listing 5 run?",
    Fact(
        "D-list5-1",
        "the smoothed loss runs, forward and backward",
        ending(through_the_loss),
        runs(1),
        ending(lambda: through_the_loss(labels=SAMPLES + 1)),
    ),
    Fact(
        "D-list5-1",
        "the drop path runs in both modes",
        ending(through_a_drop_path),
        runs(len(MODES)),
        ending(raises),
    ),
    Fact(
        "D-list5-1",
        "the residual block runs with eight channels in and out, in both modes",
        ending(lambda: through_a_block(8, 8)),
        runs(len(MODES)),
        ending(raises),
        headline=True,
    ),
    Fact(
        "D-list5-2",
        "the residual block runs from three channels to eight",
        ending(lambda: through_a_block(3, 8)),
        runs(len(MODES)),
        ending(raises),
        reading="The constructor takes two numbers of channels: a block from three to eight then "
        "takes images of three channels.",
        headline=True,
    ),
    Fact(
        "D-list5-2",
        "the residual block runs from one channel to eight",
        ending(lambda: through_a_block(1, 8)),
        runs(len(MODES)),
        ending(raises),
        beyond="one channel in, which the addition spreads over all eight",
    ),
)
