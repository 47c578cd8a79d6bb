"""Networks with batch norm, and dropout at a place of its own in every block.

A block is a layer with weights, its batch norm, ReLU and dropout; where dropout stands is what the
passages quarrel about. Networks that differ in it have the same weights at the same seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from harness.libraries import nn

#: Where dropout stands: right before the batch norm, between ReLU and a batch norm that comes
#: last, at the end of the block, or at the end of the last block alone.
Place: TypeAlias = Literal["before", "between", "after", "last"]
WIDTHS = (128, 64)  # listing 3's
CHANNELS = (8, 16)
SIDE = 8  # of an image of the digits


def block(
    weights: nn.Module, norm: nn.Module | None, place: Place, drop: float, *, last: bool
) -> list[nn.Module]:
    """The layers of a block.

    Args:
        weights: comes first.
        norm: None for a block without.
        place: where dropout stands; without a norm "before" is before ReLU.
        drop: its rate; 0 builds none.
        last: whether this is the network's last block.
    """
    norms = [norm] if norm else []
    dropped = [nn.Dropout(drop)] if drop and (last or place != "last") else []
    orders: dict[Place, list[nn.Module]] = {
        "before": [weights, *dropped, *norms, nn.ReLU()],
        "between": [weights, nn.ReLU(), *dropped, *norms],
        "after": [weights, *norms, nn.ReLU(), *dropped],
        "last": [weights, *norms, nn.ReLU(), *dropped],
    }
    return orders[place]


def perceptron(
    features: int,
    classes: int,
    *,
    widths: Sequence[int] = WIDTHS,
    batch_norm: bool = True,
    place: Place = "after",
    drop: float = 0.0,
) -> nn.Sequential:
    """A perceptron of such blocks with a linear read-out.

    Args:
        features: width of the input, shape (batch, features).
        classes: width of the output, shape (batch, classes): logits.
        widths: of the hidden layers.
        batch_norm: whether blocks have one.
        place: where dropout stands.
        drop: its rate.
    """
    layers: list[nn.Module] = []
    for number, (before, width) in enumerate(zip((features, *widths), widths, strict=False), 1):
        norm = nn.BatchNorm1d(width) if batch_norm else None
        ends = number == len(widths)
        layers += block(nn.Linear(before, width), norm, place, drop, last=ends)
    return nn.Sequential(*layers, nn.Linear(widths[-1], classes))


def convolutions(
    classes: int, *, batch_norm: bool = True, place: Place = "after", drop: float = 0.0
) -> nn.Sequential:
    """Two blocks of 3 x 3 convolutions, each with a 2 x 2 max pooling behind it, for 8 x 8 digits.

    Args:
        classes: width of the output; the input is rows of 64 pixels.
        batch_norm: whether blocks have one.
        place: where dropout stands; it drops single pixels of the maps.
        drop: its rate.
    """
    layers: list[nn.Module] = [nn.Unflatten(1, (1, SIDE, SIDE))]
    for number, (before, width) in enumerate(zip((1, *CHANNELS), CHANNELS, strict=False), 1):
        norm = nn.BatchNorm2d(width) if batch_norm else None
        weights = nn.Conv2d(before, width, kernel_size=3, padding=1)
        layers += block(weights, norm, place, drop, last=number == len(CHANNELS))
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * CHANNELS[-1], classes))
