"""Where dropout stands, read off the networks themselves."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from studies.batchnorm.nets import Place, convolutions, perceptron

LETTERS = {
    nn.Linear: "L",
    nn.Conv2d: "C",
    nn.BatchNorm1d: "B",
    nn.BatchNorm2d: "B",
    nn.ReLU: "R",
    nn.Dropout: "D",
    nn.MaxPool2d: "P",
}


def spelled(net: nn.Module) -> str:
    return "".join(LETTERS.get(type(layer), "") for layer in net.children())


@pytest.mark.parametrize(
    ("place", "inside", "with_pools"),
    [
        ("before", "LDBRLDBRL", "CDBRPCDBRPL"),
        ("between", "LRDBLRDBL", "CRDBPCRDBPL"),
        ("after", "LBRDLBRDL", "CBRDPCBRDPL"),
        ("last", "LBRLBRDL", "CBRPCBRDPL"),
    ],
)
def test_dropout_stands_where_it_was_asked_for(place: Place, inside: str, with_pools: str) -> None:
    assert spelled(perceptron(5, 3, place=place, drop=0.5)) == inside
    assert spelled(convolutions(10, place=place, drop=0.5)) == with_pools


def test_without_dropout_or_batch_norm_there_is_none() -> None:
    assert spelled(perceptron(5, 3)) == "LBRLBRL"
    assert spelled(perceptron(5, 3, batch_norm=False, drop=0.5)) == "LRDLRDL"


def begun_alike(nets: list[nn.Module]) -> bool:
    """Whether all have the same matrices."""
    matrices = [[p for p in net.parameters() if p.dim() > 1] for net in nets]
    return all(
        torch.equal(a, b) for other in matrices[1:] for a, b in zip(matrices[0], other, strict=True)
    )


def test_networks_of_one_seed_begin_with_the_same_weights() -> None:
    layered: list[nn.Module] = []
    convolving: list[nn.Module] = []
    places: tuple[Place, ...] = ("before", "between", "after", "last")
    for place in places:
        for batch_norm in (True, False):
            torch.manual_seed(3)
            layered.append(perceptron(64, 10, place=place, drop=0.5, batch_norm=batch_norm))
            torch.manual_seed(3)
            convolving.append(convolutions(10, place=place, drop=0.5, batch_norm=batch_norm))
    assert begun_alike(layered)
    assert begun_alike(convolving)
    assert not begun_alike([layered[0], perceptron(64, 10)])


def test_both_read_rows() -> None:
    assert perceptron(64, 10)(torch.randn(4, 64)).shape == (4, 10)
    assert convolutions(10)(torch.randn(4, 64)).shape == (4, 10)
