"""Document D's listing 2, written anew: dropout on ones, a classifier in both modes, whole maps.

The global stream gives, in this order: the mask of a dropout of one half on 10,000 ones; the
weights of a classifier of 20 features, 64 and 32 hidden units and 5 classes, with dropout of one
half behind each activation; four rows of normal features; the masks of two passes in train mode;
and, after two passes in eval mode that draw nothing, the mask of a dropout of whole channels (0.3)
on two samples of eight 4 x 4 maps of ones. Logits and channels are those of the first sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from harness.libraries import nn, torch

if TYPE_CHECKING:
    from torch import Tensor

SEED, ONES, HALF = 7, 10_000, 0.5
ROWS, FEATURES, HIDDEN, CLASSES = 4, 20, 64, 5
CHANNELS, OF_CHANNELS = 8, 0.3


class Passes(NamedTuple):
    """The listing's four passes over one batch, each of shape (rows, classes)."""

    train: tuple[Tensor, Tensor]
    evaluated: tuple[Tensor, Tensor]


def listing(seed: int = SEED) -> dict[str, float]:
    """Run the program once; what it reports, by the names of ``printed``."""
    torch.manual_seed(seed)
    found = on_ones()
    passes = two_passes_in_each_mode()
    runs = {"train run 1": passes.train[0], "train run 2": passes.train[1]}
    for name, logits in (runs | {"eval": passes.evaluated[0]}).items():
        for place, logit in enumerate(logits[0].tolist(), 1):
            found[f"{name}: logit {place}"] = logit
    return found | {"surviving channels": surviving_channels()}


def on_ones() -> dict[str, float]:
    """Mean and non-zero fraction of ones behind dropout, in train mode and in eval mode."""
    layer, ones = nn.Dropout(p=HALF), torch.ones(ONES)
    found = {}
    for mode in ("train", "eval"):
        output = layer.train(mode == "train")(ones)
        found[f"{mode} mean"] = output.mean().item()
        found[f"{mode} fraction"] = (output != 0).float().mean().item()
    return found


def classifier(rate: float = HALF) -> nn.Module:
    """The listing's classifier, its weights from the global stream."""
    return nn.Sequential(
        nn.Linear(FEATURES, HIDDEN),
        nn.ReLU(),
        nn.Dropout(p=rate),
        nn.Linear(HIDDEN, HIDDEN // 2),
        nn.ReLU(),
        nn.Dropout(p=rate),
        nn.Linear(HIDDEN // 2, CLASSES),
    )


def two_passes_in_each_mode() -> Passes:
    """A new classifier and batch: two passes in train mode, two in eval mode."""
    net, batch = classifier(), torch.randn(ROWS, FEATURES)
    net.train()
    train = net(batch).detach(), net(batch).detach()
    net.eval()
    with torch.no_grad():
        return Passes(train, (net(batch), net(batch)))


def surviving_channels() -> int:
    """How many channels of the first of two samples come through a dropout of channels."""
    maps = torch.ones(2, CHANNELS, 4, 4)
    dropped = nn.Dropout2d(p=OF_CHANNELS).train()(maps)
    return int((dropped[0].sum(dim=(1, 2)) != 0).sum())
