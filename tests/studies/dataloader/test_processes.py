"""Processes are counted by what they say of themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.dataloader import processes
from studies.dataloader.processes import Whereabouts, measure

OWN = os.getpid()


class Epochs:
    """A loader whose epochs are made by the processes we say."""

    def __init__(self, *epochs: list[int]) -> None:
        self.epochs = iter(epochs)

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter([torch.tensor(next(self.epochs))])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2, 1, 2], [1, 2, 2, 1], (1.0, 0.0, 0.0)),
        ([1, 2, 1, 2], [3, 4, 3, 4], (1.0, 0.0, 1.0)),
        ([1, 1, 1, 1], [1, 3, 1, 3], (0.5, 0.0, 0.5)),
        ([OWN, 2, OWN, OWN], [OWN, 2, OWN, OWN], (1.0, 0.75, 0.0)),
    ],
)
def test_processes_are_counted_once_and_followed_into_the_second_epoch(
    first: list[int],
    second: list[int],
    expected: tuple[float, float, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "make_loader", lambda *_, **__: Epochs(first, second))
    found = measure(Block(0, 1, 2), Arm((("workers", 2), ("persistent", False))))
    assert tuple(found.values()) == expected


def test_every_worker_has_a_batch_to_make(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker without one would leave no number."""
    asked: list[tuple[int, int]] = []

    def listened(rows: Whereabouts, *, batch_size: int, **_: object) -> Epochs:
        asked.append((len(rows), batch_size))
        return Epochs([1], [1])

    monkeypatch.setattr(processes, "make_loader", listened)
    for workers in (1, 2, 4):
        measure(Block(0, 1, 2), Arm((("workers", workers), ("persistent", True))))
        rows, size = asked.pop()
        assert rows / size >= workers


def test_an_example_is_the_process_that_makes_it() -> None:
    assert Whereabouts(1)[0] == OWN
