"""A worker of a pool: ``python -m harness.running.worker RUN`` measures blocks.

A line on its input names an experiment and a block; when the block's file is on the disk the worker
answers with the number of failed rows. A line "prepare" with names of experiments makes it import
what their blocks need and answer "ready". It ends when its input does, so none outlives a run that
is killed.

To start Python and import torch takes longer than many a block. A worker that is asked for a block
in a fresh process therefore forks one: it has imported what all blocks of the study need and has
itself measured nothing. What differs from one start of Python to the next (the layout of memory,
the order of sets) is the same in what one worker forks, so it forks no two blocks of one experiment
(the pool sees to that): the blocks of an experiment vary as those of separate starts do.

On CUDA a fork that finds the card spoilt by its parent gives up, and the worker measures that block
itself.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NoReturn, TextIO, cast

from harness.catalogue.loading import load_study
from harness.design.experiment import Study
from harness.errors import HarnessError
from harness.meters.device import TorchDevice
from harness.protocol.plan import PlannedBlock
from harness.protocol.protocol import Protocol, read_protocol
from harness.protocol.rules import Step
from harness.running.block import import_all
from harness.running.measure import failures_in, measure_step
from harness.store.folders import RunFolder

#: Code a worker ends with where it cannot go on, a full disk for instance.
REFUSED = 74
#: Code a fork ends with that finds CUDA spoilt by what its parent did with it.
SPOILT = 75
#: What an answer says of a worker that has measured a block itself, and can fork no more.
SPENT = "spent"


def can_fork() -> bool:
    """Whether workers may fork here.

    CUDA does not outlive a fork, but it outlives one that comes before its first use: a worker
    leaves the card alone, and what it forks is the first to touch it.
    """
    return "fork" in multiprocessing.get_all_start_methods()


@dataclass
class _Bench:
    """What a worker holds ready for every block."""

    study: Study
    protocol: Protocol
    folder: RunFolder
    device: TorchDevice
    plans: dict[str, tuple[PlannedBlock, ...]]

    def step(self, request: str) -> Step:
        name, index = request.split()
        return Step(self.protocol.experiments[name], self.plans[name][int(index)])

    def prepare(self, *names: str) -> None:
        """Import what blocks of these experiments import."""
        for name in names:
            with suppress(Exception):  # the block tries again, and its rows say what is missing
                import_all(self.study.experiments[name].imports)
        # Meters collect garbage before they read, and need not walk through imports each time.
        gc.collect()
        gc.freeze()

    def measure(self, step: Step) -> int:
        """Measure a block and write its file; the number of its rows that failed."""
        rows = measure_step(self.study, self.protocol, self.folder, step, self.device)
        return failures_in(rows)


def serve(run: Path) -> None:
    """Be a worker: measure what the input asks for until it ends."""
    protocol = read_protocol(run)
    # Studies may print; the answers must not be mixed up with that.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # Torch is imported here, so that no fork has to, and not opened: to look for CUDA would spoil
    # it for the forks.
    import_all(["torch"])
    bench = _Bench(
        load_study(protocol.origin),
        protocol,
        RunFolder(run),
        TorchDevice(protocol.device),
        {r.name: r.plan(protocol.study, protocol.seed) for r in protocol.experiments.values()},
    )
    # A process that a block forks closes its sys.stdin, and would wait for ever for the lock that
    # a listening thread holds on it.
    requests, sys.stdin = sys.stdin, cast(TextIO, None)
    for request in requests:
        if request.startswith("prepare "):
            bench.prepare(*request.split()[1:])
            print("ready", file=answers, flush=True)
            continue
        step = bench.step(request)
        failures = None
        if step.rules.fresh_process and can_fork():
            bench.prepare(step.rules.name)
            failures = _measure_in_fork(bench, step, requests)
        if failures is None:
            print(bench.measure(step), SPENT, file=answers, flush=True)
            break
        print(failures, file=answers, flush=True)
    # From here on no fork is fresh, and a thread may watch the input.
    coming = listen(requests)
    while True:
        print(bench.measure(bench.step(coming.get())), file=answers, flush=True)


def _measure_in_fork(bench: _Bench, step: Step, requests: TextIO) -> int | None:
    """Measure a block in a fork of this process, and end as it ends where it gives no answer.

    Returns:
        The number of rows that failed; None where a fork cannot measure.
    """
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    child = fork.Process(target=_measure_and_leave, args=(bench, step, sender, receiver))
    child.start()
    sender.close()
    # While a block is under way the input has nothing to say but that the run has ended.
    if requests.fileno() in wait([receiver, requests.fileno()]):
        os._exit(0)
    try:
        failures = cast(int, receiver.recv())
    except EOFError:
        child.join()
        if child.exitcode == SPOILT:
            return None
        _end_like(cast(int, child.exitcode))
    child.join()
    return failures


def _measure_and_leave(bench: _Bench, step: Step, answer: Connection, unused: Connection) -> None:
    """The forked process, from its first to its last moment."""
    unused.close()
    if bench.device.spoilt_by_fork():
        os._exit(SPOILT)
    _watch(cast(multiprocessing.process.BaseProcess, multiprocessing.parent_process()).join)
    try:
        failures = bench.measure(step)
    except HarnessError as error:
        _refuse(error)
    answer.send(failures)
    sys.stderr.flush()
    os._exit(0)  # what the block leaves behind, worker processes for instance, is not waited for


def _end_like(code: int) -> NoReturn:
    if code < 0:
        with suppress(OSError):  # SIGKILL takes no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _refuse(error: HarnessError) -> NoReturn:
    print(f"error: {error}", file=sys.stderr, flush=True)  # noqa: T201 - the run has the terminal
    os._exit(REFUSED)


def _watch(end: Callable[[], None]) -> None:
    """End this process, at once, when ``end`` returns."""

    def watching() -> None:
        end()
        os._exit(0)

    threading.Thread(target=watching, daemon=True).start()


def listen(requests: TextIO) -> queue.SimpleQueue[str]:
    """The lines of the input as they come; when it ends, so does the process, at once."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def put_all() -> None:
        for line in requests:
            lines.put(line)

    _watch(put_all)
    return lines


if __name__ == "__main__":
    try:
        serve(Path(sys.argv[1]))
    except HarnessError as error:
        _refuse(error)
