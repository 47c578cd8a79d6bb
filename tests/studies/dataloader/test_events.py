"""The course of a batch is read from the log as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.design.factors import Arm, Block
from studies.dataloader.events import (
    EXAMPLES,
    Event,
    Log,
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
    events = course("sampler", "batch_sampler", "dataset", "collation", "model")
    assert through_the_stages(events, BATCH)
    assert stacked_in_order(events, BATCH)


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
    events = course("sampler", "batch_sampler", "dataset", "collation", "model")
    events[3], events[4] = events[4], events[3]
    assert not stacked_in_order(events, BATCH)
    assert not through_the_stages(events, BATCH)


def test_a_batch_stacked_before_its_last_example_came_is_noticed() -> None:
    events = course("sampler", "batch_sampler", "dataset", "collation", "model")
    events[4], events[5] = events[5], events[4]
    assert not stacked_in_order(events, BATCH)


def test_a_batch_stacked_by_another_process_is_noticed() -> None:
    events = course("sampler", "batch_sampler", "dataset") + course("collation", process=2)
    assert not stacked_in_order(events, BATCH)


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


def test_the_sampler_is_ahead_by_two_batches_a_worker_and_one() -> None:
    ahead = [
        measure(Block(0, 1, 2), Arm((("workers", workers), ("shuffle", False))))["drawn_ahead"]
        for workers in (0, 2)
    ]
    assert ahead == [1, 5]
