"""The time left, and what a run says while it goes on."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from harness.cli.progress import MANY, ProgressBar, Remaining, counted
from harness.design.experiment import Experiment
from harness.design.factors import PerProfile
from harness.design.responses import Response
from harness.protocol.rules import Step
from harness.running.runner import steps_of
from tests.harness.runs import protocol_of, study_of


def counting(blocks: int) -> Experiment[Any]:
    return Experiment(
        question="?",
        measure=lambda cell, arm: {"one": 1.0},
        responses=(Response("one", "1", "one"),),
        blocks=PerProfile(blocks, blocks, blocks),
    )


def steps(**blocks: int) -> list[Step]:
    study = study_of(**{name: counting(count) for name, count in blocks.items()})
    return steps_of(protocol_of(study))


def of(todo: list[Step], name: str) -> list[Step]:
    return [step for step in todo if step.rules.name == name]


def test_there_is_no_estimate_before_every_experiment_has_finished_a_block() -> None:
    todo = steps(quick=2, dear=2)
    remaining = Remaining(todo)
    assert remaining.seconds() is None
    remaining.done(of(todo, "quick")[0], 1.0)
    assert remaining.seconds() is None
    remaining.done(of(todo, "dear")[0], 100.0)
    assert remaining.seconds() == pytest.approx(101.0)


def test_each_experiment_is_timed_by_itself() -> None:
    """3 blocks of 2 s and 4 of 50 s, in whatever order they are finished."""
    todo = steps(quick=5, dear=6)
    remaining = Remaining(todo)
    for step in of(todo, "dear")[:2]:
        remaining.done(step, 50.0)
    for step in of(todo, "quick")[:2]:
        remaining.done(step, 2.0)
    assert remaining.seconds() == pytest.approx(3 * 2 + 4 * 50)


def test_from_three_blocks_on_the_slowest_is_left_out() -> None:
    """The first block pays for imports: 60 s, then 2 s each."""
    todo = steps(only=10)
    remaining = Remaining(todo)
    for step, seconds in zip(todo, (60.0, 2.0, 2.0), strict=False):
        remaining.done(step, seconds)
    assert remaining.seconds() == pytest.approx(7 * 2)


def test_an_experiment_that_is_through_counts_no_more() -> None:
    todo = steps(brief=1, lasting=3)
    remaining = Remaining(todo)
    remaining.done(of(todo, "brief")[0], 1000.0)
    remaining.done(of(todo, "lasting")[0], 4.0)
    assert remaining.seconds() == pytest.approx(2 * 4)
    for step in of(todo, "lasting")[1:]:
        remaining.done(step, 4.0)
    assert remaining.seconds() == 0


def shown(todo: list[Step], failures: dict[int, int], *, terminal: bool = False) -> str:
    """What the bar prints of a run whose blocks take 90 s each."""
    paper = io.StringIO()
    console = Console(file=paper, width=100, force_terminal=terminal, color_system=None)
    with ProgressBar(console) as bar:
        bar.begin(todo)
        for place, step in enumerate(todo):
            bar.done(step, 90.0, failures.get(place, 0))
    return paper.getvalue()


def test_a_pipe_gets_the_final_state_once() -> None:
    text = shown(steps(only=4), {})
    assert text.count("4/4 blocks") == 1
    assert "0:00 left" in text
    assert len([line for line in text.splitlines() if line.strip()]) == 1


def test_a_terminal_sees_the_time_left() -> None:
    paper = io.StringIO()
    console = Console(file=paper, width=100, force_terminal=True, color_system=None)
    todo = steps(only=4)
    with ProgressBar(console) as bar:
        bar.begin(todo)
        bar.done(todo[0], 90.0, 0)
        bar._progress.refresh()
    text = paper.getvalue()
    assert "estimating time left" in text or "4:30 left" in text
    assert "1/4 blocks" in text
    assert "4:30 left" in text


def test_failures_are_named_at_once_and_once() -> None:
    text = shown(steps(only=4), {2: 6})
    assert text.count("only, block 2: 6 rows failed (kept, with the error's text)") == 1
    assert text.count("failed") == 1


def test_a_run_with_nothing_left_says_so() -> None:
    assert "nothing left to measure" in shown([], {})


def test_items_are_counted_where_they_are_many_and_somebody_looks() -> None:
    for count, terminal in ((MANY, True), (MANY - 1, True), (MANY, False)):
        out = io.StringIO()
        console = Console(file=out, force_terminal=terminal, width=80)
        assert list(counted(range(count), "slides", console)) == list(range(count))
        assert ("slides" in out.getvalue()) == (count == MANY and terminal)
