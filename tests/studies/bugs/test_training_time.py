"""The trainings that are timed, and the figure of planted times; nothing is timed here."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch

from harness.design.factors import Arm, Block
from harness.workloads.loop import Log, Setting, train
from harness.workloads.switches import Switches
from harness.workloads.tasks import TrainingTask
from studies.bugs import training_time
from studies.bugs.cases import KINDS, NAMES, NONE, WINE
from studies.bugs.training_time import BUG, EXPERIMENT, prepare, task, time_of_a_training
from tests.studies.planted_times import planted_table

Call = tuple[Setting, Switches, Log]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """The trainings that are done, with how they were asked for."""
    made: list[Call] = []

    def recorded(task: TrainingTask, setting: Setting, switches: Switches) -> None:
        made.append((setting, switches, train(task, setting, switches)))

    monkeypatch.setattr(training_time, "train", recorded)
    return made


def test_a_call_trains_before_and_after_freezing_with_one_bug_alone(
    calls: list[Call],
) -> None:
    tasks = prepare(Block(0, 1, 2))
    for bug in KINDS:
        task(tasks, Arm((("bug", bug), ("case", WINE))))()
    for bug, (setting, switches, _) in zip(KINDS, calls, strict=True):
        assert (setting.epochs, setting.freeze_after) == (2, 1)
        on = [field.name for field in fields(switches) if getattr(switches, field.name)]
        assert on == ([] if bug == NONE else [bug])


def test_a_call_repeats_the_one_before_to_the_last_bit(calls: list[Call]) -> None:
    work = task(prepare(Block(0, 1, 2)), Arm((("bug", NONE), ("case", WINE))))
    work()
    work()
    one, other = (log.steps["loss"] for _, _, log in calls)
    assert torch.equal(one, other)


def test_the_figure_names_the_bugs_that_can_be_told_apart_and_no_other() -> None:
    slow = KINDS[3]
    table = planted_table(EXPERIMENT, lambda arm: 0.03 if arm[BUG] == slow else 0.02, noise=0)
    axes = time_of_a_training(table).axes[0]
    assert f"correct = 1: {NAMES[slow]} 1.50;" in axes.get_title()
    assert len(axes.get_xticks()) == len(KINDS) - 1
    alike = planted_table(EXPERIMENT, lambda _: 0.02)
    assert time_of_a_training(alike).axes[0].get_title().startswith("No bug takes longer")
