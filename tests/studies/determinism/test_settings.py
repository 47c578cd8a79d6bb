"""Settings for determinism, and what cuDNN's flags say of each other."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.determinism import flags
from studies.determinism.settings import (
    ALGORITHMS,
    BENCHMARK,
    BOTH,
    DEFAULT,
    DETERMINISTIC,
    applied,
)


def state() -> tuple[bool, bool, bool]:
    cudnn = torch.backends.cudnn
    return cudnn.deterministic, cudnn.benchmark, torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (DEFAULT, (False, False, False)),
        (DETERMINISTIC, (True, False, False)),
        (BENCHMARK, (False, True, False)),
        (BOTH, (True, True, False)),
        (ALGORITHMS, (False, False, True)),
    ],
)
def test_a_setting_is_applied_alone_and_taken_back_after_an_error(
    setting: str, expected: tuple[bool, bool, bool]
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


def test_strict_settings_refuse_an_operation_without_a_deterministic_form() -> None:
    with applied(ALGORITHMS), pytest.raises(RuntimeError, match="deterministic"):
        torch.zeros(3).put_(torch.tensor([0]), torch.tensor([1.0]), accumulate=False)
    torch.zeros(3).put_(torch.tensor([0]), torch.tensor([1.0]), accumulate=False)


def test_the_flags_are_read_and_left_alone() -> None:
    before = state()
    found = flags.measure(Block(0, 1, 2), Arm())
    assert found == {
        "benchmark_by_default": 0,
        "deterministic_by_default": 0,
        "benchmark_when_set": 1,
        "benchmark_with_deterministic": 1,
    }
    assert state() == before
