"""How much the loss changes from step to step."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.design.factors import Arm, Block, Level
from harness.workloads.tasks import SPIRAL_RELU
from studies.optimisers.smoother_batches import EXPERIMENT, measure, roughness, smoothness


@pytest.mark.parametrize(("size", "in_passes"), [(16, 36), (128, 4)])
def test_changes_are_those_of_the_curve(size: int, in_passes: int) -> None:
    levels: dict[str, Level] = {"task": SPIRAL_RELU, "optimiser": "Adam", "batch": size}
    (found,) = measure((Block(0, 1, 1, effort=2),), Arm(tuple(levels.items())))
    curve = np.array(found["curve"])
    assert curve.shape == (37,)
    assert found["sd_of_change"] == pytest.approx(np.std(curve[1:] - curve[:-1], ddof=1))
    for name, part in (("roughness", curve), ("roughness_in_passes", curve[: in_passes + 1])):
        bends = part[2:] - 2 * part[1:-1] + part[:-2]
        assert found[name] == pytest.approx(np.std(bends, ddof=1))


def test_an_even_descent_is_smooth_however_steep() -> None:
    steps = np.arange(50.0)
    noise = 0.01 * np.random.default_rng(0).standard_normal(50)
    curves = np.stack([-steps, -0.01 * steps, -0.01 * steps + noise], axis=1)
    steep, flat, noisy = roughness(curves)
    assert steep == pytest.approx(0, abs=1e-12)
    assert flat == pytest.approx(0, abs=1e-12)
    assert noisy == pytest.approx(0.01 * np.sqrt(6), rel=0.3)


def test_the_figure_tells_the_ratio_of_the_seeds() -> None:
    rows = []
    for arm in EXPERIMENT.arms():
        levels = arm.as_dict()
        sd = 0.25 if levels["batch"] == 128 else 0.5
        for block in range(20):
            common = levels | {"block": block}
            rows.append(common | {"round": 0, "response": "roughness", "value": sd})
            rows += [common | {"round": r, "response": "curve", "value": 1.0} for r in range(3)]
    title = smoothness(pd.DataFrame(rows)).get_suptitle()
    assert "0.50 (99 % interval 0.50 to 0.50)\ntimes as rough" in title
