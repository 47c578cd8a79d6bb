"""Which bugs make themselves heard."""

from __future__ import annotations

import warnings

import pytest

from harness.design.factors import Arm, Block
from harness.workloads.switches import BUGS
from studies.bugs import silent
from studies.bugs.silent import (
    ELSEWHERE,
    NOTHING,
    SETTING,
    SWITCHED,
    TOO_FEW,
    Cell,
    heard,
    measure,
    outcomes,
    prepare,
)


@pytest.fixture(scope="module")
def cell() -> Cell:
    return prepare(Block(0, 1, 2, run={}))


def found(cell: Cell, bug: str) -> dict[str, object]:
    return dict(measure(cell, Arm((("bug", bug),))))


def test_every_switch_is_tried_here_or_on_another_device() -> None:
    assert {*SWITCHED.values(), "loss_on_cpu"} == set(BUGS)


def test_on_one_device_nothing_is_in_the_wrong_place() -> None:
    on_cpu = outcomes("cpu")
    assert {bug: on_cpu[f"raised: {bug}"] for bug in ELSEWHERE} == dict.fromkeys(ELSEWHERE, 0)
    assert on_cpu[f"raised: {TOO_FEW}"] == 1, "a mistake that raises is heard"


def test_the_steps_elsewhere_are_read_and_not_trained(cell: Cell) -> None:
    known = {f"raised: {ELSEWHERE[0]}": 0.0, f"warned: {ELSEWHERE[0]}": 1.0}
    assert found(cell._replace(elsewhere=known), ELSEWHERE[0]) == {"raised": 0, "warned": 1}


def test_errors_and_warnings_are_told_apart() -> None:
    def fail() -> None:
        raise RuntimeError("no")

    assert heard(fail) == {"raised": 1, "warned": 0}
    assert heard(lambda: warnings.warn("beware", stacklevel=1)) == {"raised": 0, "warned": 1}
    assert heard(lambda: None) == {"raised": 0, "warned": 0}


def test_a_warning_of_the_training_is_heard(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silent, "train", lambda *_: warnings.warn("beware", stacklevel=1))
    assert found(cell, NOTHING) == {"raised": 0, "warned": 1}


def test_the_stale_optimiser_has_something_frozen(cell: Cell) -> None:
    names = [name for name, _ in cell.task.networks[0].named_parameters()]
    assert sum(name.startswith(SETTING.frozen) for name in names) == 4
    assert SETTING.freeze_after is not None
    assert SETTING.freeze_after < SETTING.epochs
