"""The workloads that are timed, and how their times become ratios; nothing is timed here."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm
from studies.grad_mode import speed
from studies.grad_mode.speed import Work, task


def test_a_task_enters_its_context_once_for_all_its_passes() -> None:
    seen: list[tuple[bool, bool]] = []

    def forward() -> None:
        seen.append((torch.is_grad_enabled(), torch.is_inference_mode_enabled()))

    works = {"CNN": Work(forward, passes=3)}
    for grad, expected in (
        ("enabled", (True, False)),
        ("no_grad", (False, False)),
        ("inference_mode", (False, True)),
    ):
        seen.clear()
        task(works, Arm((("grad", grad), ("workload", "CNN"))))()
        assert seen == [expected] * 3
        assert torch.is_grad_enabled()


@pytest.mark.parametrize("name", ["encoder, half padding", "LSTM", "CNN"])
def test_every_workload_passes_without_gradients(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "minilm", lambda *_: lambda: None)
    from harness.design.factors import Block

    works = speed.prepare(Block(0, 1, 2))
    assert set(works) == set(speed.WORKLOADS)
    task(works, Arm((("grad", "inference_mode"), ("workload", name))))()
