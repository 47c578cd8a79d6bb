"""The looks of the facts can come out both ways."""

from __future__ import annotations

import torch

from studies.sampling.collation import (
    IMAGES,
    by_hand,
    images,
    loader_fails,
    own_rows,
    rows_of,
    stack_fails,
    widths,
)


def test_rows_that_are_exchanged_are_found_out() -> None:
    batch = torch.stack(images())
    assert own_rows(batch) == [True] * IMAGES
    batch[[0, 1]] = batch[[1, 0]]
    assert own_rows(batch) == [False, False] + [True] * (IMAGES - 2)


def test_sequences_of_one_length_fail_nowhere() -> None:
    assert not stack_fails((7, 7))
    assert not loader_fails((7, 7))


def test_the_oracle_by_hand_is_written_out() -> None:
    assert by_hand((2, 3), mask=False) == [[1, 2, 0], [1, 2, 3]]
    assert by_hand((2, 3), mask=True) == [[1, 1, 0], [1, 1, 1]]
    assert rows_of("attention_mask", (1, 2)) != by_hand((2, 2), mask=True)


def test_widths_are_those_of_each_batch() -> None:
    assert widths((3, 9, 4, 2), 2) == [9, 4]
