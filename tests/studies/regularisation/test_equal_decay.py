"""When AdamW mends what Adam does, with planted scores."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from harness.design.factors import Arm, Block
from harness.workloads.fitting import History
from studies.regularisation.equal_decay import DECAYS, gap, measure, mended, prepare


def scored(train: list[float], test: list[float]) -> History:
    scores = {"train_score": np.array(train), "test_score": np.array(test)}
    return cast("History", SimpleNamespace(last=scores.__getitem__))


def test_a_smaller_gap_counts_unless_test_accuracy_falls_by_a_point() -> None:
    adam = scored([1.0, 1.0, 1.0, 1.0], [0.90, 0.90, 0.90, 0.90])
    adamw = scored([0.97, 0.90, 1.0, 0.97], [0.90, 0.88, 0.88, 0.895])
    assert gap(adam) == pytest.approx([10.0] * 4)
    assert mended(adam, adamw) == pytest.approx([3.0, 0.0, -2.0, 2.5])


def test_cells_share_their_fits_and_tell_both_sides() -> None:
    torch.set_num_threads(1)
    course = prepare([Block(number, 60 + number, 9, effort=1) for number in range(2)])
    levels: dict[str, Any] = {"task": "digits", "decay": DECAYS[0]}
    found = measure(course, Arm(tuple(levels.items())))
    assert measure(course, Arm(tuple(levels.items()))) == found
    assert len(course.kept) == 2
    for each in found:
        told = {name: float(cast("float", value)) for name, value in each.items()}
        assert told["test_gain"] == pytest.approx(told["adamw_test"] - told["adam_test"])
        if told["adamw_test"] >= told["adam_test"] - 1:
            assert told["mended"] == pytest.approx(told["adam_gap"] - told["adamw_gap"])
        assert told["decayed"] == pytest.approx(1e-3 * DECAYS[0] * 4)
