"""The course of a batch is read from the log as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.design.factors import Arm, Block
from studies.dataloader import events
from studies.dataloader.events import (
    EXAMPLES,
    Event,
    Log,
    by_workers,
    measure,
    run_epoch,
    stacked_in_order,
    through_the_stages,
)

BATCH = (7, 3)


def course(*stages: str, process: int = 1) -> list[Event]:
    """A log of one batch, whose stages come in this order."""
    events = []
    for stage in stages:
        if stage in ("sampler", "dataset"):
            events += [Event(stage, process, (example,)) for example in BATCH]
        else:
            events.append(Event(stage, process, BATCH))
    return events


def test_the_documented_order_is_recognised() -> None:
    found = course("sampler", "batch_sampler", "dataset", "collation", "model")
    assert through_the_stages(found, BATCH)
    assert stacked_in_order(found, BATCH)


@pytest.mark.parametrize(
    "stages",
    [
        ("batch_sampler", "sampler", "dataset", "collation", "model"),
        ("sampler", "batch_sampler", "collation", "dataset", "model"),
        ("sampler", "batch_sampler", "dataset", "model", "collation"),
        ("sampler", "batch_sampler", "dataset", "collation"),
    ],
)
def test_another_order_is_noticed(stages: tuple[str, ...]) -> None:
    assert not through_the_stages(course(*stages), BATCH)


def test_examples_asked_for_in_another_order_are_noticed() -> None:
    found = course("sampler", "batch_sampler", "dataset", "collation", "model")
    found[3], found[4] = found[4], found[3]
    assert not stacked_in_order(found, BATCH)
    assert not through_the_stages(found, BATCH)


def test_a_batch_stacked_before_its_last_example_came_is_noticed() -> None:
    found = course("sampler", "batch_sampler", "dataset", "collation", "model")
    found[4], found[5] = found[5], found[4]
    assert not stacked_in_order(found, BATCH)


def test_a_batch_stacked_by_another_process_is_noticed() -> None:
    found = course("sampler", "batch_sampler", "dataset") + course("collation", process=2)
    assert not stacked_in_order(found, BATCH)


@pytest.mark.parametrize("workers", [0, 2])
def test_every_example_is_logged_once_by_each_stage(workers: int, tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"))
    order = tuple(reversed(range(EXAMPLES)))
    run_epoch(order, log, workers)
    events = log.read()
    for stage in ("sampler", "batch_sampler", "collation", "model"):
        examples = [e for event in events if event.stage == stage for e in event.examples]
        assert sorted(examples) == list(range(EXAMPLES))
    drawn = [event.examples[0] for event in events if event.stage == "sampler"]
    assert tuple(drawn) == order


@pytest.mark.parametrize(
    ("processes", "workers", "expected"),
    [
        ({1, 2}, 2, True),
        ({1}, 2, False),
        ({1, os.getpid()}, 2, False),
        ({os.getpid()}, 0, False),
        ({os.getpid()}, 1, False),
    ],
)
def test_only_all_workers_and_nobody_else_are_by_workers(
    processes: set[int], workers: int, expected: bool
) -> None:
    assert by_workers(processes, workers) == expected


@pytest.mark.parametrize("ahead", [1, 3])
def test_batches_drawn_before_the_models_first_are_counted(
    ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def epoch(order: tuple[int, ...], log: Log, workers: int) -> None:
        del workers
        for _ in range(ahead):
            log.write("batch_sampler", order[:16])
        log.write("dataset", order[:1])
        log.write("model", order[:16])
        log.write("batch_sampler", order[16:32])

    monkeypatch.setattr(events, "run_epoch", epoch)
    found = measure(Block(0, 1, 2), Arm((("workers", 0), ("shuffle", False))))
    assert found["drawn_ahead"] == ahead
