"""What regularises a network beyond dropout and weight decay, and networks to try it in.

The layers are those of ``harness.workloads.layers``: a study imports them inside its functions,
where torch may be loaded. The rest is made for many replicas at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.libraries import functional, nn, torch

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads.fitting import Change
    from harness.workloads.layers import DropConnect, Residual, StochasticDepth
    from harness.workloads.replicas import Replicas

__all__ = [
    "DropConnect",
    "Residual",
    "StochasticDepth",
    "cutout",
    "digits_cnn",
    "l1",
    "l2",
    "mixup",
    "proximal_l1",
    "residual_cnn",
    "residual_mlp",
    "shifts",
]

SIDE = 8  # of an image of the digits
BACKGROUND = -2.0  # what a pixel without ink is scaled to


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the module holds
    """A layer, imported when it is first asked for: a class of torch's needs torch at once."""
    if name not in ("DropConnect", "Residual", "StochasticDepth"):
        raise AttributeError(name)
    from harness.workloads import layers

    return getattr(layers, name)


def residual_mlp(
    features: int,
    classes: int,
    *,
    width: int = 64,
    blocks: int = 6,
    survival: float = 1.0,
    dropout: float = 0.0,
    batch_norm: bool = True,
) -> nn.Module:
    """A perceptron of residual blocks of two layers each.

    Args:
        features: width of the input, shape (batch, features).
        classes: width of the output.
        width: of every hidden layer.
        blocks: how many.
        survival: of each block's branch in train mode; 1 builds no ``StochasticDepth``.
        dropout: probability that a unit within a block is dropped; 0 builds no such layer.
        batch_norm: whether both layers of a block have one.
    """
    from harness.workloads.layers import Residual

    def block() -> nn.Module:
        layers: list[nn.Module] = []
        for place in range(2):
            layers.append(nn.Linear(width, width))
            if batch_norm:
                layers.append(nn.BatchNorm1d(width))
            if place == 0:
                layers.append(nn.ReLU())
                if dropout:
                    layers.append(nn.Dropout(dropout))
        return Residual(nn.Sequential(*layers), _depth(survival))

    stem = [nn.Linear(features, width), nn.ReLU()]
    return nn.Sequential(*stem, *(block() for _ in range(blocks)), nn.Linear(width, classes))


def residual_cnn(
    classes: int,
    *,
    channels: int = 16,
    blocks: int = 4,
    survival: float = 1.0,
    batch_norm: bool = True,
) -> nn.Module:
    """A network of residual blocks of two 3 x 3 convolutions each, for digits as rows of 64 pixels.

    A 2 x 2 mean pooling follows the first convolution; after the blocks comes the mean over all
    places and a linear read-out.

    Args:
        classes: width of the output.
        channels: of every convolution.
        blocks: how many.
        survival: of each block's branch in train mode; 1 builds no ``StochasticDepth``.
        batch_norm: whether each convolution has one.
    """
    from harness.workloads.layers import Residual

    def convolution(before: int) -> list[nn.Module]:
        layers: list[nn.Module] = [nn.Conv2d(before, channels, kernel_size=3, padding=1)]
        return [*layers, nn.BatchNorm2d(channels)] if batch_norm else layers

    def block() -> nn.Module:
        branch = nn.Sequential(*convolution(channels), nn.ReLU(), *convolution(channels))
        return Residual(branch, _depth(survival))

    stem = [nn.Unflatten(1, (1, SIDE, SIDE)), *convolution(1), nn.ReLU(), nn.AvgPool2d(2)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]
    return nn.Sequential(*stem, *(block() for _ in range(blocks)), *head)


def _depth(survival: float) -> StochasticDepth | None:
    from harness.workloads.layers import StochasticDepth

    return StochasticDepth(survival) if survival < 1 else None


