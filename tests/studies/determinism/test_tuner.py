"""What a profile says of the auto-tuner, with a profile that is planted."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Self

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.determinism import tuner
from studies.determinism.settings import BOTH, DEFAULT, TUNED
from studies.determinism.tuner import count_kernels, measure


def plant_counts(monkeypatch: pytest.MonkeyPatch, *counts: float) -> None:
    numbers: Iterator[float] = iter(counts)
    monkeypatch.setattr(tuner, "count_kernels", lambda call: (call(), next(numbers))[1])


@pytest.mark.parametrize(("first", "tuned"), [(4.0, 0), (40.0, 1)])
def test_a_first_call_with_many_more_kernels_has_tuned(
    first: float, tuned: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_counts(monkeypatch, first, 4.0)
    assert measure(Block(0, 1, 2), Arm((("setting", BOTH),)))["tuned"] == tuned


def test_every_setting_sees_a_shape_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []
    plant_counts(monkeypatch, *[1.0] * 4)
    monkeypatch.setattr(tuner, "convolve", lambda x, _: shapes.append(tuple(x.shape)))
    monkeypatch.setattr(tuner, "warm_up", lambda _: None)
    for setting in (DEFAULT, TUNED):
        measure(Block(0, 1, 2), Arm((("setting", setting),)))
    assert shapes[0] == shapes[1] != shapes[2] == shapes[3]


def test_copies_fills_and_the_hosts_own_events_are_no_kernels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = [("Memset (Device)", "CUDA"), ("conv", "CUDA"), ("aten::conv2d", "CPU")]

    class Profile:
        def __init__(self, activities: object) -> None: ...

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None: ...

        def events(self) -> list[SimpleNamespace]:
            return [
                SimpleNamespace(name=name, device_type=SimpleNamespace(name=device))
                for name, device in events
            ]

    monkeypatch.setattr(torch.profiler, "profile", Profile)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    assert count_kernels(lambda: None) == 1
