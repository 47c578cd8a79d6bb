"""Which traces start high and decay, on rows whose outcome is known."""

from __future__ import annotations

import math
from typing import Any

import pytest

from studies.step_anatomy.decay import (
    CONSTANT,
    DECAYS,
    EXPERIMENT,
    FAILED,
    NAMED,
    OTHERWISE,
    decays,
    shapes,
)
from tests.studies.step_anatomy.rows import drawn, planted


@pytest.mark.parametrize(
    ("end", "highest", "word"),
    [(0.5, 1, DECAYS), (0.95, 1, OTHERWISE), (0.5, 1.5, OTHERWISE), (math.nan, 1, FAILED)],
)
def test_a_decay_ends_a_tenth_lower_and_never_rises_above_its_start(
    end: float, highest: float, word: str
) -> None:
    def value(_: dict[str, Any], response: str, __: int) -> float:
        return {"end": end, "highest": highest}.get(response, 1.0)

    assert decays(planted(EXPERIMENT, value, blocks=1), "StepLR") == word


def test_the_title_counts_named_schedulers_and_others_and_leaves_out_the_constant() -> None:
    def value(levels: dict[str, Any], response: str, _: int) -> float:
        named = levels["scheduler"] in NAMED or levels["scheduler"] == CONSTANT
        return {"end": 0.5 if named else 2.0, "highest": 1.0}.get(response, 1.0)

    title = drawn(shapes, planted(EXPERIMENT, value, blocks=1, rounds=4))
    assert title.startswith("2 of the 2 schedulers")
    assert "0 of 8 others" in title


def test_cells_that_failed_are_no_obstacle() -> None:
    assert drawn(shapes, planted(EXPERIMENT, lambda *_: math.nan, blocks=1))
