"""Norms along a training, and their ratios block by block."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from harness.workloads.samples import draw_sample
from studies.regularisation.norms_fall import (
    ADAMW,
    COUPLED,
    PLAIN,
    SMALL,
    STEPS,
    _over_plain,
    norms_along,
)


def test_trainings_start_alike_and_are_watched_at_every_number_of_steps() -> None:
    torch.set_num_threads(1)
    sample = draw_sample("listing 3", (1, 2), held_out=10)
    found = {name: norms_along(sample, SMALL, name, effort=1) for name in (PLAIN, COUPLED, ADAMW)}
    assert set(found[ADAMW]) == set(STEPS.levels)
    assert set(found[COUPLED]) == {100, 400, 1000}
    # Eight steps: decay alone takes off eight parts in 100,000.
    ends = {name: norms[12_800] for name, norms in found.items() if name != COUPLED}
    assert ends[ADAMW] / ends[PLAIN] == pytest.approx([1.0, 1.0], abs=1e-3)
    assert (ends[ADAMW] < ends[PLAIN]).all()
    assert (found[PLAIN][100] != found[PLAIN][12_800]).all()


def test_a_ratio_is_that_of_the_same_block_at_the_same_step() -> None:
    rows = pd.DataFrame(
        [
            {"training": name, "steps": steps, "block": block, "value": value}
            for steps, factor in ((100, 1.0), (400, 0.5))
            for block, size in ((1, 4.0), (0, 2.0))
            for name, value in ((PLAIN, size), (ADAMW, factor * size))
        ]
    )
    found = _over_plain(rows, ADAMW)
    assert {steps: ratios.tolist() for steps, ratios in found.items()} == {
        100: [1.0, 1.0],
        400: [0.5, 0.5],
    }
