"""What lines for CUDA do where there is none."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.amp.as_listed import LINE, measure, prepare
from studies.amp.without_gpu import LINES, try_line

without_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU")


@without_cuda
@pytest.mark.parametrize("line", LINES[:2])
def test_the_lines_as_listed_warn_and_do_nothing(line: str) -> None:
    assert try_line(line) == {"warnings": 1, "failed": 0, "in_effect": 0}


@pytest.mark.parametrize("line", LINES[2:])
def test_the_lines_for_the_processor_act_and_say_nothing(line: str) -> None:
    assert try_line(line) == {"warnings": 0, "failed": 0, "in_effect": 1}


def test_an_exception_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(device: str) -> None:
        raise RuntimeError(device)

    monkeypatch.setattr(torch.amp, "GradScaler", refuse)
    assert try_line(LINES[2]) == {"warnings": 0, "failed": 1, "in_effect": 0}


def test_a_process_without_a_gpu_is_asked() -> None:
    found = prepare(Block(0, 1, 2, "cuda"))
    for line in LINE.levels:
        assert measure(found, Arm((("line", line),)))["in_effect"] == float("cpu" in line)
