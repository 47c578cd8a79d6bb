"""Small transformers, and the one that is fine-tuned."""

from __future__ import annotations

import pytest
import torch

from harness.libraries import nn
from studies.tuning.fine_tuned import with_rate
from studies.tuning.from_scratch import (
    EXPERIMENT,
    LENGTH,
    OPENING,
    PADDING,
    UNKNOWN,
    map_distance,
    numbered,
    small_bert,
)
from tests.studies.tuning.planted import rows


def test_words_are_numbered_by_how_common_they_are() -> None:
    (first, second) = numbered([["a", "b", "a"], ["c"] * (LENGTH + 5)])
    assert first[:5].tolist() == [OPENING, 4, 5, 4, PADDING]
    assert second.tolist() == [OPENING, *[3] * (LENGTH - 1)]


def test_rare_words_share_a_number() -> None:
    many = [[f"w{place}"] * 2 for place in range(2000)]
    assert numbered([*many, ["once"]])[-1, 1] == UNKNOWN


def test_every_dropout_gets_the_rate() -> None:
    model = with_rate(nn.Sequential(nn.Dropout(0.1), nn.Sequential(nn.Dropout(0.2))), 0.4)
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.4, 0.4]


def words() -> torch.Tensor:
    return torch.randint(3, 200, (64, LENGTH), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_a_mask_alone_moves_a_map_by_the_root_of_p_over_one_minus_p(rate: float) -> None:
    torch.manual_seed(0)
    model = small_bert(4, 0.0)
    for name, module in model.named_modules():
        if isinstance(module, nn.Dropout) and "attention.self" in name:
            module.p = rate
    # The maps of the second layer are made from what masks in the first have moved, a little.
    assert map_distance(model, words()) == pytest.approx((rate / (1 - rate)) ** 0.5, rel=0.1)


def test_without_dropout_both_modes_have_the_same_maps() -> None:
    assert map_distance(small_bert(4, 0.0), words()) == pytest.approx(0, abs=1e-6)


def test_the_figure_says_what_more_dropout_costs() -> None:
    def value(arm: dict[str, float], *_: object) -> float:
        return 0.8 - arm["rate"] / 10

    title = EXPERIMENT.figures[0](rows(EXPERIMENT, value, blocks=8)).get_suptitle()
    assert "\N{MINUS SIGN}2.0 points" in title
