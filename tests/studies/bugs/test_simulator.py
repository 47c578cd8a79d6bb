"""The simulator's setting."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.design.factors import Arm, Block
from harness.workloads.tasks import SPIRAL_TANH
from studies.bugs.grid import GRADIENTS
from studies.bugs.simulator import EXPERIMENT, loss_and_gradient, measure, prepare


@cache
def found(gradients: str) -> dict[str, Any]:
    levels = (("task", SPIRAL_TANH), ("optimiser", "SGD"), ("gradients", gradients))
    (responses,) = measure(prepare((Block(0, 1, 2, effort=6),)), Arm(levels))
    return dict(responses)


def test_losses_are_those_before_training_and_after_each_epoch() -> None:
    losses = np.array(found("reset")["loss"])
    assert losses.shape == (7,)
    assert losses[0] == np.array(found("kept")["loss"])[0]
    assert found("reset")["share_left"] == pytest.approx(losses[-1] / losses[0])


def test_the_norm_of_an_epoch_is_that_of_its_steps() -> None:
    norms = found("kept")["norm"]
    assert np.shape(norms) == (6,)
    # It grows from the first epoch on: the power of the steps is that of the epochs, about.
    slope, _ = np.polyfit(np.log(np.arange(1, 7)), np.log(norms), 1)
    assert found("kept")["exponent"] == pytest.approx(slope, abs=0.3)


def planted(exploding: str, blocks: int = 20) -> pd.DataFrame:
    rows = []
    for arm in EXPERIMENT.arms():
        levels = arm.as_dict()
        end = 12.0 if levels["optimiser"] == exploding and arm[GRADIENTS] == "kept" else 0.5
        for block in range(blocks):
            common = levels | {"block": block}
            rows.append(common | {"round": 0, "response": "share_left", "value": end})
            rows += [common | {"round": r, "response": "loss", "value": 1.0 + r} for r in range(3)]
            rows += [common | {"round": r, "response": "norm", "value": 2.0} for r in range(2)]
    return pd.DataFrame(rows)


def test_the_figure_counts_settings_in_place_of_pooling_them() -> None:
    figure = loss_and_gradient(planted("Adam"))
    assert "explodes in 2 of 4 settings" in figure.get_suptitle()
    assert "12.0 (99 % interval 12.0 to 12.0) times" in figure.get_suptitle()
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert [title.split("\n")[1] for title in titles] == ["0 % explode"] * 2 + ["100 % explode"] * 2
