"""The blocks that torch's own allocator hands out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.errors import HarnessError
from harness.libraries import torch


@dataclass
class AllocatorPeak:
    """The allocator's peak; complete when the context is closed.

    Attributes:
        start_bytes: allocated when the context was opened; 0 on the CPU, where only blocks that are
            allocated inside are known.
        peak_bytes: the most that was allocated at one time.
        reserved_bytes: the most that the CUDA allocator held of the card, unused cache included;
            NaN on the CPU, which reserves nothing.
    """

    start_bytes: int = 0
    peak_bytes: int = 0
    reserved_bytes: float = math.nan

    @property
    def grown_bytes(self) -> int:
        """How far the peak lies above the start."""
        return self.peak_bytes - self.start_bytes


@contextmanager
def allocator_peak(device: str) -> Iterator[AllocatorPeak]:
    """Watch the peak of the allocator of a device, temporary blocks within operations included.

    On CUDA these are the allocator's own counters for the current card, set back at the start;
    cached blocks are given back first, so that what is reserved is what the work inside needs.
    Blocks are rounded up to 512 bytes. Libraries that allocate by themselves are not seen, nor is
    the CUDA context. On the CPU it is torch's memory profiler, on the calling thread and those of
    backward; blocks from before that are freed inside do not lower the count, and what oneDNN or
    NumPy allocate is not seen. Do not nest it, nor use it under another profiler.

    Args:
        device: "cpu" or "cuda".

    Yields:
        The peak, which is filled in when the context is closed.

    Raises:
        HarnessError: another device, or CUDA where there is none.
    """
    if device == "cpu":
        with _cpu_peak() as peak:
            yield peak
        return
    if device != "cuda" or not torch.cuda.is_available():
        raise HarnessError(f"The allocator of {device!r} cannot be watched on this machine.")
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    peak = AllocatorPeak(torch.cuda.memory_allocated())
    yield peak
    torch.cuda.synchronize()
    peak.peak_bytes = torch.cuda.max_memory_allocated()
    peak.reserved_bytes = float(torch.cuda.max_memory_reserved())


@contextmanager
def _cpu_peak() -> Iterator[AllocatorPeak]:
    """Add up what the allocator reports to a profiler.

    torch.profiler reports the same, but from torch 2.13 on it writes two lines to the screen every
    time; this is the older way in, without them.
    """
    from torch._C import _autograd as engine
    from torch._C._profiler import ProfilerConfig, ProfilerState, _ExperimentalConfig

    # Of the switches only the second, for memory, is on.
    config = ProfilerConfig(
        ProfilerState.CPU, False, True, False, False, False, _ExperimentalConfig()
    )
    peak = AllocatorPeak()
    engine._enable_profiler_legacy(config)  # noqa: SLF001 - the only silent way
    try:
        yield peak
    finally:
        threads = engine._disable_profiler_legacy()  # noqa: SLF001 - the only silent way
        events = [event for thread in threads for event in thread]
        events.sort(key=events[0].cpu_elapsed_us)
        now = 0
        for event in events:
            now += event.cpu_memory_usage()
            peak.peak_bytes = max(peak.peak_bytes, now)
