"""Which bugs make themselves heard."""

from __future__ import annotations

import warnings

import pytest

from harness.design.factors import Arm, Block
from harness.workloads.switches import BUGS
from studies.bugs import silent
from studies.bugs.silent import (
    INPUTS,
    NOTHING,
    OUTPUTS,
    SETTING,
    SWITCHED,
    TARGETS,
    TOO_FEW,
    Cell,
    measure,
    outcomes,
    prepare,
)


@pytest.fixture(scope="module")
def cell() -> Cell:
    return prepare(Block(0, 1, 2))


def raised(cell: Cell, bug: str) -> object:
    return measure(cell, Arm((("bug", bug),)))["raised"]


def test_every_switch_is_tried_here_or_on_another_device() -> None:
    assert {*SWITCHED.values(), "loss_on_cpu"} == set(BUGS)


def test_what_is_on_the_wrong_device_is_refused_unless_all_goes_there(cell: Cell) -> None:
    assert [raised(cell, bug) for bug in (INPUTS, TARGETS, OUTPUTS)] == [1, 1, 0]


def test_on_one_device_they_train() -> None:
    assert outcomes("cpu") == {INPUTS: 0, TARGETS: 0, OUTPUTS: 0, TOO_FEW: 1}


def test_a_mistake_that_raises_is_heard(cell: Cell) -> None:
    assert raised(cell, TOO_FEW) == 1


def test_a_warning_is_heard(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silent, "train", lambda *_: warnings.warn("beware", stacklevel=1))
    assert raised(cell, NOTHING) == 1


def test_the_stale_optimiser_has_something_frozen(cell: Cell) -> None:
    names = [name for name, _ in cell.task.networks[0].named_parameters()]
    assert sum(name.startswith(SETTING.frozen) for name in names) == 4
    assert SETTING.freeze_after is not None
    assert SETTING.freeze_after < SETTING.epochs
