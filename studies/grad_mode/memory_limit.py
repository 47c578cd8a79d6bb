"""The largest batch whose forward pass fits under a limit of memory, found in a process of its own.

On the CPU the limit is the kernel's own on what a process may write to that no file backs
(``RLIMIT_DATA``: heap and anonymous mappings, which is where tensors go). ``RLIMIT_AS`` would count
reserved addresses and mapped libraries as well. Both count from zero, and torch takes a few hundred
megabytes before it does anything; so the limit is set to what the process has after a pass with a
small batch, plus the budget. On CUDA the limit is that of torch's allocator.

``python -m studies.grad_mode.memory_limit GRAD DEVICE`` writes the number of rows. The C library is
told to give every larger block back at once; it would otherwise keep some, at its own discretion.
"""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from harness import HarnessError
from harness.libraries import torch
from harness.workloads import tower
from studies.grad_mode.modes import grad_mode

DEPTH, WIDTH = 16, 512
MIB = 2**20
#: What the pass may take beyond the network: its input and whatever it makes of it. More on CUDA,
#: where the allocator takes memory in pieces of up to 20 MiB.
BUDGETS = {"cpu": 32 * MIB, "cuda": 1024 * MIB}
#: Rows of the pass before the limit is set, in which libraries take what they need once.
WARMUP_ROWS = 512
#: The search ends where the larger number that fails is so close to the one that fits.
RESOLUTION = 1.1


def largest_batch(grad: str, device: str) -> int:
    """Ask a fresh process for the largest batch that fits; see ``search``.

    Raises:
        HarnessError: the process ended otherwise than with a number.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__, grad, device],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"},
    )
    if done.returncode != 0:
        last = done.stderr.strip().rpartition("\n")[2]
        raise HarnessError(f"The process under a limit ended with {done.returncode}: {last}")
    return int(done.stdout)


def search(fits: Callable[[int], bool], resolution: float = RESOLUTION) -> int:
    """The largest number that fits, or one at most a factor of ``resolution`` below it.

    Doubles from 1 until a number fails, and then halves the interval.

    Args:
        fits: true up to some number and false from there on.
        resolution: above 1.

    Raises:
        HarnessError: not even 1 fits.
    """
    if not fits(1):
        raise HarnessError("Not even a batch of one row fits under the limit.")
    good, bad = 1, 2
    while fits(bad):
        good, bad = bad, 2 * bad
    while bad > max(resolution * good, good + 1):
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def search_under_limit(grad: str, device: str) -> int:
    """The largest batch whose forward pass fits; this process is of no other use afterwards."""
    torch.set_num_threads(1)
    net = tower(DEPTH, WIDTH).to(device)

    def forward(rows: int) -> None:
        with grad_mode(grad):
            net(torch.zeros(rows, WIDTH, device=device))

    def fits(rows: int) -> bool:
        try:
            forward(rows)
        except (RuntimeError, MemoryError):  # what the allocators of CPU and CUDA raise
            return False
        finally:
            gc.collect()
        return True

    forward(WARMUP_ROWS)
    gc.freeze()  # the collections below need not walk through all that torch consists of
    set_limit(device, BUDGETS[device])
    return search(fits)


def set_limit(device: str, budget: int) -> None:
    """Let the process have so many bytes more than it has now."""
    if device == "cuda":
        torch.cuda.empty_cache()
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + budget) / total)
        return
    import resource

    status = Path("/proc/self/status").read_text()
    (kibibytes,) = re.findall(r"^VmData:\s+(\d+) kB$", status, re.MULTILINE)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (int(kibibytes) * 1024 + budget, hard))


if __name__ == "__main__":
    sys.stdout.write(str(search_under_limit(sys.argv[1], sys.argv[2])))
