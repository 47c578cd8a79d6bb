"""The memory of the whole process that is in the machine's RAM."""

from __future__ import annotations

import ctypes
import gc
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError

_PROCESS = Path("/proc/self")
#: The number of the option in glibc's malloc.h.
_MMAP_THRESHOLD = -3


@dataclass
class ResidentPeak:
    """The process's resident memory; complete when the context is closed.

    Attributes:
        start_bytes: resident when the context was opened.
        peak_bytes: the most that was resident while it was open.
        exact: whether the kernel's mark was set back at the start. Where it cannot be (anything but
            Linux), ``start_bytes`` and ``peak_bytes`` are peaks since the process began, and growth
            that stays below an earlier peak is not seen.
    """

    start_bytes: int
    peak_bytes: int
    exact: bool

    @property
    def grown_bytes(self) -> int:
        """How far the peak lies above the start."""
        return self.peak_bytes - self.start_bytes


@contextmanager
def resident_peak() -> Iterator[ResidentPeak]:
    """Watch the peak of the process's resident memory.

    It counts pages that are touched, of whatever library, and the first use of a library counts
    with it. Memory that was freed before but kept by the C library, where it would be used again
    unseen, is given back first, but for what is broken into small pieces: measure in a fresh
    process. The kernel's counters are coarse, by a few hundred kilobytes.

    Yields:
        The peak, which is filled in when the context is closed.

    Raises:
        HarnessError: a system that does not tell (Windows).
    """
    gc.collect()
    _give_back()
    exact = _set_back()
    start = _highest(exact)
    peak = ResidentPeak(start, start, exact)
    try:
        yield peak
    finally:
        peak.peak_bytes = _highest(exact)


def map_blocks_singly() -> None:
    """Make the C library take each block of 64 KiB or more from the system, and give it back freed.

    By default glibc keeps freed blocks and cuts them up, so that a process may take a multiple of
    what is allocated at one time. From this call on, and for as long as the process lives, its
    resident memory follows what is allocated, which is then slower; see mallopt(3). Without glibc
    nothing happens.
    """
    options = _glibc("mallopt")
    if options is not None:
        options(_MMAP_THRESHOLD, 65536)


def _give_back() -> None:
    """Return freed memory to the system; see malloc_trim(3)."""
    trim = _glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _glibc(function: str) -> Callable[..., int] | None:
    """A function that only glibc has."""
    return getattr(ctypes.CDLL(None), function, None) if sys.platform == "linux" else None


def _set_back() -> bool:
    """Make Linux forget the highest mark; see proc_pid_clear_refs(5)."""
    try:
        (_PROCESS / "clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _highest(exact: bool) -> int:
    if exact:
        status = (_PROCESS / "status").read_text()
        (kibibytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        return int(kibibytes) * 1024
    try:
        import resource
    except ImportError as error:
        raise HarnessError("This system does not tell the resident memory of a process.") from error
    # macOS counts in bytes, all others in KiB.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
