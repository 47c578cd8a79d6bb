"""Processes are counted by what they say of themselves."""

from __future__ import annotations

import os

import pytest

from harness.design.factors import Arm, Block
from studies.dataloader.processes import Whereabouts, measure


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_each_worker_is_counted_once(workers: int) -> None:
    found = measure(Block(0, 1, 2), Arm((("workers", workers), ("persistent", False))))
    assert found["by_the_loop"] == float(workers == 0)
    assert found["processes_per_worker"] == 1


def test_workers_that_are_threads_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread has the number of the process it is in."""
    monkeypatch.setattr(Whereabouts, "__getitem__", lambda self, index: OWN)
    found = measure(Block(0, 1, 2), Arm((("workers", 2), ("persistent", False))))
    assert found == {"by_the_loop": 1, "processes_per_worker": 0.5}


OWN = os.getpid()
