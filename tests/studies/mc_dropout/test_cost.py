"""Cost: every way gives the answers of as many passes as it says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness import Block
from studies.mc_dropout.cost import NETS, WAYS, prepare
from studies.mc_dropout.levels import COPIES, HEAD, IMAGES, IN_TURN, ONCE


class Counting(nn.Module):
    """Notes the rows of every call, and whether it is in train mode."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[int, bool]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls.append((len(x), self.training))
        return x


@pytest.mark.parametrize(
    ("way", "trunk", "head"),
    [
        (ONCE, [(1, False)], [(1, False)]),
        (IN_TURN, [(1, False)] * 10, [(1, True)] * 10),
        (COPIES, [(10, False)], [(10, True)]),
        (HEAD, [(1, False)], [(10, True)]),
    ],
)
def test_a_way_passes_as_many_rows_as_it_says(
    way: str, trunk: list[tuple[int, bool]], head: list[tuple[int, bool]]
) -> None:
    parts = Counting().eval(), Counting()
    WAYS[way](*parts, torch.ones(1, 4), 10)()
    assert [part.calls for part in parts] == [trunk, head]


def test_copies_of_one_input_get_masks_of_their_own() -> None:
    nets = prepare(Block(0, seed=1, shared_seed=1))
    assert set(nets) == set(NETS)
    for name in NETS:
        trunk, head, x = nets[name]
        with torch.no_grad():
            same = head.eval()(trunk(x.expand(4, *x.shape[1:])))
            other = head.train()(trunk(x.expand(4, *x.shape[1:])))
        assert torch.allclose(same[0], same[1], atol=1e-5)
        assert not torch.allclose(other[0], other[1], atol=1e-5)
    assert len(list(nets[IMAGES].trunk.parameters())) == 12
