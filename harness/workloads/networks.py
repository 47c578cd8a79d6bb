"""The networks that experiments share.

Weights come from torch's global stream, in the order of the layers. Dropout and norms draw nothing
when they are built, so networks built from one seed start from equal weights whatever their dropout
and norms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from harness.libraries import nn, torch
from harness.workloads.datasets import Split
from harness.workloads.training import fit_classifier

#: What stands behind the linear part of a hidden layer, by the layer's place, from 0, and width.
Behind: TypeAlias = "Callable[[int, int], Sequence[nn.Module]]"


def perceptron(features: int, outputs: int, widths: Sequence[int], behind: Behind) -> nn.Sequential:
    """A perceptron of any hidden layers with a linear read-out.

    Args:
        features: width of the input, shape (batch, features).
        outputs: width of the output.
        widths: of the hidden layers.
        behind: makes what stands behind each hidden layer's linear part, in order.
    """
    layers: list[nn.Module] = []
    for place, (before, width) in enumerate(zip((features, *widths), widths, strict=False)):
        layers += [nn.Linear(before, width), *behind(place, width)]
    return nn.Sequential(*layers, nn.Linear((features, *widths)[-1], outputs))


def mlp(
    features: int,
    classes: int,
    *,
    hidden: int = 64,
    dropout: float | None = None,
    batch_norm: bool = False,
    layer_norm: bool = False,
    activation: Callable[[], nn.Module] | None = None,
) -> nn.Sequential:
    """A multi-layer perceptron with two hidden layers.

    Each hidden layer is Linear, then the norms asked for, the activation, and Dropout.

    Args:
        features: width of the input, shape (batch, features).
        classes: width of the output, shape (batch, classes): logits.
        hidden: width of both hidden layers.
        dropout: probability that a hidden unit is dropped in train mode; None builds no such layer,
            0 builds one that drops nothing.
        batch_norm: whether each hidden layer has a BatchNorm1d.
        layer_norm: whether each hidden layer has a LayerNorm.
        activation: makes the activation of a hidden layer; ReLU by default.
    """

    def behind(_: int, width: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        if batch_norm:
            layers.append(nn.BatchNorm1d(width))
        if layer_norm:
            layers.append(nn.LayerNorm(width))
        layers.append(activation() if activation else nn.ReLU())
        if dropout is not None:
            layers.append(nn.Dropout(dropout))
        return layers

    return perceptron(features, classes, (hidden, hidden), behind)


def mlp_for(
    split: Split, seed: int, *, dropout: float | None = None, batch_norm: bool = False
) -> nn.Sequential:
    """The perceptron that fits a split's data, on its device, untrained.

    Weights come from the seed alone: networks that differ in dropout and norm start equal.

    Args:
        split: sets the widths of input and output.
        seed: of torch's global stream, which goes on from there.
        dropout: see ``mlp``.
        batch_norm: see ``mlp``.
    """
    torch.manual_seed(seed)
    model = mlp(split.train_x.shape[1], split.classes, dropout=dropout, batch_norm=batch_norm)
    return model.to(split.train_x.device)


def trained_mlp(
    split: Split,
    seed: int,
    *,
    epochs: int,
    batch_size: int = 64,
    dropout: float | None = None,
    batch_norm: bool = False,
) -> nn.Module:
    """The perceptron of ``mlp_for``, trained on the split: equal weights and batches at one seed.

    Args:
        split: trained on its training part.
        seed: of the weights, the dropout in training and the order of batches.
        epochs: passes over the data.
        batch_size: rows a step.
        dropout: see ``mlp``.
        batch_norm: see ``mlp``.
    """
    model = mlp_for(split, seed, dropout=dropout, batch_norm=batch_norm)
    return fit_classifier(
        model, split.train_x, split.train_y, seed=seed, epochs=epochs, batch_size=batch_size
    )


def small_cnn(
    classes: int, *, dropout: float | None = None, batch_norm: bool = False
) -> nn.Sequential:
    """A small convolutional network for the 8 x 8 digits, given as rows of 64 pixels.

    Two 3 x 3 convolutions with 16 and 32 channels, each with batch norm if asked for and ReLU; a
    2 x 2 max pooling; dropout before the linear read-out.

    Args:
        classes: width of the output, shape (batch, classes): logits.
        dropout: probability that a pooled feature is dropped in train mode; None builds no such
            layer, 0 builds one that drops nothing.
        batch_norm: whether each convolution has a BatchNorm2d.
    """
    layers: list[nn.Module] = [nn.Unflatten(1, (1, 8, 8))]
    for channels_in, channels_out in ((1, 16), (16, 32)):
        layers.append(nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(channels_out))
        layers.append(nn.ReLU())
    layers += [nn.MaxPool2d(2), nn.Flatten()]
    if dropout is not None:
        layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Linear(32 * 4 * 4, classes))


def tower(depth: int, width: int) -> nn.Sequential:
    """Linear layers of one width with ReLU between them: shape (batch, width) in and out.

    Args:
        depth: how many Linear layers.
        width: of every layer.
    """
    layers: list[nn.Module] = [nn.Linear(width, width)]
    for _ in range(depth - 1):
        layers += [nn.ReLU(), nn.Linear(width, width)]
    return nn.Sequential(*layers)


def encoder(layers: int, width: int, heads: int = 4, *, dropout: float = 0.0) -> nn.Module:
    """A transformer encoder: shape (batch, length, width) in and out.

    Args:
        layers: how many.
        width: of a token; the feed-forward part is four times as wide, as in Vaswani et al. (2017).
        heads: of the attention; divides ``width``.
        dropout: probability in every layer.
    """
    layer = nn.TransformerEncoderLayer(width, heads, 4 * width, dropout, batch_first=True)
    return nn.TransformerEncoder(layer, layers)


def convnet(channels: tuple[int, ...], classes: int, *, batch_norm: bool = True) -> nn.Sequential:
    """A convolutional network for images, shape (batch, 3, height, width), any size.

    Each stage is a 3 x 3 convolution, batch norm if asked for, ReLU and a 2 x 2 max pooling; then
    the mean over all places and a linear read-out.

    Args:
        channels: of the stages, one after another.
        classes: width of the output, shape (batch, classes): logits.
        batch_norm: whether each stage has a BatchNorm2d.
    """
    layers: list[nn.Module] = []
    for before, after in zip((3, *channels), channels, strict=False):
        layers.append(nn.Conv2d(before, after, kernel_size=3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(after))
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(after, classes))
