"""Sampling while something runs."""

from __future__ import annotations

import itertools

import pytest

from harness.design.factors import Arm, Block
from studies.bugs import utilisation
from studies.bugs.utilisation import LEFT_OUT, SAMPLES, sample_while


def test_steps_go_on_until_enough_is_read() -> None:
    count, steps = itertools.count(), itertools.count()
    found = sample_while(lambda: next(steps), lambda: next(count), seconds=0.0)
    assert found == list(range(SAMPLES + LEFT_OUT))


def test_what_goes_wrong_in_reading_is_raised_where_it_is_waited_for() -> None:
    def read() -> float:
        raise ModuleNotFoundError("pynvml")

    with pytest.raises(ModuleNotFoundError, match="pynvml"):
        sample_while(lambda: None, read, seconds=0.0)


def test_what_goes_wrong_in_a_step_ends_the_reading() -> None:
    def step() -> None:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        sample_while(step, lambda: 0.0, seconds=10.0)


def test_the_first_second_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    count = itertools.count()
    monkeypatch.setattr("torch.cuda.utilization", lambda: next(count))
    monkeypatch.setattr(utilisation, "training", lambda *_: lambda: None)
    monkeypatch.setattr(utilisation, "SECONDS", 0.0)
    arm = Arm((("loss_on", "CPU"), ("net", "small perceptron"), ("classes", 1000)))
    found = utilisation.measure(Block(0, 1, 2), arm)["utilisation"]
    assert found == list(range(LEFT_OUT, LEFT_OUT + SAMPLES))
