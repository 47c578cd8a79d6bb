"""Processes started ahead, which have imported what blocks need and wait for a pool."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, cast

from harness.protocol.protocol import Protocol
from harness.protocol.rules import Step
from harness.running.worker import can_fork
from harness.side_by_side import usable_cores
from harness.store.folders import RunFolder

#: Of the cores, how many workers start side by side where each block needs one of its own: to
#: import torch keeps a core busy for seconds.
MOST_AT_ONCE = 8


def starts_at_once(protocol: Protocol, jobs: int) -> int:
    """How many workers start at a time.

    On a GPU one measures at a time by default, and every block of a timed experiment needs another
    worker: as many of them start side by side as there are cores, and leave the card alone.
    """
    return jobs if protocol.device == "cpu" else max(jobs, min(usable_cores(), MOST_AT_ONCE))


class Prestart:
    """The workers that are about to join a pool.

    To start Python and import torch takes longer than many a block, and no process may start while
    a timed block is measured: several start at a time, and wait their turn.

    Args:
        folder: the run folder.
        at_once: how many start at a time.
        ready_first: whether also one that starts alone has imported all before it is asked for a
            step, so that what it imports is no part of what its first step takes.
        spare: whether as many as start at once are always ready or getting so: those that are given
            up can be replaced at once, and what is measured meanwhile is not timed.
    """

    def __init__(
        self,
        folder: RunFolder,
        at_once: int = 1,
        *,
        ready_first: bool = False,
        spare: bool = False,
    ) -> None:
        self._folder = folder
        self._at_once = at_once
        self._ready_first = ready_first
        self._spare = spare
        self._getting_ready: list[subprocess.Popen[str]] = []
        self._waiting: list[subprocess.Popen[str]] = []

    def start(self, steps: Sequence[Step]) -> None:
        """Start as many as may start at once and will be needed for these steps, and wait for none.

        While some have been started and not been asked for, nothing happens.
        """
        if not steps or self._getting_ready or self._waiting:
            return
        names = [step.rules.name for step in steps]
        # A process that forks measures for every experiment once.
        needed = max(Counter(names).values()) if can_fork() else len(names)
        count = min(self._at_once, needed)
        if (
            count == 1 and not self._ready_first
        ):  # it imports what it needs when it is asked for a step
            self._waiting.append(_start(self._folder))
            return
        for _ in range(count):
            self._getting_ready.append(_start(self._folder))
        for process in self._getting_ready:
            tell(process, " ".join(["prepare", *sorted(set(names))]))

    def next(
        self, steps: Sequence[Step], patience: Callable[[], float | None] = lambda: None
    ) -> subprocess.Popen[str] | None:
        """One that is ready, as are all that started with it.

        Args:
            steps: what is still to do; if nobody waits, others start for it.
            patience: for how many seconds to wait for those that are getting ready.

        Returns:
            None where they were not ready in that time.
        """
        self.start(steps)
        while self._getting_ready:
            process = self._getting_ready[-1]
            answers = cast(IO[str], process.stdout)
            if not select.select([answers], [], [], patience())[0]:
                return None
            answers.readline()
            self._waiting.append(self._getting_ready.pop())
        process = self._waiting.pop()
        if self._spare:
            self.start(steps[1:])
        return process

    def dismiss(self) -> None:
        """End those that nobody has asked for."""
        for process in (*self._getting_ready, *self._waiting):
            end(process)
        self._getting_ready.clear()
        self._waiting.clear()


def _start(folder: RunFolder) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "harness.running.worker", str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,  # Ctrl-C reaches the run alone, which then ends its pool
        # By this way of looking for CUDA a library that does so when imported leaves it untouched.
        env={**os.environ, "PYTORCH_NVML_BASED_CUDA_CHECK": "1"},
    )


def tell(process: subprocess.Popen[str], request: str) -> None:
    """Ask a worker for something."""
    requests = cast(IO[str], process.stdin)
    # A worker that has died meanwhile gives no answer, which tells as much.
    with suppress(BrokenPipeError):
        requests.write(f"{request}\n")
        requests.flush()


def end(process: subprocess.Popen[str]) -> None:
    """End a worker with all of its group: a block it has forked, workers that a block started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None and not stream.closed:
            with suppress(BrokenPipeError):
                stream.close()
