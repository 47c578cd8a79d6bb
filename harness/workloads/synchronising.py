"""A timer for pytest-benchmark that waits for the GPU; ``--benchmark-timer`` takes its name."""

from __future__ import annotations

import sys
import time


def now() -> float:
    """Seconds, once all work that was given to the GPU is done."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()
