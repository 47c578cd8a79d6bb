"""What happens when tensors are on the CPU and on a GPU: on a GPU, or on one that pretends to be.

Without a GPU the outcomes come from a process of their own, in which a device called "gpu" has
shapes, types and places but no numbers: PyTorch's fake tensors, which refuse an operation that
mixes devices by the rules of CUDA. The device cannot be called "cuda", for that takes a build with
CUDA; and it is set up for a whole process, which should not be one that measures anything else. The
fakes are known to be wrong in one place: they let a convolution pass whose weights are elsewhere,
which CUDA does not. What they say stands beside a claim about GPUs, never in its place.

``python -m studies.bugs.elsewhere MODULE`` writes what the module's ``outcomes`` are there.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable

from harness import HarnessError

FAKE = "gpu"


def outcomes_on(device: str, module: str) -> dict[str, float]:
    """What ``module.outcomes(place)`` returns, for a GPU's place.

    Args:
        device: where the run measures; on "cuda" the place is that, elsewhere a fake.
        module: its full name.

    Raises:
        HarnessError: the process with the fake device failed.
    """
    if device == "cuda":
        found: dict[str, float] = importlib.import_module(module).outcomes(device)
        return found
    done = subprocess.run(
        [sys.executable, "-m", __name__, module], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = done.stderr.strip().rpartition("\n")[2]
        raise HarnessError(f"The process with a fake GPU ended with {done.returncode}: {last}")
    return {name: float(value) for name, value in json.loads(done.stdout).items()}


def on_the_fake(module: str) -> dict[str, float]:
    """Set the fake device up, for as long as this process lives, and ask for the outcomes."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(FAKE)
    # Backward stays in this thread, where the fakes are.
    with torch.autograd.set_multithreading_enabled(False), FakeTensorMode():
        found: dict[str, float] = importlib.import_module(module).outcomes(FAKE)
    return found


def refused(operation: Callable[..., object], *arguments: object) -> bool:
    """Whether an operation ends in an error of PyTorch's."""
    try:
        operation(*arguments)
    except RuntimeError:
        return True
    return False


if __name__ == "__main__":
    sys.stdout.write(json.dumps(on_the_fake(sys.argv[1])))
