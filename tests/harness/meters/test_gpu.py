"""The state of a GPU, as a planted management library tells it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from harness.meters import gpu

#: As in NVIDIA's reference of NVML, nvmlClocksEventReasons.
REASONS = {
    "GpuIdle": 0x1,
    "ApplicationsClocksSetting": 0x2,
    "SwPowerCap": 0x4,
    "HwSlowdown": 0x8,
    "SyncBoost": 0x10,
    "SwThermalSlowdown": 0x20,
    "HwThermalSlowdown": 0x40,
    "HwPowerBrakeSlowdown": 0x80,
}


# ruff: noqa: N802 - the names are the library's own
class Library(ModuleType):
    """Stands for pynvml: one GPU with planted reasons and users."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM = 1, 2

    class NVMLError(Exception):
        pass

    def __init__(self) -> None:
        super().__init__("pynvml")
        self.reasons, self.users = 0, [os.getpid()]
        self.broken = False
        for name, mask in REASONS.items():
            setattr(self, f"nvmlClocksEventReason{name}", mask)

    def nvmlInit(self) -> None:
        if self.broken:
            raise self.NVMLError("Driver Not Loaded")

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        assert uuid == "GPU-1234"
        return "handle"

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle: str) -> int:
        assert handle == "handle"
        return self.reasons

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> list[SimpleNamespace]:
        assert handle == "handle"
        return [SimpleNamespace(pid=pid) for pid in self.users]

    def nvmlSystemGetDriverVersion(self) -> str:
        return "580.1"

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: str) -> int:
        return 350_000

    def nvmlDeviceGetMaxClockInfo(self, handle: str, which: int) -> int:
        return {1: 1980, 2: 2619}[which]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    planted = Library()
    monkeypatch.setitem(sys.modules, "pynvml", planted)
    properties = SimpleNamespace(uuid="1234")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: properties)
    gpu._handle.cache_clear()
    yield planted
    gpu._handle.cache_clear()


def test_a_quiet_gpu_is_not_disturbed(library: Library) -> None:
    assert gpu.disturbances() == []


@pytest.mark.parametrize("harmless", ["GpuIdle", "ApplicationsClocksSetting"])
def test_idle_and_locked_clocks_disturb_nothing(library: Library, harmless: str) -> None:
    library.reasons = REASONS[harmless]
    assert gpu.disturbances() == []


@pytest.mark.parametrize("name", gpu.THROTTLES)
def test_a_throttled_gpu_is_disturbed_and_says_by_what(library: Library, name: str) -> None:
    library.reasons = REASONS[name] | REASONS["GpuIdle"]
    assert gpu.disturbances() == [f"the GPU was {gpu.THROTTLES[name]}"]


@pytest.mark.parametrize(
    ("users", "shared"),
    [
        ([os.getpid()], False),
        ([os.getpid(), 1], True),
        ([99_999_999], False),  # this process, by the number it has outside of its container
        ([99_999_998, 99_999_999], True),
        ([], False),
    ],
)
def test_a_shared_gpu_is_disturbed(library: Library, users: list[int], shared: bool) -> None:
    library.users = users
    assert gpu.disturbances() == (["another process used the GPU"] if shared else [])


def test_a_gpu_that_nobody_watches_counts_as_disturbed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.broken = True
    assert gpu.disturbances() == ["the GPU could not be watched (Driver Not Loaded)"]
    assert gpu.describe() == {"unwatched": "Driver Not Loaded"}
    missing: Any = None
    monkeypatch.setitem(sys.modules, "pynvml", missing)
    assert gpu.describe() == {"unwatched": "nvidia-ml-py is not installed"}


def test_the_description_is_in_watts_and_megahertz(library: Library) -> None:
    assert gpu.describe() == {
        "driver": "580.1",
        "power_limit_watts": 350.0,
        "top_clock_mhz": 1980,
        "top_memory_clock_mhz": 2619,
    }


@pytest.mark.cuda
def test_the_library_knows_the_gpu_that_torch_uses() -> None:
    assert "unwatched" not in gpu.describe()
    torch.zeros(1, device="cuda")
    assert all(isinstance(clause, str) for clause in gpu.disturbances())
