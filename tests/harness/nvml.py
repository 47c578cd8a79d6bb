"""A management library with one planted GPU: a helper, no tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace

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
    "DisplayClockSetting": 0x100,
}


@dataclass
class Card:
    """What the planted GPU is like now; in NVML's units."""

    sm_clock: int = 1980
    memory_clock: int = 2619
    temperature: int = 45
    milliwatts: int = 350_000
    reasons: int = 0
    users: list[int] = field(default_factory=lambda: [os.getpid()])


# ruff: noqa: N802 - the names are the library's own
class Library(ModuleType):
    """Stands for pynvml, with the functions of it that are asked, under their own names.

    Attributes:
        card: the GPU.
        refused: by function, what the library says in place of an answer.
        asked: the functions that were called, in order.
        before: is called with the function's name before each answer; may change the card, or
            let time pass.
    """

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0

    class NVMLError(Exception):
        """What the library raises, whatever it refuses."""

    def __init__(self) -> None:
        super().__init__("pynvml")
        self.card = Card()
        self.refused: dict[str, str] = {}
        self.asked: list[str] = []
        self.before: Callable[[str], None] = lambda name: None

    def _answer(self, name: str) -> None:
        self.asked.append(name)
        self.before(name)
        if name in self.refused:
            raise self.NVMLError(self.refused[name])

    def nvmlInit(self) -> None:
        self._answer("nvmlInit")

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        self._answer("nvmlDeviceGetHandleByUUID")
        assert uuid == "GPU-1234"
        return "handle"

    def nvmlDeviceGetClockInfo(self, handle: str, which: int) -> int:
        names = {1: "sm_clock", 2: "memory_clock"}
        self._answer(f"nvmlDeviceGetClockInfo:{names[which]}")
        return int(getattr(self.card, names[which]))

    def nvmlDeviceGetTemperature(self, handle: str, sensor: int) -> int:
        self._answer("nvmlDeviceGetTemperature")
        assert sensor == self.NVML_TEMPERATURE_GPU
        return self.card.temperature

    def nvmlDeviceGetPowerUsage(self, handle: str) -> int:
        self._answer("nvmlDeviceGetPowerUsage")
        return self.card.milliwatts

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle: str) -> int:
        self._answer("nvmlDeviceGetCurrentClocksEventReasons")
        assert handle == "handle"
        return self.card.reasons

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> list[SimpleNamespace]:
        self._answer("nvmlDeviceGetComputeRunningProcesses")
        assert handle == "handle"
        return [SimpleNamespace(pid=pid) for pid in self.card.users]

    def nvmlSystemGetDriverVersion(self) -> str:
        self._answer("nvmlSystemGetDriverVersion")
        return "580.1"

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: str) -> int:
        self._answer("nvmlDeviceGetEnforcedPowerLimit")
        return 350_000

    def nvmlDeviceGetMaxClockInfo(self, handle: str, which: int) -> int:
        self._answer("nvmlDeviceGetMaxClockInfo")
        return {1: 1980, 2: 2619}[which]


#: How the library is asked for each quantity.
QUESTIONS = {
    "sm_clock": "nvmlDeviceGetClockInfo:sm_clock",
    "memory_clock": "nvmlDeviceGetClockInfo:memory_clock",
    "temperature": "nvmlDeviceGetTemperature",
    "power": "nvmlDeviceGetPowerUsage",
    "throttle_reasons": "nvmlDeviceGetCurrentClocksEventReasons",
    "other_processes": "nvmlDeviceGetComputeRunningProcesses",
}
