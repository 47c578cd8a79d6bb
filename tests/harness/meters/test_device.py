"""The device: random streams, threads, and what is refused."""

from __future__ import annotations

import random
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from harness.errors import HarnessError
from harness.meters.device import TorchDevice, new_tensors_on, open_device


def draws() -> list[float]:
    """A number of each global stream that a library under test may draw from."""
    legacy = float(np.random.rand())  # noqa: NPY002 - the very stream in question
    return [random.random(), legacy, float(torch.rand(())), float(torch.randn(()))]


def test_one_seed_starts_every_global_stream_at_one_place() -> None:
    device = TorchDevice("cpu")
    device.start(7, 1)
    first = draws()
    device.start(7, 1)
    assert draws() == first
    device.start(8, 1)
    assert all(one != other for one, other in zip(draws(), first, strict=True))


def test_the_streams_are_those_of_the_libraries_own_seeds() -> None:
    TorchDevice("cpu").start(7, 1)
    generator = torch.Generator().manual_seed(7)
    expected = [
        random.Random(7).random(),
        np.random.RandomState(7).rand(),
        float(torch.rand((), generator=generator)),
    ]
    assert draws()[:3] == expected


def test_a_gpu_is_seeded_too_where_it_is_measured_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeds.append)
    TorchDevice("cpu").start(7, torch.get_num_threads())
    assert seeds == []
    TorchDevice("cuda").start(7, torch.get_num_threads())
    assert seeds == [7]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_block_runs_with_the_threads_it_asks_for(threads: int) -> None:
    before = torch.get_num_threads()
    try:
        TorchDevice("cpu").start(0, threads)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_the_cpu_needs_no_waiting_and_a_gpu_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waited.append("cuda"))
    TorchDevice("cpu").synchronise()
    assert waited == []
    TorchDevice("cuda").synchronise()
    assert waited == ["cuda"]


@pytest.mark.parametrize(
    ("choice", "available", "opened"),
    [
        ("auto", True, "cuda"),
        ("auto", False, "cpu"),
        ("cpu", True, "cpu"),
        ("cpu", False, "cpu"),
        ("cuda", True, "cuda"),
    ],
)
def test_auto_takes_a_gpu_where_there_is_one(
    choice: str, available: bool, opened: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert open_device(choice).kind == opened


def test_cuda_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(HarnessError, match="CUDA was asked for"):
        open_device("cuda")


def test_an_unknown_device_is_refused_before_torch_is_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(HarnessError, match="There is no device 'tpu'; choose one of auto, cpu"):
        open_device("tpu")


def test_without_torch_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "harness.meters.device.importlib",
        SimpleNamespace(util=SimpleNamespace(find_spec=lambda name: None)),
    )
    with pytest.raises(HarnessError, match="needs torch, which is not installed here"):
        open_device("cpu")


def test_new_tensors_go_to_the_device_named_and_on_a_cpu_nothing_is_asked() -> None:
    with new_tensors_on("meta"):
        assert torch.zeros(2).device.type == "meta"
    with new_tensors_on("cpu") as entered:
        assert torch.zeros(2).device.type == "cpu"
        assert entered is None
