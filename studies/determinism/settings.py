"""The settings for determinism that PyTorch offers, one after another."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.libraries import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT = "PyTorch's defaults"
#: As document C's ``seed_everything`` sets the flags of cuDNN: deterministic, and no auto-tuner.
LISTED = "cuDNN deterministic"
TUNED = "cuDNN's auto-tuner"
BOTH = "deterministic and auto-tuner"
ALGORITHMS = "deterministic algorithms"
SETTINGS = (DEFAULT, LISTED, TUNED, BOTH, ALGORITHMS)

#: What cuBLAS asks for under ``use_deterministic_algorithms``; read when a process first uses it.
CUBLAS = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}


@contextmanager
def applied(setting: str) -> Iterator[None]:
    """Have a setting, and none of the others, until the context is closed.

    The debug mode "error" is ``use_deterministic_algorithms(True)`` under its other name, which
    does not load torch's compiler first: that takes longer than a training here.
    """
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark, torch.get_deterministic_debug_mode()
    try:
        cudnn.deterministic = setting in (LISTED, BOTH)
        cudnn.benchmark = setting in (TUNED, BOTH)
        torch.set_deterministic_debug_mode("error" if setting == ALGORITHMS else "default")
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark, mode = before
        torch.set_deterministic_debug_mode(mode)
