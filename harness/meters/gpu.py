"""The state of an NVIDIA GPU by way of its management library (the optional extra ``gpu``)."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.errors import HarnessError

#: Why a GPU may run slower than it could: the names of NVML's reasons that spoil a measured time,
#: by the words they get here. Clocks that a user has locked, or an idle GPU's, are none of them.
THROTTLES = {
    "SwPowerCap": "at its power limit",
    "HwSlowdown": "slowed down by its hardware",
    "SyncBoost": "held back by the slowest of a group",
    "SwThermalSlowdown": "slowed down by its temperature",
    "HwThermalSlowdown": "slowed down by overheating",
    "HwPowerBrakeSlowdown": "slowed down by a power brake",
}


class UnwatchedError(HarnessError):
    """The management library is not there, or does not answer for this GPU."""


def describe() -> dict[str, Any]:
    """What a number on this GPU depends on and does not change: driver, power limit, top clocks.

    Returns:
        Watts and MHz by name, or under "unwatched" why nothing is known.
    """
    try:
        with _opened() as (nvml, handle):
            return {
                "driver": str(nvml.nvmlSystemGetDriverVersion()),
                "power_limit_watts": nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000,
                "top_clock_mhz": nvml.nvmlDeviceGetMaxClockInfo(handle, nvml.NVML_CLOCK_SM),
                "top_memory_clock_mhz": nvml.nvmlDeviceGetMaxClockInfo(handle, nvml.NVML_CLOCK_MEM),
            }
    except UnwatchedError as reason:
        return {"unwatched": str(reason)}


def disturbances() -> list[str]:
    """What makes times taken on the GPU now worthless, a clause each; empty if nothing does.

    Times that nobody watched over are worth no more than disturbed ones.
    """
    try:
        with _opened() as (nvml, handle):
            reasons = nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)
            users = {each.pid for each in nvml.nvmlDeviceGetComputeRunningProcesses(handle)}
            masks = {name: getattr(nvml, f"nvmlClocksEventReason{name}") for name in THROTTLES}
    except UnwatchedError as reason:
        return [f"the GPU could not be watched ({reason})"]
    found = [f"the GPU was {words}" for name, words in THROTTLES.items() if reasons & masks[name]]
    return found + (["another process used the GPU"] if _shared(users) else [])


def _shared(users: set[int]) -> bool:
    """Whether a process other than this one is among the users of the GPU.

    In a container the library gives the numbers that processes have outside of it, so that this
    process may not find its own: then one of those listed is it.
    """
    return bool(users - {os.getpid()}) if os.getpid() in users else len(users) > 1


@contextmanager
def _opened() -> Iterator[tuple[Any, Any]]:
    """The library and its handle of the GPU that torch calls the first.

    Raises:
        UnwatchedError: there is no library or no such GPU in it, or it refuses what it is asked.
    """
    try:
        import pynvml
    except ModuleNotFoundError as missing:
        raise UnwatchedError("nvidia-ml-py is not installed") from missing
    try:
        yield pynvml, _handle(pynvml)
    except pynvml.NVMLError as error:
        raise UnwatchedError(str(error)) from error


@functools.cache
def _handle(nvml: Any) -> Any:  # noqa: ANN401 - the library has no types
    import torch

    nvml.nvmlInit()
    uuid = str(torch.cuda.get_device_properties(0).uuid)
    named = uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"
    return nvml.nvmlDeviceGetHandleByUUID(named)
