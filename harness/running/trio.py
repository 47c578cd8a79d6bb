"""Three worker processes, one of which has the turn; the others wait for their pipe.

A request goes to one process, and nothing else is asked before its answer is there: a single core
is enough, and on a GPU only the process whose turn it is touches the card. Going to and fro costs
tens of microseconds, which are measured and are no part of a chunk.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self, cast

from harness.errors import HarnessError
from harness.meters.machine import DEFAULTS, VARIABLES
from harness.protocol.comparison import SIDES, Asked, Side
from harness.running.measure import ending
from harness.words import plain, shown

WORKER = Path(__file__).with_name("turn_worker.py")
#: The folder that holds this project's packages.
TOP = Path(__file__).parents[2]
#: What benchmarks of the project need in an interpreter that does not have it.
PACKAGES = {"harness": str(TOP)}
#: A variable that means nothing and takes up room.
FILLING = "REGRESS_FILLING"
#: A process that gives no answer for so many seconds hangs.
PATIENCE = 120.0
#: What a process that is to end gets until it is killed, in seconds.
FAREWELL = 0.2

Answer = dict[str, Any]


class LostError(Exception):
    """A process of the trio died, or gave no answer.

    Attributes:
        side: which.
        how: as the end of a sentence.
    """

    def __init__(self, side: Side, how: str) -> None:
        super().__init__(f"the process of {side} {how}")
        self.side, self.how = side, how


class RaisedError(Exception):
    """What was asked for raised an error in the process of one side; the process lives on."""

    def __init__(self, side: Side, message: str) -> None:
        super().__init__(message)
        self.side, self.message = side, message


class Turns(Protocol):
    """What a measurement needs of a trio; tests pass fakes."""

    def ask(self, side: Side, request: Mapping[str, Any]) -> Answer:
        """Ask one process, and wait for its answer.

        Raises:
            LostError: it died, or hangs.
            RaisedError: what was asked for raised an error there.
        """

    def ask_all(self, request: Mapping[str, Any]) -> dict[Side, Answer | RaisedError]:
        """Ask all three for something that is not timed.

        Raises:
            LostError: one died, or hangs.
        """


@dataclass(frozen=True)
class Interpreter:
    """What runs one side.

    Attributes:
        python: its interpreter.
        environment: variables that its processes get; None for one that they must not have.
        keeps_own: whether the harness of benchmarks is the one installed there, as on a side that
            is a commit of it; otherwise all sides run the benchmarks of this one.
    """

    python: Path
    environment: Mapping[str, str | None] = field(default_factory=dict)
    keeps_own: bool = False

    def with_layout(self, hashes: int, size: int) -> Self:
        """The same, with what its variables decide of where things lie in memory.

        Args:
            hashes: the seed of what decides where a name stands in a dictionary.
            size: of all variables in bytes, which lie below the stack: what lacks is filled up.
        """
        named = replace(self, environment={"PYTHONHASHSEED": str(hashes), **self.environment})
        filling = "x" * max(size - named.size - len(FILLING) - 2, 0)
        return replace(named, environment={**named.environment, FILLING: filling})

    @property
    def size(self) -> int:
        """Bytes that the variables take up."""
        return sum(len(os.fsencode(f"{n}={value}")) + 1 for n, value in self.variables().items())

    def variables(self) -> dict[str, str]:
        """This process's variables with those of the side; None takes one away."""
        merged = {**os.environ, **self.environment}
        return {name: value for name, value in merged.items() if value is not None}


class Process:
    """One process of a trio."""

    def __init__(self, side: Side, interpreter: Interpreter, folder: Path) -> None:
        self.side, self.keeps_own = side, interpreter.keeps_own
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        try:
            self._process = subprocess.Popen(
                [str(interpreter.python), str(WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                cwd=folder,
                process_group=0,  # Ctrl-C reaches the run alone, which then ends its trio
                env=interpreter.variables(),
            )
        except OSError as error:
            self._errors.close()
            raise HarnessError(
                f"{interpreter.python}: cannot be run ({error.strerror or error})."
            ) from error
        self._read = b""

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def tell(self, request: Mapping[str, Any]) -> None:
        """Send a request."""
        # A process that has died meanwhile gives no answer, which tells as much.
        with suppress(BrokenPipeError):
            cast(IO[bytes], self._process.stdin).write(json.dumps(request).encode() + b"\n")

    def answer(self, patience: float) -> Answer:
        """Wait for an answer.

        Raises:
            LostError: the process died, hangs, or answers nonsense.
        """
        pipe = cast(IO[bytes], self._process.stdout)
        until = time.monotonic() + patience
        while b"\n" not in self._read:
            left = until - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise LostError(self.side, f"gave no answer for {patience:g} s")
            piece = os.read(pipe.fileno(), 1 << 20)
            if not piece:
                raise LostError(self.side, self._ending())
            self._read += piece
        line, _, self._read = self._read.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise LostError(self.side, "answered something that is no answer")
        return answer

    def _ending(self) -> str:
        code = self._process.wait()
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 4000))
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        said = f" ({shown(plain(lines[-1]), 200)})" if lines and code > 0 else ""
        return f"{ending(code)}{said}"

    def dismiss(self) -> None:
        """Let it go: it ends by itself, if it can."""
        with suppress(BrokenPipeError):
            cast(IO[bytes], self._process.stdin).close()

    def end(self) -> None:
        """End it with all that it has started."""
        self.dismiss()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(FAREWELL)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        cast(IO[bytes], self._process.stdout).close()
        self._errors.close()


