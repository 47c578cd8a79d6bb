"""Planted pairs of passes, and the listing's own stream."""

from __future__ import annotations

import torch

from studies.listings.dropout_demo import listing
from studies.listings.two_passes import agreement, listed_pair, threads

ONE, NEAR, FAR = torch.ones(3), torch.ones(3) + 1e-6, torch.ones(3) + 1e-3


def test_pairs_agree_within_rounding_or_to_the_bit() -> None:
    assert agreement([(ONE, ONE)]) == {"equal_pairs": 1, "same_bits": 1}
    assert agreement([(ONE, NEAR)]) == {"equal_pairs": 1, "same_bits": 0}
    assert agreement([(ONE, FAR)]) == {"equal_pairs": 0, "same_bits": 0}
    shares = agreement([(ONE, ONE), (ONE, NEAR), (ONE, FAR), (FAR, FAR)])
    assert shares == {"equal_pairs": 0.75, "same_bits": 0.5}


def test_the_listed_pair_is_that_of_the_whole_program() -> None:
    found = listing()
    for mode, run in (("train", "train run 1"), ("eval", "eval")):
        torch.manual_seed(99)
        first = listed_pair(mode)[0][0].tolist()
        assert first == [found[f"{run}: logit {place}"] for place in range(1, 6)]


def test_the_number_of_threads_is_put_back() -> None:
    before = torch.get_num_threads()
    with threads(2):
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == before
