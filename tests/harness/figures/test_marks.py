"""Marks of the figures: nothing is hidden, nothing is random."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from harness.figures.marks import draw_blocks, plain_ticks, swarm


def test_a_swarm_shows_each_of_many_equal_values() -> None:
    shifts = swarm(np.array([0.5] * 30 + [0.7]), resolution=0.01)
    assert len(set(shifts[:30])) == 30
    assert shifts[:30].sum() == pytest.approx(0)
    assert shifts[30] == 0
    assert np.ptp(shifts) <= 0.38 + 1e-12


def test_values_closer_than_the_resolution_share_a_row() -> None:
    near, far = (swarm(np.array([0.0, step]), resolution=1.0) for step in (0.1, 1.1))
    assert near[0] == -near[1] != 0
    assert not far.any()


@pytest.mark.parametrize("blocks", [1, 7, 20])
def test_every_block_is_drawn_and_few_blocks_do_not_blow_up_the_axis(blocks: int) -> None:
    axes = Figure().subplots()
    values = np.linspace(1, 2, blocks)
    draw_blocks(axes, 3, values, colour="black", width=0.1)
    assert len(axes.lines[0].get_ydata()) == blocks  # type: ignore[arg-type]
    assert np.isfinite(axes.get_ylim()).all()


def test_a_logarithmic_axis_names_the_ticks_within_it_and_keeps_its_limits() -> None:
    axes = Figure().subplots()
    axes.set_yscale("log")
    axes.set_ylim(0.25, 40)
    plain_ticks(axes, (0.1, 0.3, 1, 30, 100))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0.3", "1", "30"]
    assert axes.get_ylim() == (0.25, 40)
