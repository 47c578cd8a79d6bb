"""What counts as noise: ranges and pairs against enumeration and simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from harness import Difference, Factor
from studies.eval_variance.noisy import RULE, noise, noisy, noisy_beyond, unequal_pairs


def test_pairs_are_compared_as_they_are_printed() -> None:
    losses = [0.12341, 0.12339, 0.1235, 0.2, 0.2, 0.2]
    pairs = itertools.combinations([f"{loss:.4f}" for loss in losses], 2)
    differ = [one != other for one, other in pairs]
    assert unequal_pairs(torch.tensor(losses)) == pytest.approx(np.mean(differ))


def test_losses_that_never_repeat_and_those_that_always_do() -> None:
    assert unequal_pairs(torch.arange(5.0)) == 1
    assert unequal_pairs(torch.ones(5)) == 0


def test_the_range_is_that_of_twenty_binomial_draws_however_many_there_are() -> None:
    stream = np.random.default_rng(0)
    expected = np.ptp(stream.binomial(100, 0.8, size=(20_000, 20)), axis=1).mean() / 100
    hits = torch.from_numpy(stream.binomial(100, 0.8, size=4000))
    seen = noise(hits, 100, torch.ones(4000))
    assert seen["range_of_20"] == pytest.approx(expected, rel=0.05)


def test_a_last_group_that_is_not_full_does_not_count() -> None:
    hits = torch.tensor([50] * 19 + [60] + [0, 100])
    assert noise(hits, 100, torch.ones(22))["range_of_20"] == pytest.approx(0.1)


def test_the_claims_of_one_statement_differ_in_nothing_but_their_ids() -> None:
    first, second = (noisy(claim, dropout=0.5) for claim in ("one", "other"))
    for a, b in zip(first, second, strict=True):
        assert (a.contrast, a.region, a.reading) == (b.contrast, b.region, b.reading)
    for shown, (_, region, reading) in zip(noisy_beyond("one", "why"), RULE, strict=True):
        assert (shown.region, shown.reading) == (region, reading)


def test_a_curve_is_judged_at_the_sizes_that_are_meant() -> None:
    size = Factor("size", (10, 100))
    (unequal, ranges) = noisy("one", along=(size, (100,)), headline={"size": 100})
    assert unequal.contrast.curve == ranges.contrast.curve == ("size", (100,))
    assert not isinstance(unequal.contrast, Difference)
    assert (unequal.headline, ranges.headline) == (False, {"size": 100})
