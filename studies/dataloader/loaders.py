"""Making DataLoaders, and seeing to it that their worker processes start and end."""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import sys
import warnings
from typing import TYPE_CHECKING, Any

from harness.libraries import torch

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

#: The process that forks, as its workers know it.
_owner: list[int] = []


def make_loader(dataset: object, **settings: Any) -> DataLoader[Any]:  # noqa: ANN401 - torch's own
    """A DataLoader, of any data set and without its words on what this machine is good for.

    Workers start in the way that is the default of the platform and the version of Python.

    Args:
        dataset: need not be a subclass of torch's class: whether it need be is a question here.
        settings: what DataLoader takes.
    """
    _tend_workers()
    # It would say so at every epoch that has more workers than the machine has cores, and wherever
    # memory is to be pinned for a GPU that is not there.
    for said in ("This DataLoader will create", "'pin_memory' argument is set as true"):
        warnings.filterwarnings("ignore", said, UserWarning)
    unchecked: Any = dataset
    return torch.utils.data.DataLoader(unchecked, **settings)


def read_all(loader: DataLoader[Any]) -> None:
    """One epoch, in which nothing is done with the batches."""
    for _ in loader:
        pass


@functools.cache
def _tend_workers() -> None:
    """See to workers that are forks of this process, from their first moment on."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_name_owner, after_in_child=_begin_work)


def _name_owner() -> None:
    _owner[:] = [os.getpid()]


def _begin_work() -> None:
    """What a worker does first.

    It must not outlive its owner: torch's own watch over that does not see an owner that dies while
    the worker is starting.
    """
    if sys.platform == "linux":
        die_with_parent = 1  # PR_SET_PDEATHSIG of prctl(2)
        ctypes.CDLL(None).prctl(die_with_parent, signal.SIGKILL)
        if [os.getppid()] != _owner:
            os._exit(1)