def digits_cnn(
    classes: int,
    *,
    channels: tuple[int, ...] = (16, 32),
    conv_dropout: float = 0.0,
    spatial: bool = False,
    head_dropout: float = 0.0,
    batch_norm: bool = False,
) -> nn.Sequential:
    """``small_cnn`` with dropout behind its convolutions too.

    Each convolution is 3 x 3, followed by batch norm if asked for, ReLU and dropout; then a 2 x 2
    max pooling, dropout and a linear read-out. A rate of 0 builds no layer.

    Args:
        classes: width of the output, shape (batch, classes).
        channels: of the convolutions, one after another.
        conv_dropout: probability behind each convolution.
        spatial: whether that drops whole maps (``Dropout2d``) rather than single pixels.
        head_dropout: probability that a pooled feature is dropped.
        batch_norm: whether each convolution has one.
    """
    layers: list[nn.Module] = [nn.Unflatten(1, (1, SIDE, SIDE))]
    for before, after in zip((1, *channels), channels, strict=False):
        layers.append(nn.Conv2d(before, after, kernel_size=3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(after))
        layers.append(nn.ReLU())
        if conv_dropout:
            layers.append(nn.Dropout2d(conv_dropout) if spatial else nn.Dropout(conv_dropout))
    layers += [nn.MaxPool2d(2), nn.Flatten()]
    if head_dropout:
        layers.append(nn.Dropout(head_dropout))
    return nn.Sequential(*layers, nn.Linear(channels[-1] * (SIDE // 2) ** 2, classes))


def l1(nets: Replicas, strength: float, *, biases: bool = False) -> Tensor:
    """Strength times the sum of all weights' sizes; shape (replicas,).

    Args:
        nets: whose parameters are summed.
        strength: of the penalty.
        biases: whether parameters named "bias" count too.
    """
    sizes = [p.abs().flatten(1).sum(dim=1) for p in _penalised(nets, biases=biases)]
    return strength * torch.stack(sizes).sum(dim=0)


def l2(nets: Replicas, strength: float, *, biases: bool = False) -> Tensor:
    """Strength times the sum of all weights' squares; shape (replicas,).

    Its gradient is that of a weight decay of twice the strength in SGD or Adam.

    Args:
        nets: whose parameters are summed.
        strength: of the penalty.
        biases: whether parameters named "bias" count too.
    """
    squares = [p.square().flatten(1).sum(dim=1) for p in _penalised(nets, biases=biases)]
    return strength * torch.stack(squares).sum(dim=0)


def proximal_l1(nets: Replicas, threshold: float) -> None:
    """Bring every weight nearer to zero in place, and to zero what is no farther than that.

    Args:
        nets: whose weights; biases stay.
        threshold: by how much: learning rate times strength, to be called after every step.
    """
    with torch.no_grad():
        for parameter in _penalised(nets, biases=False):
            parameter.copy_(functional.softshrink(parameter, threshold))


def _penalised(nets: Replicas, *, biases: bool) -> list[nn.Parameter]:
    return [p for name, p in nets.named_parameters() if biases or not name.endswith("bias")]


def mixup(alpha: float, classes: int = 10) -> Change:
    """Trains on weighted means of pairs of rows and of their classes.

    Each step and replica has one weight, from Beta(alpha, alpha), and each row another row of the
    batch as its partner, as in the authors' own code.

    Args:
        alpha: of the Beta distribution; the larger, the nearer weights are to one half.
        classes: how many there are.
    """

    def change(x: Tensor, y: Tensor, stream: torch.Generator) -> tuple[Tensor, Tensor]:
        replicas, rows = x.shape[:2]
        seed = int(torch.randint(2**62, (1,), generator=stream, device=stream.device))
        weights = torch.as_tensor(np.random.default_rng(seed).beta(alpha, alpha, replicas))
        weight = weights.to(x.device, x.dtype)[:, None, None]
        places = torch.rand(replicas, rows, generator=stream, device=x.device).argsort(dim=1)
        each = torch.arange(replicas, device=x.device)[:, None]
        hot = functional.one_hot(y, classes).to(x.dtype)
        mixed = weight * x + (1 - weight) * x[each, places]
        return mixed, weight * hot + (1 - weight) * hot[each, places]

    return change


def cutout(size: int, fill: float = 0.0) -> Change:
    """Masks a square of every image of the digits, whose centre is any pixel: it may reach out.

    Args:
        size: its side in pixels.
        fill: what masked pixels become: 0 is the middle of the scale, ``BACKGROUND`` no ink.
    """

    def change(x: Tensor, y: Tensor, stream: torch.Generator) -> tuple[Tensor, Tensor]:
        places = torch.arange(SIDE, device=x.device)
        inside = []
        for _ in range(2):
            centre = torch.randint(SIDE, x.shape[:2], generator=stream, device=x.device)
            first = (centre - size // 2)[..., None]
            inside.append((places >= first) & (places < first + size))
        square = inside[0][..., :, None] & inside[1][..., None, :]
        return x.masked_fill(square.flatten(2), fill), y

    return change


def shifts(pixels: int = 1) -> Change:
    """Moves every image of the digits up to so many pixels up or down and to a side.

    Each shift is as likely, none included; what comes in is background.

    Args:
        pixels: the farthest.
    """

    def change(x: Tensor, y: Tensor, stream: torch.Generator) -> tuple[Tensor, Tensor]:
        images = x.reshape(-1, SIDE, SIDE)
        padded = functional.pad(images, [pixels] * 4, value=BACKGROUND)
        along = torch.arange(SIDE, device=x.device)
        size = (2, len(images), 1)
        first = torch.randint(2 * pixels + 1, size, generator=stream, device=x.device)
        down, across = first + along
        each = torch.arange(len(images), device=x.device)[:, None, None]
        return padded[each, down[:, :, None], across[:, None, :]].reshape(x.shape), y

    return change
