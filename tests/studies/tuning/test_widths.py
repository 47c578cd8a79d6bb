"""Dropout by width."""

from __future__ import annotations

import numpy as np
import pytest

from harness.design.factors import Arm, Block
from studies.tuning.tasks import DIGITS, LISTING
from studies.tuning.widths import EXPERIMENT, RATE, Widths, layers_of, measure
from tests.studies.tuning.planted import history, rows


def test_dropout_stands_behind_the_layers_of_the_width_in_question() -> None:
    assert layers_of(640, 1, 0.5) == ([640], [0.5])
    assert layers_of(640, 2, 0.5) == ([640, 128], [0.5, 0.0])
    assert layers_of(64, 2, 0.3) == ([64, 64], [0.3, 0.3])


def test_a_rate_is_held_against_the_one_that_validation_prefers() -> None:
    """Validation prefers 0.5 in the first block and none in the second."""
    widths = Widths((Block(0, 0, 9), Block(1, 1, 9)))
    arm = Arm((("data", DIGITS), ("layers", 1), ("width", 64), ("rate", 0.3)))
    curves = {0.0: ([2.0, 1.0], 0.7), 0.3: ([3.0, 3.0], 0.8), 0.5: ([1.0, 2.0], 0.9)}
    for rate in RATE.levels:
        val, score = curves[rate]
        widths.histories[arm.replaced(rate=rate)] = history(np.array([val]), test_score=score)
    first, second = measure(widths, arm)
    assert first["behind_best"] == pytest.approx(0.1)
    assert second["behind_best"] == pytest.approx(-0.1)
    assert first["gap"] == pytest.approx(0.2)


def test_the_figure_tells_narrow_from_wide() -> None:
    def value(arm: dict[str, float], *_: object) -> float:
        return 0.8 - 0.01 * (arm["rate"] == 0.3) + 0.02 * (arm["rate"] == 0.5)

    title = EXPERIMENT.figures[0](rows(EXPERIMENT, value, blocks=8)).get_suptitle()
    assert LISTING in title
    assert "\N{MINUS SIGN}1.0 (99 %" in title
    assert "+2.0 (99 %" in title
