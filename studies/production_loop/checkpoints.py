"""Checkpoints: what document C puts into the file, and what of it is put back.

The file holds all that the chapter lists. Which of it a loader puts back is the caller's choice,
item by item; the document's own loader puts back weights, optimiser, scheduler and torch's random
state, and its script begins with the epoch that the file names.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from harness.libraries import torch

if TYPE_CHECKING:
    from torch import nn

WEIGHTS, OPTIMISER, SCHEDULER, COUNTERS = "weights", "optimiser", "scheduler", "counters"
TORCH, NUMPY, PYTHON = "torch's random state", "NumPy's random state", "Python's random state"
RANDOM = (TORCH, NUMPY, PYTHON)
#: All that the chapter says to save, but for the random state of a GPU.
ITEMS = (WEIGHTS, OPTIMISER, SCHEDULER, COUNTERS, *RANDOM)
#: What the printed loader puts back.
LISTED = (WEIGHTS, OPTIMISER, SCHEDULER, COUNTERS, TORCH)


class Trained(NamedTuple):
    """The objects of a script that a checkpoint is about."""

    net: nn.Module
    optimiser: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler


class Counters(NamedTuple):
    """Where a training is: the epoch and step that the file names, and the best loss so far."""

    epoch: int
    step: int
    best: float


def save(path: Path, trained: Trained, counters: Counters) -> None:
    """Write the checkpoint as the document has it."""
    torch.save(
        {
            "model": trained.net.state_dict(),
            "optimizer": trained.optimiser.state_dict(),
            "scheduler": trained.scheduler.state_dict(),
            "epoch": counters.epoch,
            "step": counters.step,
            "best_val": counters.best,
            "rng_torch": torch.get_rng_state(),
            "rng_cuda": torch.cuda.get_rng_state_all(),
            "rng_numpy": np.random.get_state(),  # noqa: NPY002 - the state that document C saves
            "rng_python": random.getstate(),
        },
        path,
    )


def restore(path: Path, trained: Trained, items: Collection[str]) -> Counters:
    """Put back some of what a checkpoint holds, and say where it was made.

    Args:
        path: of the file.
        trained: objects as the script has made them anew.
        items: of ``ITEMS``; what is not named stays as it is.
    """
    held: dict[str, Any] = torch.load(path, weights_only=False)
    if WEIGHTS in items:
        trained.net.load_state_dict(held["model"])
    if OPTIMISER in items:
        trained.optimiser.load_state_dict(held["optimizer"])
    if SCHEDULER in items:
        trained.scheduler.load_state_dict(held["scheduler"])
    if TORCH in items:
        torch.set_rng_state(held["rng_torch"])
    if NUMPY in items:
        np.random.set_state(held["rng_numpy"])  # noqa: NPY002 - as above
    if PYTHON in items:
        random.setstate(held["rng_python"])
    return Counters(held["epoch"], held["step"], held["best_val"])
