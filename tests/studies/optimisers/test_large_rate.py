"""Ends of trainings at a large rate."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from harness.design.factors import Arm, Block, Level
from harness.workloads.tasks import SPIRAL_RELU
from studies.optimisers.large_rate import EXPERIMENT, bounded, loss_at_both_rates, measure


def test_no_number_counts_as_a_million() -> None:
    assert bounded(np.array([1.0, math.nan, math.inf, 1e9])).tolist() == [1, 1e6, 1e6, 1e6]


def test_ends_are_those_of_the_curve() -> None:
    levels: dict[str, Level] = {"task": SPIRAL_RELU, "optimiser": "Adam", "rate": 0.01}
    (found,) = measure((Block(0, 1, 2, effort=6),), Arm(tuple(levels.items())))
    curve = np.array(found["curve"])
    assert curve.shape == (7,)
    assert curve[0] == pytest.approx(math.log(2), abs=0.1), "untrained is chance, about"
    assert found["ends_at"] == pytest.approx(curve[6] / curve[0])
    assert found["early_at"] == pytest.approx(curve[5] / curve[0])


def test_the_figure_tells_where_adam_ends() -> None:
    rows = []
    for arm in EXPERIMENT.arms():
        levels = arm.as_dict()
        end = 2.5 if levels["optimiser"] == "Adam" and levels["rate"] == 1.0 else 0.5
        for block in range(20):
            common = levels | {"block": block}
            rows.append(common | {"round": 0, "response": "ends_at", "value": end})
            rows += [common | {"round": r, "response": "curve", "value": 1.0} for r in range(4)]
    title = loss_at_both_rates(pd.DataFrame(rows)).get_suptitle()
    assert "After 3 epochs of Adam at 1.0 the loss is 2.50 (99 % interval 2.50 to 2.50)" in title
