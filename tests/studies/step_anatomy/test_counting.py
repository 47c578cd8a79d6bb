"""What is counted, with a scheduler that really counts updates."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.step_anatomy.counting import (
    EPOCH,
    EXPERIMENT,
    MICRO,
    NOTHING,
    SCHEDULERS,
    UPDATE,
    counts,
    measure,
)
from tests.studies.step_anatomy.rows import drawn, planted

BLOCK = Block(0, 1, 1)


class CountsUpdates:
    """A scheduler that counts the steps of its optimiser, whoever steps it."""

    def __init__(self, optimiser: torch.optim.Optimizer) -> None:
        self.last_epoch = 0
        optimiser.register_step_post_hook(self._count)

    def _count(self, *_: object) -> None:
        self.last_epoch += 1

    def step(self) -> None:
        """Does nothing."""


@pytest.mark.parametrize(("place", "calls"), [(MICRO, 32), (UPDATE, 8), (EPOCH, 2), (NOTHING, 8)])
def test_a_scheduler_that_counts_updates_is_seen_to_do_so(
    place: str, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCHEDULERS, "planted", CountsUpdates)
    found = measure(BLOCK, Arm((("scheduler", "planted"), ("place", place))))
    updates = 0 if place == NOTHING else 8
    assert found == {
        "counted": updates,
        "over_updates": 0,
        "over_calls": updates - calls,
    }


def test_the_title_is_made_of_the_rows() -> None:
    def value(levels: dict[str, Any], response: str, _: int) -> float:
        return {"counted": 12.0, "over_updates": 5.0}.get(response, 0.0)

    title = drawn(counts, planted(EXPERIMENT, value, blocks=1))
    assert "has counted 12 after 7 weight updates" in title


def test_cells_that_failed_are_no_obstacle() -> None:
    def value(levels: dict[str, Any], response: str, _: int) -> float:
        return math.nan if levels["scheduler"] == "StepLR" else 1.0

    drawn(counts, planted(EXPERIMENT, value, blocks=1))
