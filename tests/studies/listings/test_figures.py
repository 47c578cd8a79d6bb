"""Where a printed number stands on the scale of others, and figures of rows that failed."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from harness.figures.style import slide_style
from studies.listings.figures import Found, found_in, printed_against_found, strategy_table
from studies.listings.printed import NUMBERS

BASELINE = next(number for number in NUMBERS if number.name == "baseline: validation")


def table(*, failed: bool) -> pd.DataFrame:
    """Every number found as printed, and at two other seeds a step to both sides; or nothing."""
    rows = []
    for number in NUMBERS:
        for response, values in (
            ("found", [number.value]),
            ("at_other_seeds", [number.value - number.step, number.value + number.step]),
        ):
            rows += [
                {"number": number.name, "response": response, "value": np.nan if failed else value}
                for value in values
            ]
    return pd.DataFrame(rows)


def test_the_scale_runs_from_the_least_to_the_largest_of_the_others() -> None:
    found = Found(BASELINE, 0.85, np.array([0.8, 0.9]))
    assert found.in_ranges(0.8) == pytest.approx(0)
    assert found.in_ranges(0.9) == pytest.approx(1)
    assert found.in_ranges(0.847) == pytest.approx(0.47)
    assert found.within
    assert not found.same


def test_where_all_others_agree_the_scale_is_in_printed_steps() -> None:
    found = Found(BASELINE, 0.846, np.array([0.846, 0.846]))
    assert found.in_ranges(0.846) == pytest.approx(0.5)
    assert found.in_ranges(0.847) == pytest.approx(1.5)
    assert not found.within


def test_the_rows_are_read_as_they_were_written() -> None:
    for found in found_in(table(failed=False)):
        assert found.same
        assert found.within
        assert len(found.others) == 2
    assert not any(found.measured for found in found_in(table(failed=True)))


@pytest.mark.parametrize("failed", [False, True])
def test_figures_say_how_many_numbers_are_inside_and_draw_what_failed(failed: bool) -> None:
    for draw in (printed_against_found, strategy_table):
        with slide_style():
            figure = draw(table(failed=failed))
            figure.savefig(io.BytesIO(), format="png", dpi=20)
        inside = 0 if failed else 6 if draw is strategy_table else len(NUMBERS)
        assert f"{inside} of " in figure.get_suptitle()
        texts = [text.get_text() for axes in figure.axes for text in axes.texts]
        assert ("failed" in texts) == failed
