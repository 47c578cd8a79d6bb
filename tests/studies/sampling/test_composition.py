"""Batches of dogs and cats against scipy's laws and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from studies.sampling.composition import (
    BATCH,
    LOADER,
    batches_of_an_epoch,
    cats_of,
    exact_chances,
    measure,
)
from studies.sampling.drawing import IN_ORDER, SHUFFLED


@pytest.mark.parametrize("batch", BATCH.levels)
def test_exact_chances_are_those_of_the_closed_forms(batch: int) -> None:
    ways = [math.comb(100, k) * math.comb(900, batch - k) for k in range(batch + 1)]
    exact = [way / math.comb(1000, batch) for way in ways]
    assert exact_chances(batch, weighted=False) == pytest.approx(exact, abs=1e-12)
    coin = [math.comb(batch, k) / 2**batch for k in range(batch + 1)]
    assert exact_chances(batch, weighted=True) == pytest.approx(coin, abs=1e-12)


def test_cats_are_the_last_hundred_and_only_full_batches_count() -> None:
    assert cats_of([[0, 899, 900], [999, 950, 1], [901]], 3).tolist() == [1, 2]


def test_a_stored_set_comes_class_by_class() -> None:
    found = measure(Block(0, 1, 2, effort=2), Arm((("loader", IN_ORDER), ("batch", 32))))
    epoch = found["one_epoch"]
    assert epoch == [0] * 28 + [28, 32, 32]  # rows 896 to 927 hold 28 cats; 8 rows are left over
    assert found["cats"] == pytest.approx(92 / 31)
    assert found["mostly_dogs"] == pytest.approx(28 / 31)
    chances = exact_chances(32, weighted=False)
    assert found["off_exact"] == pytest.approx(
        (
            abs(28 / 31 - chances[0])
            + chances[1:].sum()
            - chances[28]
            - chances[32]
            + abs(1 / 31 - chances[28])
            + abs(2 / 31 - chances[32])
        )
        / 2
    )


def test_a_batch_of_dogs_alone_counts_as_mostly_dogs() -> None:
    found = measure(Block(0, 1, 2, effort=3), Arm((("loader", SHUFFLED), ("batch", 16))))
    assert found["cats"] + found["dogs"] == pytest.approx(16)  # type: ignore[operator]


def test_the_figure_tells_the_averages_and_bears_missing_rows() -> None:
    rows = []
    for loader, cats in ((IN_ORDER, 3.0), (SHUFFLED, 3.2), ("weighted", 15.5)):
        common = {"loader": loader, "batch": 32, "block": 0, "round": 0}
        rows += [common | {"response": "cats", "value": cats}]
        rows += [common | {"response": "sd", "value": 2.0}]
        rows += [
            common | {"response": "one_epoch", "round": place, "value": 3.0} for place in range(31)
        ]
    table = pd.DataFrame(rows)
    with slide_style():
        title = batches_of_an_epoch(table).get_suptitle()
        assert "holds 3.2 cats, a weighted one 15.5" in title
        table.loc[table["loader"] == "weighted", "value"] = np.nan
        title = batches_of_an_epoch(table).get_suptitle()
    assert "a weighted one not measured" in title
    assert len(LOADER.levels) == 3
