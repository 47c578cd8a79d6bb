"""One dropout layer in train mode, against enumeration and sequential passes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from studies.eval_variance import dropout_layer
from studies.eval_variance.dropout_layer import equal_passes, expected_equal_share, measure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

BLOCK = Block(0, seed=7, shared_seed=8)


def measured(p: float, size: int) -> Mapping[str, float]:
    torch.manual_seed(BLOCK.seed)
    responses = measure(BLOCK, Arm((("p", p), ("size", size))))
    return {name: float(value) for name, value in responses.items()}  # type: ignore[arg-type]


@pytest.mark.parametrize("p", [0.001, 0.1, 0.5])
def test_the_closed_form_is_the_chance_of_drawing_one_mask_twice(p: float) -> None:
    masks = itertools.product((p, 1 - p), repeat=4)
    chances = [a * b * c * d for a, b, c, d in masks]
    assert expected_equal_share(p, 4) == pytest.approx(sum(chance**2 for chance in chances))


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_one_pass_over_a_repeated_input_is_like_many_passes(p: float) -> None:
    torch.manual_seed(1)
    layer, x = nn.Dropout(p), torch.tensor(dropout_layer.EXAMPLE)
    outputs = [layer(x) for _ in range(4000)]
    pairs = itertools.pairwise(outputs)
    sequential = sum(torch.equal(a, b) for a, b in pairs) / 3999
    sd = (sequential * (1 - sequential) / 3999) ** 0.5
    assert measured(p, 4)["equal_pairs"] == pytest.approx(sequential, abs=6 * sd)


def test_a_layer_that_never_drops_gives_one_output_and_no_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nn.Dropout, "forward", lambda self, x: x)
    found = measured(0.1, 32)
    assert (found["zeroed"], found["changed"], found["equal_pairs"]) == (0.0, 0.0, 1.0)


def test_four_units_at_one_half_are_counted_as_sixteen_equally_likely_masks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def known(self: nn.Dropout, x: Tensor) -> Tensor:
        return 2 * x * (torch.rand(x.shape) >= self.p)

    monkeypatch.setattr(nn.Dropout, "forward", known)
    found = measured(0.5, 4)
    assert found["outcomes"] == 16
    assert found["half_zeroed"] == pytest.approx(6 / 16, abs=0.02)
    assert found["printed_first"] == pytest.approx(1 / 16, abs=0.01)
    assert found["printed_second"] == pytest.approx(1 / 16, abs=0.01)


def test_dropout_that_forgets_to_scale_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def unscaled(self: nn.Dropout, x: Tensor) -> Tensor:
        return x * (torch.rand_like(x) >= self.p)

    monkeypatch.setattr(nn.Dropout, "forward", unscaled)
    found = measured(0.5, 4)
    assert found["scaling_error"] == pytest.approx(0.5)
    assert found["printed_first"] == 0.0


def test_dropout_that_zeroes_exactly_half_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def exact(self: nn.Dropout, x: Tensor) -> Tensor:
        ranks = torch.rand(x.shape).argsort(dim=-1)
        return 2 * x * (ranks < x.shape[-1] // 2)

    monkeypatch.setattr(nn.Dropout, "forward", exact)
    assert measured(0.5, 32)["half_zeroed"] == 1.0


def test_the_title_of_the_figure_is_computed_from_the_table() -> None:
    rows = [
        {"block": block, "p": p, "size": size, "response": "equal_pairs", "value": 0.25}
        for block in range(8)
        for p in dropout_layer.P.levels
        for size in dropout_layer.SIZE.levels
    ]
    title = equal_passes(pd.DataFrame(rows)).axes[0].get_title()
    assert "in 25 % of cases at 256 units or more" in title
    assert "four units in 25.0 % (99 % interval 25.0 to 25.0)" in title
