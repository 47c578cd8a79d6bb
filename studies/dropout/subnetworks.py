"""How many sub-networks does dropout make, and which work does its place save?

Masks are drawn by ``nn.Dropout`` until none of the possible ones can be missing (200 draws for each
of them: the chance that any is left out is below 1e-80); functions are told apart by their outputs
on many inputs, with every mask enumerated. The passage counts units: that stacked layers have
fewer functions than masks, since a layer that is dropped whole makes all masks before it alike, is
shown beside.

A count belongs to the passage on placement, too: if dropout before the activation wastes work, more
numbers must be worked on than behind it. All numbers that a training step's operations put out are
counted, forward and backward, of a listing-sized network in both orders.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness import Fact, facts
from harness.libraries import nn, torch

if TYPE_CHECKING:
    from torch import Tensor

SEED, DRAWS = 0, 200  # draws for each possible mask
INPUTS = 200


def masks_drawn(units: int, in_pairs: bool = False) -> int:
    """How many different masks a layer of dropout draws.

    Args:
        units: in the layer.
        in_pairs: whether neighbours are dropped together.
    """
    torch.manual_seed(SEED)
    passes = DRAWS * 2**units
    if in_pairs:
        kept = nn.Dropout1d(0.5).train()(torch.ones(passes, units // 2, 2)).flatten(1) != 0
    else:
        kept = nn.Dropout(0.5).train()(torch.ones(passes, units)) != 0
    places = 2 ** torch.arange(units)
    return len(torch.unique((kept * places).sum(dim=1)))


def functions(units: tuple[int, ...], dead: int = 0) -> int:
    """How many different functions the sub-networks of a network of ReLUs are.

    Args:
        units: of each hidden layer.
        dead: units of the first layer that nothing behind listens to.
    """
    torch.manual_seed(SEED)
    layers = [
        nn.Linear(before, width).double()
        for before, width in zip((3, *units), (*units, 1), strict=True)
    ]
    layers[1].weight.data[:, :dead] = 0
    x = torch.randn(INPUTS, 3, dtype=torch.float64)
    seen = set()
    for kept in itertools.product((0.0, 1.0), repeat=sum(units)):
        out = x
        for layer, mask in zip(layers, torch.tensor(kept).split([*units]), strict=False):
            out = layer(out).relu() * mask
        seen.add(tuple(layers[-1](out).flatten().mul(1e9).round().tolist()))
    return len(seen)


def numbers_worked_on(*behind: str) -> int:
    """How many numbers the operations of one training step put out.

    Args:
        behind: what stands behind each hidden layer's linear part, as names of ``nn``.
    """
    from torch.utils._python_dispatch import TorchDispatchMode

    counted: list[int] = []

    class Counting(TorchDispatchMode):
        def __torch_dispatch__(
            self,
            func: Any,  # noqa: ANN401 - whatever torch calls
            _: object,
            args: Sequence[Any] = (),
            kwargs: dict[str, Any] | None = None,
        ) -> Any:  # noqa: ANN401 - and whatever that gives
            out = func(*args, **(kwargs or {}))
            made = out if isinstance(out, (tuple, list)) else (out,)
            counted.extend(x.numel() for x in made if isinstance(x, torch.Tensor))
            return out

    torch.manual_seed(SEED)
    layers: list[nn.Module] = []
    for before, width in ((20, 64), (64, 32)):
        layers += [nn.Linear(before, width), *(getattr(nn, name)() for name in behind)]
    net, x = nn.Sequential(*layers, nn.Linear(32, 5)), torch.randn(16, 20)
    with Counting():  # type: ignore[no-untyped-call]
        loss: Tensor = net(x).square().mean()
        loss.backward()
    return sum(counted)


EXPERIMENT = facts(
    "How many sub-networks does dropout make, and which work does its place save?",
    Fact(
        "D-drop-1",
        "Ten units under dropout take 1,024 different masks",
        lambda: masks_drawn(10),
        2**10,
        lambda: masks_drawn(10, in_pairs=True),
        headline=True,
    ),
    Fact(
        "D-drop-1",
        "Four units under dropout take 16 different masks",
        lambda: masks_drawn(4),
        2**4,
        lambda: masks_drawn(4, in_pairs=True),
    ),
    Fact(
        "D-drop-1",
        "The masks of ten units of one hidden layer make 1,024 different functions",
        lambda: functions((10,)),
        2**10,
        lambda: functions((10,), dead=1),
        reading="Different sub-networks: each mask gives other outputs on some input.",
    ),
    Fact(
        "D-drop-1",
        "The masks of two stacked layers of five units make 1,024 different functions",
        lambda: functions((5, 5)),
        2**10,
        lambda: functions((5, 4)),
        beyond="functions of stacked layers, where the passage counts units",
    ),
    Fact(
        "D-drop-7",
        "A training step with dropout before the activation works on more numbers than one with "
        "dropout behind it",
        lambda: numbers_worked_on("Dropout", "ReLU") > numbers_worked_on("ReLU", "Dropout"),
        True,
        lambda: numbers_worked_on("ReLU") > numbers_worked_on("ReLU", "Dropout"),
        reading="Wastes computation: the operations of a training step put out more numbers in "
        "this order.",
    ),
)
