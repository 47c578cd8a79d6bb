"""Bytes of a model, against numpy's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from studies.arithmetic.model_memory import is_the_ratio, weight_bytes


@pytest.mark.parametrize(
    ("kind", "like"), [(torch.float32, np.float32), (torch.float16, np.float16)]
)
def test_bytes_are_the_number_of_weights_times_the_size_of_one(
    kind: torch.dtype, like: type[np.floating]
) -> None:
    assert weight_bytes(5_000, kind) == np.zeros(5_000, like).nbytes
    assert weight_bytes(7_000_000_000, kind) == 7_000_000_000 * np.dtype(like).itemsize


def test_two_to_three_times_includes_its_ends() -> None:
    assert is_the_ratio(2, 1)
    assert is_the_ratio(3, 1)
    assert not is_the_ratio(1.9, 1)
    assert not is_the_ratio(3.1, 1)
