"""Repeated passes in eval mode."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from harness.design.factors import Arm, Block
from studies.eval_variance import repeated_eval
from studies.eval_variance.repeated_eval import (
    DROPPING,
    FIXED,
    FOLLOWS,
    NET,
    NETS,
    PERCEPTRON,
    POOLING,
    SUMS,
    applied,
    measure,
    prepare,
    threads,
)

PASSES = 8


def measured(net: str, mode: str = "eval") -> Mapping[str, object]:
    torch.manual_seed(3)
    cell = prepare(Block(0, 3, 4, effort=PASSES))
    return measure(cell, Arm((("mode", mode), ("net", net), ("threads", 1))))


class Drawing(nn.Module):
    """Adds random numbers, in both modes or in train mode alone."""

    def __init__(self, *, always: bool) -> None:
        super().__init__()
        self.always = always

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.rand_like(x) * (self.always or self.training)


@pytest.mark.parametrize(
    ("always", "mode", "others"),
    [
        (True, "eval", PASSES - 1),
        (True, "train", PASSES - 1),
        (False, "eval", 0),
        (False, "train", PASSES - 1),
    ],
)
def test_outputs_are_counted_bit_by_bit(
    always: bool, mode: str, others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(repeated_eval.NETS, PERCEPTRON, lambda: Drawing(always=always))
    found = measured(PERCEPTRON, mode)
    assert (found["others"], found["repeated"]) == (others, PASSES - 1 - others)


@pytest.mark.parametrize("net", DROPPING)
def test_networks_that_are_said_to_hold_dropout_hold_it_as_modules(net: str) -> None:
    rates = [m.p for m in NETS[net]().modules() if isinstance(m, nn.Dropout)]
    assert rates
    assert all(0 < rate < 1 for rate in rates)


@pytest.mark.parametrize("net", [*FIXED, *FOLLOWS, SUMS, POOLING])
def test_the_others_hold_none(net: str) -> None:
    assert not any(isinstance(module, nn.Dropout) for module in NETS[net]().modules())


@pytest.mark.parametrize("net", NET.levels)
def test_every_network_maps_the_rows_to_as_many_rows(net: str) -> None:
    assert len(NETS[net]().eval()(torch.randn(5, repeated_eval.WIDTH))) == 5


def test_a_counter_in_the_forward_pass_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(100))
    net = applied(lambda x, _: x + next(calls))
    monkeypatch.setitem(repeated_eval.NETS, PERCEPTRON, lambda: net)
    found = measured(PERCEPTRON)
    assert found["others"] == PASSES - 1


def test_a_network_that_looks_at_the_other_rows_would_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def centred(x: Tensor, _: bool) -> Tensor:
        return x - x.mean(dim=0)

    monkeypatch.setitem(repeated_eval.NETS, PERCEPTRON, lambda: applied(centred))
    gap = measured(PERCEPTRON)["alone_gap"]
    assert isinstance(gap, float)
    assert gap > 0.01
    assert measured(PERCEPTRON)["alone_differs"] == 1


def test_index_add_is_the_sum_over_the_edges() -> None:
    net = NETS[SUMS]()
    assert isinstance(net, nn.Sequential)
    sums = net[2]
    x = torch.randn(3, repeated_eval.NODES, 5)
    unit = torch.eye(repeated_eval.NODES)[None]
    adjacency = sums(unit)[0]
    assert adjacency.sum() == repeated_eval.EDGES
    torch.testing.assert_close(sums(x), adjacency @ x)


def test_the_number_of_threads_is_put_back_even_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="more threads"), threads(before + 1):
        raise RuntimeError(f"{torch.get_num_threads() - before} more threads")
    assert torch.get_num_threads() == before
