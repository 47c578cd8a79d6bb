"""A crew of processes that measure blocks, side by side or, in a crew of one, alone.

Blocks share nothing but the run folder, and every one of them is seeded by itself, so the rows are
the same whoever measures them and in whatever order. A block that asks for a fresh process gets a
member of its own, which leaves when it is done.

Each member is ``python -m harness.crew RUN``. A line on its input names an experiment and a block;
when the block's file is on the disk the member answers with the number of failed rows. It ends when
its input does, so none outlives a run that is killed.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import IO, TextIO, cast

from harness.device import open_device
from harness.discover import load_study
from harness.errors import HarnessError
from harness.folders import RunFolder
from harness.measure import ending, failures_in, measure_failure, measure_step
from harness.observations import is_finished, read_part
from harness.protocol import Protocol, read_protocol
from harness.rules import Step

#: Code a member ends with where it cannot go on, a full disk for instance.
REFUSED = 74


@dataclass
class _Member:
    """A process, the step it is at and when that began."""

    process: subprocess.Popen[str]
    step: Step
    started: float

    @property
    def answers(self) -> IO[str]:
        return cast(IO[str], self.process.stdout)

    def ask(self, step: Step, started: float) -> None:
        self.step, self.started = step, started
        requests = cast(IO[str], self.process.stdin)
        # A member that has died meanwhile gives no answer, which tells as much.
        with suppress(BrokenPipeError):
            requests.write(f"{step.rules.name} {step.planned.index}\n")
            requests.flush()


def measure_with_crew(
    protocol: Protocol,
    folder: RunFolder,
    steps: Sequence[Step],
    size: int,
    clock: Callable[[], float],
) -> Generator[tuple[Step, float, int], None, None]:
    """Measure steps side by side; each is yielded when its file is on the disk.

    A member that dies leaves its block as failed rows, and another takes its place.

    Args:
        protocol: of the run.
        folder: the run folder, whose lock the caller holds.
        steps: what to measure, handed out in this order.
        size: how many processes.
        clock: seconds.

    Yields:
        The step, its seconds and its number of failed rows.

    Raises:
        HarnessError: a member could not go on, because the disk is full for instance.
    """
    waiting = list(reversed(steps))
    with DefaultSelector() as ready:
        try:
            for _ in range(min(size, len(steps))):
                taken = [key.data.step.company for key in ready.get_map().values()]
                if (step := _take(waiting, others=taken)) is not None:
                    _join(ready, folder, step, clock())
            while ready.get_map():
                for key, _ in ready.select():
                    member: _Member = key.data
                    answer = member.answers.readline().strip()
                    failures = int(answer) if answer else _bury(ready, protocol, folder, member)
                    yield member.step, clock() - member.started, failures
                    _go_on(ready, folder, member, waiting, clock())
        finally:
            for key in list(ready.get_map().values()):
                _dismiss(key.data)


def _join(ready: DefaultSelector, folder: RunFolder, step: Step, started: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.crew", str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,  # Ctrl-C reaches the run alone, which then ends its crew
    )
    member = _Member(process, step, started)
    ready.register(member.answers, EVENT_READ, member)
    member.ask(step, started)


def _go_on(
    ready: DefaultSelector, folder: RunFolder, member: _Member, waiting: list[Step], now: float
) -> None:
    """Give a member its next step; a dead or used one is replaced, and one without work leaves."""
    usable = member.process.returncode is None and not member.step.rules.fresh_process
    others = [key.data.step.company for key in ready.get_map().values() if key.data is not member]
    step = _take(waiting, member.step, others)
    if usable and step is not None and not step.rules.fresh_process:
        member.ask(step, now)
        return
    ready.unregister(member.answers)
    _dismiss(member)
    if step is not None:
        _join(ready, folder, step, now)


def _take(
    waiting: list[Step], last: Step | None = None, others: Sequence[tuple[str, int]] = ()
) -> Step | None:
    """The next step for a member; the last of the list, if nothing speaks for another.

    Blocks that are measured together are so in one process: their member goes on with them, and the
    others take something else or, where there is nothing else, have no more to do.
    """
    places = range(len(waiting) - 1, -1, -1)
    own = [at for at in places if last is not None and waiting[at].company == last.company]
    free = [at for at in places if waiting[at].company not in others]
    return waiting.pop((own or free)[0]) if own or free else None


def _bury(ready: DefaultSelector, protocol: Protocol, folder: RunFolder, member: _Member) -> int:
    """A member has ended without an answer: its block failed, unless it is on the disk already."""
    code = member.process.wait()
    step = member.step
    if code == REFUSED:
        ready.unregister(member.answers)
        _dismiss(member)
        raise HarnessError(
            f"The process of block {step.planned.index} of {step.rules.name} could not go on; "
            "it says why above."
        )
    if is_finished(folder, step):
        return failures_in(read_part(folder, protocol, step))
    return measure_failure(protocol, folder, step, f"the block's process {ending(code)}")


def _dismiss(member: _Member) -> None:
    member.process.kill()
    member.process.wait()
    for stream in (member.process.stdin, member.process.stdout):
        if stream is not None and not stream.closed:
            with suppress(BrokenPipeError):
                stream.close()


def serve(run: Path) -> None:
    """Be a member: measure what the input asks for until it ends."""
    folder, protocol = RunFolder(run), read_protocol(run)
    # Studies may print; the answers must not be mixed up with that.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    requests = _requests()
    study, device = load_study(protocol.study), open_device(protocol.device)
    plans = {r.name: r.plan(protocol.study, protocol.seed) for r in protocol.experiments.values()}
    while True:
        name, index = requests.get().split()
        step = Step(protocol.experiments[name], plans[name][int(index)])
        rows = measure_step(study, protocol, folder, step, device)
        print(failures_in(rows), file=answers, flush=True)


def _requests() -> queue.SimpleQueue[str]:
    """The lines of the input as they come; when it ends, so does the process, at once."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    # A process that a block forks closes its sys.stdin, and would wait for ever for the lock that
    # the listening thread holds on it.
    stream, sys.stdin = sys.stdin, cast(TextIO, None)

    def listen() -> None:
        for line in stream:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    return lines


if __name__ == "__main__":
    try:
        serve(Path(sys.argv[1]))
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the run has the terminal
        sys.exit(REFUSED)
