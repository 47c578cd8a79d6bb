"""Memory is seen to grow where it does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from harness.design.factors import Arm
from studies.dataloader.data_size import EXPERIMENT, IMAGE_MIB, memory_against_data
from tests.studies.planted_times import planted_table, verdicts

REPOSITORY = Path(__file__).parents[3]

MEASURING = """
import torch
from harness.design.factors import Arm, Block
from studies.dataloader.data_size import measure, prepare
torch.set_num_threads(1)
cell = prepare(Block(0, 1, 2))
for batches in ("kept", "discarded"):
    print(measure(cell, Arm((("images", 1000), ("batches", batches))))["grown"])
"""


def growth(arm: Arm, share: float) -> float:
    levels = arm.as_dict()
    images = levels["images"]
    assert isinstance(images, int)
    return 3 + images * IMAGE_MIB * (1.0 if levels["batches"] == "kept" else share)


@pytest.mark.slow
def test_kept_batches_grow_memory_by_their_size_and_discarded_ones_do_not() -> None:
    """In a fresh process: one that has freed much memory grows less."""
    command = [sys.executable, "-c", MEASURING]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    kept, discarded = map(float, done.stdout.split())
    data = 1000 * IMAGE_MIB
    assert kept == pytest.approx(data, rel=0.25)
    assert discarded < 0.3 * data


@pytest.mark.parametrize(("share", "verdict"), [(0.001, "reproduced"), (0.02, "refuted")])
def test_growth_of_a_share_of_the_data_is_told_from_none(share: float, verdict: str) -> None:
    table = planted_table(EXPERIMENT, lambda arm: growth(arm, share), response="grown", rounds=1)
    table["value"] = [
        growth(Arm((("images", images), ("batches", batches))), share)
        for images, batches in zip(table["images"], table["batches"], strict=True)
    ]
    found = verdicts(EXPERIMENT, table)
    claims = [word for name, word in found.items() if name.startswith("C0.15")]
    controls = [word for name, word in found.items() if name.startswith("control")]
    assert (claims, controls) == ([verdict] * 2, ["reproduced"])
    assert isinstance(memory_against_data(table), Figure)
