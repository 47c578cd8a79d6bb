"""The search on networks whose losses are known in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from torch import nn

from harness.workloads.six_strategies import Rows, loader
from studies.listings import search as module
from studies.listings.search import CONFIGS, PATIENCE, search, validation_loss
from studies.listings.tuning import (
    BEST,
    PLACES,
    WORSE,
    place_returned,
    telling_rows,
    told,
    with_the_best_at,
)


def loss_of(confidence: float, classes: int = 4) -> float:
    return math.log(1 + (classes - 1) * math.exp(-confidence))


def searched(*confidences: Sequence[float]) -> float:
    configs = [{"model_args": {"confidences": each}, "wd": 0.1} for each in confidences]
    batches = loader(telling_rows(), 64, shuffle=False)
    found: float = search(told, batches, batches, configs)["best_val_loss"]
    return found


def test_the_loss_returned_is_the_lowest_of_any_epoch() -> None:
    assert searched((1.0, 3.0, 2.0)) == pytest.approx(loss_of(3.0), rel=1e-5)
    assert searched((1.0,), (2.0,)) == pytest.approx(loss_of(2.0), rel=1e-5)


def test_training_ends_when_nothing_has_improved_for_five_epochs() -> None:
    late = (1.0, *[0.5] * (PATIENCE - 1), 3.0)
    too_late = (1.0, *[0.5] * PATIENCE, 3.0)
    assert searched(late) == pytest.approx(loss_of(3.0), rel=1e-5)
    assert searched(too_late) == pytest.approx(loss_of(1.0), rel=1e-5)


def test_training_ends_after_a_hundred_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EPOCHS", 3)
    assert searched((1.0, 2.0, 3.0, 4.0)) == pytest.approx(loss_of(3.0), rel=1e-5)


def test_the_best_configuration_stands_where_it_was_put() -> None:
    assert max(BEST) > max(max(each) for each in WORSE)
    assert BEST.index(max(BEST)) not in (0, len(BEST) - 1)
    for place in PLACES:
        assert with_the_best_at(place)[place] == BEST
        assert len(with_the_best_at(place)) == len(PLACES)


def test_the_last_of_four_can_be_the_one_returned() -> None:
    assert place_returned([(1.0,), (0.5,), (2.0,)]) == 2


def test_validation_divides_by_the_rows_that_there_are() -> None:
    class Even(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 0 * x

    rows = Rows(torch.ones(70, 4), torch.zeros(70, dtype=torch.long))
    assert validation_loss(Even(), loader(rows, 64, shuffle=False)) == pytest.approx(math.log(4))


def test_the_listing_has_four_configurations() -> None:
    assert len(CONFIGS) == 4
    assert all(set(config) == {"model_args", "wd"} for config in CONFIGS)
