"""Small networks of the usual kinds, for rows of 64 pixels and ten classes, without any kink.

A kink (ReLU, max pooling) is where a finite difference is no derivative; GELU, tanh and averages
have none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from harness.libraries import nn
from harness.workloads import mlp

if TYPE_CHECKING:
    from torch import Tensor

PIXELS, CLASSES, WIDTH, SIDE = 64, 10, 16, 8


class Network(NamedTuple):
    """Layers with all their parameters, and how a batch of shape (rows, 64) goes through them."""

    layers: nn.Module
    forward: Callable[[Tensor], Tensor]


def linear() -> Network:
    """The listing's: one linear layer."""
    layer = nn.Linear(PIXELS, CLASSES)
    return Network(layer, layer)


def perceptron() -> Network:
    """Two hidden layers."""
    net = mlp(PIXELS, CLASSES, hidden=WIDTH, activation=nn.GELU)
    return Network(net, net)


def convolutions() -> Network:
    """Two convolutions, with batch norm, and an average over the image."""
    net = nn.Sequential(
        nn.Unflatten(1, (1, SIDE, SIDE)),
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.GELU(),
        nn.Conv2d(4, 8, 3, stride=2),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, CLASSES),
    )
    return Network(net, net)


def recurrent() -> Network:
    """An LSTM that reads the image row by row."""
    lstm, head = nn.LSTM(SIDE, WIDTH, batch_first=True), nn.Linear(WIDTH, CLASSES)
    layers = nn.ModuleList([lstm, head])
    return Network(layers, lambda x: head(lstm(x.unflatten(1, (SIDE, SIDE)))[0][:, -1]))


def attention() -> Network:
    """A transformer layer over the image's rows, and their mean."""
    layer = nn.TransformerEncoderLayer(SIDE, 2, WIDTH, 0.0, "gelu", batch_first=True)
    head = nn.Linear(SIDE, CLASSES)
    layers = nn.ModuleList([layer, head])
    return Network(layers, lambda x: head(layer(x.unflatten(1, (SIDE, SIDE))).mean(1)))


def shared_layer() -> Network:
    """A perceptron that uses its middle layer twice, with a path around it."""
    first, middle, head = nn.Linear(PIXELS, WIDTH), nn.Linear(WIDTH, WIDTH), linear_head()

    def forward(x: Tensor) -> Tensor:
        before = first(x).tanh()
        out: Tensor = head(before + middle(middle(before).tanh()).tanh())
        return out

    return Network(nn.ModuleList([first, middle, head]), forward)


def with_strays() -> Network:
    """A perceptron whose first layer is frozen, with a layer that is never called."""
    first, head, uncalled = nn.Linear(PIXELS, WIDTH), linear_head(), nn.Linear(WIDTH, WIDTH)
    first.requires_grad_(requires_grad=False)
    layers = nn.ModuleList([first, head, uncalled])
    return Network(layers, lambda x: head(first(x).tanh()))


def linear_head() -> nn.Linear:
    """From hidden units to classes."""
    return nn.Linear(WIDTH, CLASSES)


STRAYS = "frozen and uncalled layers"
NETWORKS: dict[str, Callable[[], Network]] = {
    "linear classifier": linear,
    "perceptron": perceptron,
    "convolutions with batch norm": convolutions,
    "LSTM": recurrent,
    "transformer layer": attention,
    "shared layer with a path around it": shared_layer,
    STRAYS: with_strays,
}
#: Those in which every parameter is used and trained.
USUAL = tuple(name for name in NETWORKS if name != STRAYS)
