"""The device a run measures on, behind the few calls the harness makes of it."""

from __future__ import annotations

import importlib.util
import random
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from harness.errors import HarnessError
from harness.meters.gpu import Watch, open_watch

CHOICES = ("auto", "cpu", "cuda")


class Device(Protocol):
    """What the runner needs of a device; tests pass a recording fake."""

    @property
    def kind(self) -> str:
        """The device as experiments name it: "cpu" or "cuda"."""

    def start(self, seed: int, threads: int) -> None:
        """Set every global random stream to ``seed`` and the number of intra-op threads."""

    def synchronise(self) -> None:
        """Wait until all work given to the device is done."""

    def mark(self) -> Any:  # noqa: ANN401 - a mark means something to its own device alone
        """Put a mark into the device's queue of work; None where the host does the work."""

    def seconds_between(self, first: Any, last: Any) -> float | None:  # noqa: ANN401 - as above
        """Seconds on the device's own clock between two marks, once it is synchronised."""

    def watch(self) -> Watch | None:
        """What reads the device's state while it is timed; None where there is none to read."""


@dataclass(frozen=True)
class TorchDevice:
    """The CPU or a CUDA GPU, by way of torch."""

    kind: str

    def start(self, seed: int, threads: int) -> None:
        """Seed Python, NumPy and torch (the device in use) and set torch's intra-op threads."""
        import numpy as np
        import torch

        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - libraries under test draw from the legacy stream
        # torch.manual_seed would also queue a call, with a formatted stack, for every CUDA device
        # that is not initialised: a fifth of a millisecond for each arm of a run on the CPU.
        torch.default_generator.manual_seed(seed)
        if self.kind == "cuda":
            torch.cuda.manual_seed_all(seed)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)

    def synchronise(self) -> None:
        """Wait for the GPU; nothing to wait for on the CPU."""
        if self.kind == "cuda":
            import torch

            torch.cuda.synchronize()

    def mark(self) -> Any:  # noqa: ANN401 - a CUDA event, or None
        """A CUDA event recorded on the current stream; None on the CPU."""
        if self.kind != "cuda":
            return None
        import torch

        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def seconds_between(self, first: Any, last: Any) -> float | None:  # noqa: ANN401 - see mark
        """Seconds between two recorded events; None on the CPU."""
        return None if self.kind != "cuda" else float(first.elapsed_time(last)) / 1000

    def spoilt_by_fork(self) -> bool:
        """Whether CUDA cannot be used here, for this process is a fork of one that has used it."""
        if self.kind != "cuda":
            return False
        import torch

        return bool(torch.cuda._is_in_bad_fork())  # noqa: SLF001 - torch has no other word for it

    def watch(self) -> Watch | None:
        """The GPU's management library, or what says why there is none; None on the CPU."""
        return open_watch() if self.kind == "cuda" else None


def new_tensors_on(device: str) -> AbstractContextManager[object]:
    """Tensors that are made inside without a device go to this one.

    On a CPU they do so anyway, and ``torch.device`` would look at every operation.
    """
    if device == "cpu":
        return nullcontext()
    import torch

    return torch.device(device)


def open_device(choice: str) -> TorchDevice:
    """The device a user asked for.

    Args:
        choice: "auto" takes CUDA where it is available, else the CPU.

    Raises:
        HarnessError: unknown choice, no torch, or CUDA asked for where there is none.
    """
    if choice not in CHOICES:
        raise HarnessError(f"There is no device {choice!r}; choose one of {', '.join(CHOICES)}.")
    if importlib.util.find_spec("torch") is None:
        raise HarnessError(
            "Running a study needs torch, which is not installed here: pip install torch."
        )
    import torch

    available = torch.cuda.is_available()
    if choice == "cuda" and not available:
        raise HarnessError(
            f"CUDA was asked for, but torch {torch.__version__} finds no CUDA device here. "
            "Use --device cpu, or a machine with a GPU and a CUDA build of torch."
        )
    return TorchDevice("cuda" if available and choice != "cpu" else "cpu")
