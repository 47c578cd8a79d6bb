"""The figure of what masks cost."""

from __future__ import annotations

from harness.design.factors import Arm
from studies.advanced_regularisers import mask_cost_large
from studies.advanced_regularisers.mask_cost import DROPCONNECT, EXPERIMENT, LAYER
from tests.studies.planted_times import planted_table


def seconds(arm: Arm) -> float:
    """DropConnect takes three times as long at every width."""
    return 0.03 if arm[LAYER] == DROPCONNECT else 0.01


def test_the_figure_tells_the_ratio_of_the_widest_layer() -> None:
    for experiment, width in ((EXPERIMENT, "2,048"), (mask_cost_large.EXPERIMENT, "8,192")):
        (draw,) = experiment.figures
        title = draw(planted_table(experiment, seconds)).get_suptitle()
        assert f"At a width of {width}" in title
        assert "takes\n3.0" in title
