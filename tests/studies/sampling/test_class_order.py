"""Each block has its own training, and the figures tell the jump and the lean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from studies.sampling.class_order import EXPERIMENT, measure
from studies.sampling.class_order_figures import lean_by_order, loss_by_order
from studies.sampling.classes import HALVES, PATTERNS
from studies.sampling.orders import REVERSED, SHUFFLED, STORED

BLOCKS = (Block(0, 11, 5, effort=2), Block(1, 12, 5, effort=2))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_each_block_has_its_own_numbers_whoever_is_with_it() -> None:
    arm = Arm((("task", HALVES), ("optimiser", "SGD"), ("read", SHUFFLED)))
    together = measure(tuple(replace(block, effort=2) for block in BLOCKS), arm)
    alone = measure(BLOCKS[1:], arm)
    assert together[1]["range_of_losses"] == pytest.approx(alone[0]["range_of_losses"], rel=1e-2)
    assert together[0]["range_of_losses"] != together[1]["range_of_losses"]


def planted(swing: float) -> pd.DataFrame:
    rows = []
    for block in range(8):
        for arm in EXPERIMENT.arms():
            found = {"lean": 0.4, "swing": swing if arm.as_dict()["read"] == STORED else 0.5}
            common = arm.as_dict() | {"block": block, "round": 0}
            rows += [common | {"response": name, "value": value} for name, value in found.items()]
            if arm.as_dict()["read"] != REVERSED:
                rows += [
                    common | {"response": "batch_loss", "round": step, "value": 1.0}
                    for step in range(100)
                ]
    return pd.DataFrame(rows)


def test_the_figures_tell_the_jump_and_the_lean_and_bear_failed_rows() -> None:
    table = planted(swing=1.5)
    with slide_style():
        assert "jumps by 3.0 (99 % interval 3.0 to 3.0)" in loss_by_order(table).get_suptitle()
        assert "one class 90 % (99 % interval" in lean_by_order(table).get_suptitle()
        table.loc[table["task"] == PATTERNS, "value"] = np.nan
        assert "not measured" in loss_by_order(table).get_suptitle()
        assert "not measured" in lean_by_order(table).get_suptitle()