class Trio:
    """Base, base again and head, each in a fresh process that has imported torch.

    Args:
        interpreters: what runs each side; they start in this order.
        folder: where the processes run.
        patience: after so many seconds without an answer a process hangs.
    """

    def __init__(
        self,
        interpreters: Mapping[Side, Interpreter],
        folder: Path,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self.patience = patience
        self.processes: dict[Side, Process] = {}
        self._in_test: set[Side] = set()
        self._one_by_one = False
        try:
            for side, interpreter in interpreters.items():
                self.processes[side] = Process(side, interpreter, folder)
        except HarnessError:
            self.end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def pids(self) -> list[int]:
        """The numbers of its processes."""
        return [process.pid for process in self.processes.values()]

    def open(
        self,
        asked: Callable[[Side], Asked],
        device: str,
        threads: int,
        packages: Mapping[str, str],
        layout: int = 0,
    ) -> dict[Side, Answer]:
        """Let all three import torch, and prove what they run.

        Args:
            asked: of each side.
            device: "cpu" or "cuda".
            threads: of torch in each.
            packages: folders by the names of packages that benchmarks import from there.
            layout: the seed of where things lie in the memory of all three.

        Raises:
            HarnessError: torch cannot be imported or used there.
            LostError: a process died.
        """
        given = {name for side in self.processes for name in asked(side).environment}
        names = "|".join(re.escape(name) for name in sorted(given))
        common = {
            "do": "open",
            "device": device,
            "threads": threads,
            "packages": dict(packages),
            "layout": layout,
            "defaults": DEFAULTS,
            "variables": f"{VARIABLES.pattern}|^(?:{names})$" if given else VARIABLES.pattern,
        }
        self._one_by_one = device == "cuda"
        requests = {
            side: {**common, "settings": dict(asked(side).settings), "keeps_own": process.keeps_own}
            for side, process in self.processes.items()
        }
        proofs = self._answers(requests)
        for side, proof in proofs.items():
            if "error" in proof:
                raise HarnessError(
                    f"{side} ({asked(side).source}) cannot be used: {shown(str(proof['error']))}"
                )
        return proofs

    def ask(self, side: Side, request: Mapping[str, Any]) -> Answer:
        """See ``Turns``; also says how long the way there and back took, in seconds."""
        process = self.processes[side]
        began = time.perf_counter()
        process.tell(request)
        answer = process.answer(self.patience)
        answer["handover"] = max(time.perf_counter() - began - float(answer.get("busy", 0.0)), 0.0)
        if "error" in answer:
            raise RaisedError(side, str(answer["error"]))
        return answer

    def ask_all(self, request: Mapping[str, Any]) -> dict[Side, Answer | RaisedError]:
        """See ``Turns``."""
        raw = self._answers(dict.fromkeys(self.processes, request))
        answers = {side: _as_error(side, answer) for side, answer in raw.items()}
        if request["do"] == "test":
            self._in_test = {side for side, answer in answers.items() if isinstance(answer, dict)}
        elif request["do"] == "drop":
            for side in self._in_test:  # its work is dropped, and the test goes on to its end
                end = _as_error(side, self.processes[side].answer(self.patience))
                if isinstance(end, RaisedError):
                    answers[side] = end
            self._in_test = set()
        return answers

    def _answers(self, requests: Mapping[Side, Mapping[str, Any]]) -> dict[Side, Answer]:
        """Ask all, side by side on a CPU, and one after another where they share a card."""
        answers: dict[Side, Answer] = {}
        for side, request in requests.items():
            self.processes[side].tell(request)
            if self._one_by_one:
                answers[side] = self.processes[side].answer(self.patience)
        for side in requests:
            if side not in answers:
                answers[side] = self.processes[side].answer(self.patience)
        return {side: answers[side] for side in SIDES}

    def end(self) -> None:
        """End all processes, which takes them a while: side by side."""
        for process in self.processes.values():
            process.dismiss()
        for process in self.processes.values():
            process.end()


def _as_error(side: Side, answer: Answer) -> Answer | RaisedError:
    return RaisedError(side, str(answer["error"])) if "error" in answer else answer
