"""What is read of the rows that a layer gives back."""

from __future__ import annotations

import pandas as pd
import pytest

from harness.design.factors import Arm, Block
from studies.advanced_regularisers.drop_path import (
    EXPERIMENT,
    LISTED,
    SINGLE_NUMBERS,
    UNSCALED,
    measure,
    scales,
)


def look(layer: str, survival: float) -> dict[str, float]:
    found = measure(Block(0, 1, 2), Arm((("layer", layer), ("survival", survival))))
    return {name: float(value) for name, value in found.items()}  # type: ignore[arg-type]


def test_ordinary_dropout_is_seen_to_drop_parts_of_rows() -> None:
    """Of eight numbers with survival 0.9 all survive in 0.43 of the rows, none hardly ever."""
    found = look(SINGLE_NUMBERS, 0.9)
    assert found["partly"] == pytest.approx(1 - 0.9**8, abs=0.01)
    assert found["dropped"] < 1e-4
    assert found["mean_factor"] == pytest.approx(1, abs=0.01)


def test_without_the_division_the_mean_is_the_survival_probability() -> None:
    found = look(UNSCALED, 0.9)
    assert found["mean_factor"] == pytest.approx(0.9, abs=0.01)
    assert found["partly"] > 0.5  # rows that survive are not scaled as they should be


def test_rows_dropped_as_a_whole_are_told_from_a_whole_batch() -> None:
    found = look(LISTED, 0.5)
    assert found["dropped"] == pytest.approx(0.5, abs=0.01)
    assert found["alike"] == 0


def test_the_figure_tells_the_factor_of_eval_mode() -> None:
    values = {"eval_factor": 0.9, "mean_factor": 1.0, "dropped": 0.1}
    rows = [
        arm.as_dict() | {"block": block, "round": 0, "response": name, "value": value}
        for arm in EXPERIMENT.arms()
        for block in range(20)
        for name, value in values.items()
    ]
    assert "multiplies by 0.900" in scales(pd.DataFrame(rows)).get_suptitle()
