"""Does Dropout2d drop whole feature maps?

Batches of four-dimensional maps of normal numbers, which are never zero by themselves, go through
the layer in train mode many times; counted are maps that are neither zero throughout nor scaled by
1 / (1 - p) throughout. Plain dropout on the same maps is the counterexample. Inputs of fewer
dimensions have other meanings in PyTorch, and are beyond the listing's.
"""

from __future__ import annotations

import warnings

from harness import Fact, facts
from harness.libraries import nn, torch

PASSES, SHAPE = 200, (2, 8, 4, 4)  # as in the listing: samples, maps, height, width


def broken_maps(name: str, p: float, shape: tuple[int, ...] = SHAPE) -> int:
    """How many maps are neither dropped whole nor kept whole and scaled.

    Args:
        name: of the layer in ``nn``.
        p: its rate.
        shape: of the input; the last two dimensions are a map.
    """
    torch.manual_seed(0)
    layer: nn.Module = getattr(nn, name)(p).train()
    broken = 0
    for _ in range(PASSES):
        x = torch.randn(shape)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that three dimensions are read in another way
            out = layer(x)
        dropped = (out == 0).flatten(-2).all(dim=-1)
        kept = torch.isclose(out, x / (1 - p), rtol=1e-6, atol=0).flatten(-2).all(dim=-1)
        broken += int((~(dropped | kept)).sum())
    return broken


def maps_dropped(name: str, p: float) -> bool:
    """Whether a share of the maps that is near the rate is dropped whole."""
    torch.manual_seed(0)
    layer: nn.Module = getattr(nn, name)(p).train()
    out = layer(torch.ones(PASSES, *SHAPE[1:]))
    share = (out == 0).flatten(-2).all(dim=-1).double().mean().item()
    return bool(abs(share - p) < 0.05)


EXPERIMENT = facts(
    "Does Dropout2d drop whole feature maps?",
    *(
        Fact(
            "D-list2-9",
            f"Dropout2d({p:g}) leaves no map dropped in part",
            lambda p=p: broken_maps("Dropout2d", p),
            0,
            lambda p=p: broken_maps("Dropout", p),
            headline=p == 0.3,
        )
        for p in (0.1, 0.3, 0.5)
    ),
    Fact(
        "D-list2-9",
        "Dropout2d(0.3) drops three maps of ten, to five points",
        lambda: maps_dropped("Dropout2d", 0.3),
        True,
        lambda: maps_dropped("Dropout", 0.3),
    ),
    Fact(
        "D-list2-9",
        "Of a single image of three dimensions, too, Dropout2d(0.3) drops no map in part",
        lambda: broken_maps("Dropout2d", 0.3, SHAPE[1:]),
        0,
        lambda: broken_maps("Dropout", 0.3, SHAPE[1:]),
        beyond="inputs of three dimensions",
    ),
)
