"""The networks of this study: small ones for the 8 x 8 digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.libraries import functional, nn, torch
from harness.workloads import encoder, mlp, small_cnn

if TYPE_CHECKING:
    from torch import Tensor

MLP, CNN, TRANSFORMER = "perceptron", "conv net", "transformer"
NETS = (MLP, CNN, TRANSFORMER)
PIXELS, CLASSES = 64, 10


def digit_net(kind: str, seed: int, device: str) -> nn.Module:
    """A network for digits given as rows of 64 pixels; its weights come from the seed alone.

    Args:
        kind: one of ``NETS``; the transformer reads an image as 8 tokens, its rows.
        seed: of torch's global stream, which goes on from there.
        device: where it goes.
    """
    torch.manual_seed(seed)
    if kind == MLP:
        net = mlp(PIXELS, CLASSES)
    elif kind == CNN:
        net = small_cnn(CLASSES)
    else:
        net = nn.Sequential(
            nn.Unflatten(1, (8, 8)),
            nn.Linear(8, 32),
            encoder(1, 32),
            nn.Flatten(),
            nn.Linear(8 * 32, CLASSES),
        )
    return net.to(device)


def classification_loss(net: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Mean cross-entropy in nats."""
    return functional.cross_entropy(net(x), y)
