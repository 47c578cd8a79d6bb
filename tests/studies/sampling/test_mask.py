"""Gaps between padded and unpadded, for models whose gap is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from studies.sampling import mask
from studies.sampling.mask import BARE, BERT, EAGER, ENCODERS, MODEL, build, gaps_by_model, measure


def gap(
    monkeypatch: pytest.MonkeyPatch,
    forward: Callable[[Tensor, Tensor | None], Tensor],
    *,
    given: bool,
) -> float:
    monkeypatch.setattr(mask, "build", lambda _: forward)
    torch.manual_seed(0)
    found = measure(Block(0, 1, 2), Arm((("model", BERT), ("given", given))))
    return float(str(found["gap"]))


def mean_of_the_row(tokens: Tensor, real: Tensor | None) -> Tensor:
    """A model that averages over all it takes for real."""
    x = tokens.float()[:, :, None]
    weights = torch.ones_like(x) if real is None else real[:, :, None]
    return x - (x * weights).sum(1, keepdim=True) / weights.sum(1, keepdim=True)


def test_a_model_that_heeds_the_mask_has_no_gap_and_without_it_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert gap(monkeypatch, mean_of_the_row, given=True) < 1e-3 * gap(
        monkeypatch, mean_of_the_row, given=False
    )


def test_a_model_that_ignores_the_mask_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(tokens: Tensor, _: Tensor | None) -> Tensor:
        return mean_of_the_row(tokens, None)

    assert gap(monkeypatch, deaf, given=True) == gap(monkeypatch, deaf, given=False) > 1


def test_what_happens_at_padding_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def noisy_at_padding(tokens: Tensor, real: Tensor | None) -> Tensor:
        return torch.where(tokens == 0, 1e6, 1.0)[:, :, None]

    assert gap(monkeypatch, noisy_at_padding, given=False) == 0


def test_the_two_berts_differ_in_their_attention_alone() -> None:
    tokens = torch.arange(3, 20)[None]
    states = []
    for name in (BERT, EAGER):
        torch.manual_seed(0)
        states.append(build(name)(tokens, None))
    assert torch.allclose(states[0], states[1], atol=1e-5)


@pytest.mark.parametrize("name", MODEL.levels)
def test_every_model_gives_a_state_for_each_token(name: str) -> None:
    states = build(name)(torch.arange(3, 14).view(1, 11), None)
    assert states.shape[:2] == (1, 11)


def test_the_figure_tells_the_largest_gap_of_the_encoders() -> None:
    rows = [
        {
            "model": model,
            "given": given,
            "block": block,
            "value": (2e-7 if model in ENCODERS else 0.5) if given else 0.03,
        }
        for model in MODEL.levels
        for given in (True, False)
        for block in range(8)
    ]
    table = pd.DataFrame(rows)
    table.loc[table["model"] == BARE[0], "value"] = np.nan
    with slide_style():
        title = gaps_by_model(table).get_suptitle()
    assert "more than 2e-07" in title
    assert "by 0.03" in title
