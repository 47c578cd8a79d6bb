"""The state of an NVIDIA GPU by way of its management library (the optional extra ``gpu``).

Every quantity is asked for by itself: a virtual GPU, one of MIG's slices, an old driver or a
container refuses some and gives others.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.design.gpu_state import (
    AT_POWER_LIMIT,
    DECIDING,
    QUANTITIES,
    disturbances,
    is_limited,
)
from harness.errors import HarnessError


class UnwatchedError(HarnessError):
    """The management library is not there, or does not answer what it is asked."""


@dataclass(frozen=True)
class Reading:
    """What was read of a GPU at one time.

    Attributes:
        values: by the names of ``harness.design.gpu_state.QUANTITIES``, in their units.
        missing: why there is no value of what was asked for, by name.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


class Watch(Protocol):
    """What reads the state of a GPU; tests pass a planted one."""

    def read(self, names: Collection[str]) -> Reading:
        """Read some quantities now; none keeps the others from being read."""


@dataclass(frozen=True)
class Unwatched:
    """Stands for a GPU of which nothing can be read, and says why."""

    why: str

    def read(self, names: Collection[str]) -> Reading:
        """Nothing."""
        return Reading(missing=dict.fromkeys(names, self.why))


@dataclass(frozen=True)
class NvmlWatch:
    """A GPU by way of NVML, opened once.

    Attributes:
        nvml: the library.
        handle: of the GPU.
        own: the numbers of the processes that are expected on it.
    """

    nvml: Any
    handle: Any
    own: frozenset[int] = field(default_factory=lambda: frozenset({os.getpid()}))

    def read(self, names: Collection[str]) -> Reading:
        """Ask for each quantity by itself."""
        values: dict[str, float] = {}
        missing: dict[str, str] = {}
        for name in names:
            try:
                values[name] = float(self._asked(_READ[name]))
            except UnwatchedError as reason:
                missing[name] = str(reason)
        return Reading(values, missing)

    def _asked(self, ask: Callable[[NvmlWatch], float]) -> float:
        """An answer of the library.

        Raises:
            UnwatchedError: it refuses, or an older one does not know the question.
        """
        try:
            return ask(self)
        except self.nvml.NVMLError as error:
            raise UnwatchedError(str(error)) from error
        except AttributeError as error:
            raise UnwatchedError(f"nvidia-ml-py does not know it ({error})") from error


def open_watch(beside: Collection[int] = ()) -> NvmlWatch | Unwatched:
    """What reads the state of the GPU that torch calls the first; to open it takes NVML a while.

    Args:
        beside: processes that are expected on the GPU, beside this one.
    """
    try:
        nvml = _library()
    except UnwatchedError as reason:
        return Unwatched(str(reason))
    try:
        return NvmlWatch(nvml, _handle(nvml), frozenset({os.getpid(), *beside}))
    except (nvml.NVMLError, AttributeError) as error:
        return Unwatched(str(error))


def describe() -> dict[str, Any]:
    """What a number on this GPU depends on and does not change: driver, power limit, top clocks.

    Returns:
        Watts and MHz by name, less those that it does not give; under "unwatched" why nothing is
        known.
    """
    watch = open_watch()
    if isinstance(watch, Unwatched):
        return {"unwatched": watch.why}
    nvml = watch.nvml
    questions: dict[str, Callable[[Any], Any]] = {
        "driver": lambda _: str(nvml.nvmlSystemGetDriverVersion()),
        "power_limit_watts": lambda handle: nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000,
        "top_clock_mhz": lambda h: nvml.nvmlDeviceGetMaxClockInfo(h, nvml.NVML_CLOCK_SM),
        "top_memory_clock_mhz": lambda h: nvml.nvmlDeviceGetMaxClockInfo(h, nvml.NVML_CLOCK_MEM),
    }
    described: dict[str, Any] = {}
    for name, ask in questions.items():
        try:
            described[name] = ask(watch.handle)
        except (nvml.NVMLError, AttributeError) as error:
            described.setdefault("unwatched", str(error))
    return described


def remarks() -> list[str]:
    """What there is to say of the GPU's state now, a clause each; empty if it is at its best."""
    reading = open_watch().read([quantity.name for quantity in QUANTITIES])
    if not set(DECIDING) & set(reading.values):
        return [f"the GPU could not be watched ({next(iter(reading.missing.values()))})"]
    limited = is_limited(reading.values.get("throttle_reasons", 0))
    return [f"the GPU was {AT_POWER_LIMIT}"] * limited + disturbances(reading.values)


def _other_processes(users: Iterable[int], own: Collection[int]) -> int:
    """How many processes compute on the GPU other than those that are expected.

    In a container the library gives the numbers that processes have outside of it, so that none of
    the expected may be found: then as many of those listed are they.

    Raises:
        UnwatchedError: none is listed, though there is one.
    """
    pids, expected = set(users), set(own)
    if not pids:
        raise UnwatchedError("processes on the GPU are hidden from this one")
    return len(pids - expected) if pids & expected else max(len(pids) - len(expected), 0)


#: How each quantity is asked for; NVML counts watts by the thousandth.
_READ: Mapping[str, Callable[[NvmlWatch], float]] = {
    "sm_clock": lambda w: w.nvml.nvmlDeviceGetClockInfo(w.handle, w.nvml.NVML_CLOCK_SM),
    "memory_clock": lambda w: w.nvml.nvmlDeviceGetClockInfo(w.handle, w.nvml.NVML_CLOCK_MEM),
    "temperature": lambda w: _temperature(w.nvml)(w.handle, w.nvml.NVML_TEMPERATURE_GPU),
    "power": lambda w: w.nvml.nvmlDeviceGetPowerUsage(w.handle) / 1000,
    "throttle_reasons": lambda w: w.nvml.nvmlDeviceGetCurrentClocksEventReasons(w.handle),
    "other_processes": lambda w: _other_processes(
        (each.pid for each in w.nvml.nvmlDeviceGetComputeRunningProcesses(w.handle)), w.own
    ),
}


def _temperature(nvml: Any) -> Callable[[Any, int], float]:  # noqa: ANN401 - it has no types
    """The function that all drivers of today have; with CUDA 14 it goes, and the other stays."""
    old = getattr(nvml, "nvmlDeviceGetTemperature", None)
    return old or nvml.nvmlDeviceGetTemperatureV  # type: ignore[no-any-return]  # it has no types


def _library() -> Any:  # noqa: ANN401 - the library has no types
    """NVML's Python library.

    Raises:
        UnwatchedError: it is not installed.
    """
    try:
        import pynvml
    except ModuleNotFoundError as missing:
        raise UnwatchedError("nvidia-ml-py is not installed") from missing
    return pynvml


@functools.cache
def _handle(nvml: Any) -> Any:  # noqa: ANN401 - as above
    """NVML's handle of the GPU that torch calls the first: NVML counts all, torch those it sees."""
    import torch

    nvml.nvmlInit()
    uuid = str(torch.cuda.get_device_properties(0).uuid)
    named = uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"
    return nvml.nvmlDeviceGetHandleByUUID(named)
