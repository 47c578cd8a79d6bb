"""Functions called side by side, each in a fork of this process.

A fork has what this process has imported and read, so that work on stored rows is shared out
without loading anything twice. Nothing is to be forked once a GPU or torch's threads are needed in
the forks: this is for judging and drawing.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from harness.errors import HarnessError

T = TypeVar("T")

#: What the forks of this process may call: they inherit it, so that no function need be pickled.
_FUNCTIONS: list[Callable[[], Any]] = []


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def call_side_by_side(functions: Sequence[Callable[[], T]], jobs: int | None = None) -> list[T]:
    """Call functions, several at a time where the system can fork.

    Args:
        functions: what they return must be picklable, and so must what they raise.
        jobs: how many at a time; by default one on each usable core.

    Returns:
        What they return, in their order.

    Raises:
        HarnessError: a process was killed, because memory ran out for instance.
        Exception: what the first of them that fails raises.
    """
    jobs = min(jobs or usable_cores(), len(functions))
    # Elsewhere a fork of a process with system libraries in it is not safe; and a fork of a fork
    # would only share out the same cores.
    if jobs < 2 or _FUNCTIONS or sys.platform != "linux":
        return [function() for function in functions]
    _FUNCTIONS.extend(functions)
    try:
        return _call_in_pool(len(functions), jobs)
    finally:
        _FUNCTIONS.clear()


def _call_in_pool(count: int, jobs: int) -> list[Any]:
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, mp_context=fork, initializer=_leave_interrupts) as pool:
        try:
            return list(pool.map(_call, range(count)))  # where one fails it cancels the others
        except BrokenProcessPool as error:
            raise HarnessError(
                "A process that judged or drew was killed; memory may have run out. The rows are "
                "kept: try again."
            ) from error


def _leave_interrupts() -> None:
    """Ctrl-C reaches all processes of a terminal; one of them saying so is enough."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _call(place: int) -> Any:  # noqa: ANN401 - whatever the function returns
    return _FUNCTIONS[place]()
