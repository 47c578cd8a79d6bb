"""Repeated passes in eval mode."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from harness.design.factors import Arm, Block
from studies.eval_variance import repeated_eval
from studies.eval_variance.repeated_eval import (
    DRAWLESS,
    FIXED,
    FOLLOWS,
    MODULES,
    NETS,
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


@pytest.mark.parametrize("net", DRAWLESS)
def test_a_network_that_draws_nothing_in_eval_mode_repeats_itself(net: str) -> None:
    assert measured(net)["outputs"] == 1


@pytest.mark.parametrize("net", [*FIXED, MODULES[4]])
def test_a_network_that_draws_in_both_modes_never_repeats_itself(net: str) -> None:
    assert measured(net)["outputs"] == PASSES


@pytest.mark.parametrize("net", [MODULES[0], MODULES[2], *FOLLOWS])
def test_dropout_that_listens_to_the_mode_is_on_in_train_mode(net: str) -> None:
    assert measured(net, mode="train")["outputs"] == PASSES


def test_a_counter_in_the_forward_pass_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(100))
    net = applied(lambda x, _: x + next(calls))
    monkeypatch.setitem(repeated_eval.NETS, MODULES[0], lambda: net)
    found = measured(MODULES[0])
    assert found["outputs"] == PASSES


def test_a_network_that_looks_at_the_other_rows_would_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def centred(x: Tensor, _: bool) -> Tensor:
        return x - x.mean(dim=0)

    monkeypatch.setitem(repeated_eval.NETS, MODULES[0], lambda: applied(centred))
    gap = measured(MODULES[0])["alone_gap"]
    assert isinstance(gap, float)
    assert gap > 0.01


def test_index_add_is_the_sum_over_the_edges() -> None:
    net = NETS["index_add"]()
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
