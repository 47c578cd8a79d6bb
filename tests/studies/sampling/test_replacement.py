"""What an epoch holds, on planted draws and against exact expectations."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from studies.sampling.replacement import EXPECTED, cats_along_the_epoch, described, measure


def test_the_expected_coverage_is_that_of_independent_draws() -> None:
    """By simulation of numpy's own weighted choice."""
    chance = np.repeat([0.5 / 900, 0.5 / 100], [900, 100])
    stream = np.random.default_rng(0)
    found = [len(np.unique(stream.choice(1000, 1000, p=chance))) for _ in range(400)]
    assert np.mean(found) == pytest.approx(EXPECTED, abs=2)


def test_planted_epochs_are_described() -> None:
    once, again = np.arange(1000), np.r_[np.arange(999), 0]
    assert described(once[None], 1000)["as_said"] == 0
    found = described(again[None], 1000)
    assert (found["as_said"], found["distinct"]) == (1, 999)
    assert found["cats"] == pytest.approx(float(Fraction(99, 1000)))
    assert described(again[None, :500], 1000)["as_said"] == 0


def test_cats_are_counted_batch_by_batch() -> None:
    epoch = np.r_[np.full(32, 950), np.full(32, 3), np.full(936, 3)]
    assert described(epoch[None], 1000)["cats_by_batch"] == [1.0] + [0.0] * 30


def test_without_replacement_an_epoch_is_complete() -> None:
    arm = Arm((("replacement", False), ("draws", 1000)))
    found = measure(Block(0, 1, 2, effort=3), arm)
    assert (found["accepted"], found["distinct"], found["cats"]) == (1, 1000, 0.1)


def test_the_figure_tells_both_shares() -> None:
    rows = [
        {
            "draws": 1000,
            "replacement": with_it,
            "block": block,
            "round": place,
            "value": share,
            "response": response,
        }
        for with_it, share in ((True, 0.5), (False, 0.1))
        for block in range(3)
        for response, places in (("cats", 1), ("cats_by_batch", 31))
        for place in range(places)
    ]
    table = pd.DataFrame(rows)
    with slide_style():
        title = cats_along_the_epoch(table).get_suptitle()
    assert "make 50.0 % cats with replacement, 10.0 % without" in title
