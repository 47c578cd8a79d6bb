"""Memory is seen to grow where it does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

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
found = measure(cell, Arm((("images", 500), ("batches", "kept"))))
print(found["grown"], found["peak"])
"""


@pytest.mark.slow
def test_batches_that_are_kept_are_seen_by_both_meters() -> None:
    """In a fresh process: one that has freed much memory grows less."""
    command = [sys.executable, "-c", MEASURING]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    grown, peak = map(float, done.stdout.split())
    data = 500 * IMAGE_MIB
    assert grown == pytest.approx(data, rel=0.3)
    assert data < peak < 1.3 * data


def memory(arm: Arm, share: float) -> float:
    """A little, and all of the data or a share of it."""
    levels = arm.as_dict()
    images = levels["images"]
    assert isinstance(images, int)
    return 3 + images * IMAGE_MIB * (1.0 if levels["batches"] == "kept" else share)


def planted(share: float) -> pd.DataFrame:
    """Both meters' rows."""
    tables = []
    for response in ("peak", "grown"):
        table = planted_table(
            EXPERIMENT, lambda arm: memory(arm, share), response=response, rounds=1
        )
        table["value"] = [
            memory(Arm((("images", images), ("batches", batches))), share)
            for images, batches in zip(table["images"], table["batches"], strict=True)
        ]
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize(("share", "verdict"), [(0.0001, "reproduced"), (0.02, "refuted")])
def test_growth_by_a_share_of_the_data_is_told_from_none(share: float, verdict: str) -> None:
    table = planted(share)
    found = verdicts(EXPERIMENT, table)
    words = {
        kind: {word for name, word in found.items() if name.startswith(kind)}
        for kind in ("C0.15", "beyond C0.15", "control")
    }
    assert words == {
        "C0.15": {verdict},
        "beyond C0.15": {verdict},
        "control": {"reproduced"},
    }
    (axes,) = memory_against_data(table).axes
    expected = memory(Arm((("images", 8000), ("batches", "dropped"))), share) / memory(
        Arm((("images", 500), ("batches", "dropped"))), share
    )
    assert f"16 times the data took {expected:.2f} times" in axes.get_title()
