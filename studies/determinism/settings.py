"""The settings for determinism that PyTorch offers, one after another."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.libraries import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT = "PyTorch's defaults"
#: As document C's ``seed_everything`` sets the flags of cuDNN: deterministic, and no auto-tuner.
LISTED = "cuDNN deterministic"
TUNED = "cuDNN's auto-tuner"
BOTH = "deterministic and auto-tuner"
ALGORITHMS = "deterministic algorithms"
#: The same, but new memory is left as it is found: to fill it costs time, and changes no result of
#: a program that reads nothing before it has been written.
UNFILLED = "deterministic, memory not filled"
SETTINGS = (DEFAULT, LISTED, TUNED, BOTH, ALGORITHMS, UNFILLED)

#: What cuBLAS asks for under ``use_deterministic_algorithms``; read when a process first uses it.
CUBLAS = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}


@contextmanager
def applied(setting: str) -> Iterator[None]:
    """Have a setting, and none of the others, until the context is closed.

    The debug mode "error" is ``use_deterministic_algorithms(True)`` under its other name, which
    does not load torch's compiler first: that takes longer than a training here.
    """
    cudnn = torch.backends.cudnn
    memory: Any = torch.utils.deterministic  # whose attribute is a property of a module
    before = cudnn.deterministic, cudnn.benchmark, torch.get_deterministic_debug_mode()
    filled = memory.fill_uninitialized_memory
    try:
        cudnn.deterministic = setting in (LISTED, BOTH)
        cudnn.benchmark = setting in (TUNED, BOTH)
        strict = setting in (ALGORITHMS, UNFILLED)
        torch.set_deterministic_debug_mode("error" if strict else "default")
        memory.fill_uninitialized_memory = setting != UNFILLED
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark, mode = before
        torch.set_deterministic_debug_mode(mode)
        memory.fill_uninitialized_memory = filled
