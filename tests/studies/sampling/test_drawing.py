"""The loaders draw what their names say, and fresh permutations are independent."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.sampling.drawing import (
    DISTRIBUTED,
    DROPPED,
    FRESH,
    IN_ORDER,
    SHUFFLED,
    WEIGHTED,
    class_weights,
    epoch_of,
    flat,
    loader_of,
)


def test_in_order_gives_the_rows_as_they_are_stored() -> None:
    batches = epoch_of(loader_of(IN_ORDER, 10, 4))
    assert batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_dropped_last_batch_is_missing_and_the_others_are_full() -> None:
    assert [len(batch) for batch in epoch_of(loader_of(DROPPED, 10, 4))] == [4, 4]


def test_ranks_get_loaders_of_their_own() -> None:
    loaders = loader_of(DISTRIBUTED, 9, 2, ranks=3)
    assert len(loaders) == 3
    assert sorted(flat(epoch_of(loaders))) == [*range(9)]


def test_shuffled_rows_are_all_there() -> None:
    torch.manual_seed(1)
    rows = flat(epoch_of(loader_of(SHUFFLED, 50, 8)))
    assert sorted(rows) == [*range(50)]
    assert rows != [*range(50)]


def test_every_class_has_the_same_weight_in_total() -> None:
    weights = class_weights(1000)
    assert sum(weights[:900]) == pytest.approx(1)
    assert sum(weights[900:]) == pytest.approx(1)
    assert len(weights) == 1000


def test_a_weighted_epoch_has_as_many_draws_as_rows() -> None:
    torch.manual_seed(1)
    assert len(flat(epoch_of(loader_of(WEIGHTED, 100, 8)))) == 100


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 12))
def test_fresh_permutations_repeat_no_row_within_a_batch_and_fill_the_epoch(
    rows: int, batch: int
) -> None:
    batches = epoch_of(loader_of(FRESH, rows, batch))
    assert sum(map(len, batches)) == rows
    assert all(max(Counter(each).values()) == 1 for each in batches)
    assert all(0 <= row < rows for row in flat(batches))
