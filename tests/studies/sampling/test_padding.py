"""Padding against numpy."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from studies.sampling.padding import pad_batch


@given(st.lists(st.lists(st.integers(-5, 5), max_size=9), min_size=1, max_size=5))
def test_sequences_come_first_and_the_mask_says_where(sequences: list[list[int]]) -> None:
    batch = pad_batch(
        [(torch.tensor(each, dtype=torch.long), n) for n, each in enumerate(sequences)]
    )
    longest = max(map(len, sequences))
    tokens = np.zeros((len(sequences), longest))
    mask = np.zeros((len(sequences), longest))
    for row, each in enumerate(sequences):
        tokens[row, : len(each)] = each
        mask[row, : len(each)] = 1
    assert np.array_equal(batch["input_ids"].numpy(), tokens)
    assert np.array_equal(batch["attention_mask"].numpy(), mask)
    assert batch["labels"].tolist() == [*range(len(sequences))]
    assert batch["input_ids"].dtype == torch.long
    assert batch["attention_mask"].dtype == torch.float32
