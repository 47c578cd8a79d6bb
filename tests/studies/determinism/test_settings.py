"""Settings for determinism, and what cuDNN's flags say of each other."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.determinism import flags
from studies.determinism.settings import ALGORITHMS, BOTH, DEFAULT, LISTED, TUNED, UNFILLED, applied


def state() -> tuple[bool, bool, bool, bool]:
    cudnn = torch.backends.cudnn
    strict = torch.are_deterministic_algorithms_enabled()
    memory: Any = torch.utils.deterministic
    return cudnn.deterministic, cudnn.benchmark, strict, memory.fill_uninitialized_memory


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (DEFAULT, (False, False, False, True)),
        (LISTED, (True, False, False, True)),
        (TUNED, (False, True, False, True)),
        (BOTH, (True, True, False, True)),
        (ALGORITHMS, (False, False, True, True)),
        (UNFILLED, (False, False, True, False)),
    ],
)
def test_a_setting_is_applied_alone_and_taken_back_after_an_error(
    setting: str, expected: tuple[bool, bool, bool, bool]
) -> None:
    before, inside = state(), []

    def fail() -> None:
        with applied(setting):
            inside.append(state())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert inside == [expected]
    assert state() == before


class Flags:
    """In place of cuDNN's: one flag may turn the other off, as document C would have it."""

    def __init__(self, *, benchmark: bool, deterministic: bool, follows: bool) -> None:
        self.benchmark, self.follows, self._deterministic = benchmark, follows, deterministic

    @property
    def deterministic(self) -> bool:
        return self._deterministic

    @deterministic.setter
    def deterministic(self, on: bool) -> None:
        self._deterministic = on
        if on and self.follows:
            self.benchmark = False


@pytest.mark.parametrize("by_default", [False, True])
@pytest.mark.parametrize("follows", [False, True])
def test_flags_are_read_as_they_are_and_put_back(
    by_default: bool, follows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = Flags(benchmark=by_default, deterministic=not by_default, follows=follows)
    monkeypatch.setattr(torch.backends, "cudnn", planted)
    found = flags.measure(Block(0, 1, 2), Arm())
    assert found == {
        "benchmark_by_default": by_default,
        "deterministic_by_default": not by_default,
        "benchmark_when_set": 1,
        "benchmark_with_deterministic": not follows,
    }
    assert (planted.benchmark, planted.deterministic) == (by_default, not by_default)


def test_the_default_is_judged_on_any_machine() -> None:
    judged = [posed for posed in flags.EXPERIMENT.conditions() if posed.kind == "claim"]
    assert [posed.comparison.response for posed in judged] == ["benchmark_by_default"]
    assert flags.EXPERIMENT.needs == "cpu"
