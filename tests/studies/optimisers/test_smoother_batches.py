"""How much the loss changes from step to step."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.design.factors import Arm, Block, Level
from harness.workloads.tasks import SPIRAL_RELU
from studies.optimisers.smoother_batches import EXPERIMENT, measure, smoothness


@pytest.mark.parametrize(("size", "in_passes"), [(16, 36), (128, 4)])
def test_changes_are_those_of_the_curve(size: int, in_passes: int) -> None:
    levels: dict[str, Level] = {"task": SPIRAL_RELU, "optimiser": "Adam", "batch": size}
    (found,) = measure((Block(0, 1, 1, effort=2),), Arm(tuple(levels.items())))
    curve = np.array(found["curve"])
    assert curve.shape == (37,)
    assert found["sd_of_change"] == pytest.approx(np.std(curve[1:] - curve[:-1], ddof=1))
    part = curve[: in_passes + 1]
    assert found["sd_in_passes"] == pytest.approx(np.std(part[1:] - part[:-1], ddof=1))


def test_the_figure_tells_the_ratio_of_the_seeds() -> None:
    rows = []
    for arm in EXPERIMENT.arms():
        levels = arm.as_dict()
        sd = 0.25 if levels["batch"] == 128 else 0.5
        for block in range(20):
            common = levels | {"block": block}
            rows.append(common | {"round": 0, "response": "sd_of_change", "value": sd})
            rows += [common | {"round": r, "response": "curve", "value": 1.0} for r in range(3)]
    title = smoothness(pd.DataFrame(rows)).get_suptitle()
    assert "0.50 (99 % interval 0.50 to 0.50)\ntimes" in title
