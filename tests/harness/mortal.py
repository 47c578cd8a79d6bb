"""Forks runs that are killed: started by ``test_kill.py`` in a process of its own, no test itself.

Each line of standard input is one order, each line of standard output the answer, "done" or
"killed". An order names a run folder and how its run dies:

    FOLDER never
    FOLDER after SECONDS      killed from outside, so long after its start
    FOLDER before NUMBER      killed right before its so-manieth operation on a file of the run

Forking lets dozens of runs share one import of the harness.
"""

from __future__ import annotations

import math
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from harness.design.claims import Claim
from harness.design.contrasts import Value
from harness.design.experiment import Experiment, Responses, Study
from harness.design.factors import Arm, Block, Factor, PerProfile
from harness.design.regions import at_least
from harness.design.responses import Response
from harness.meters.gpu import Watch
from harness.protocol.protocol import read_protocol
from harness.protocol.rules import Step
from harness.running.runner import execute
from harness.store.folders import RunFolder, locked

MODE = Factor("mode", ("plain", "odd", "failing"), control="plain")


class Seeded:
    """A device that is nothing but Python's random stream."""

    kind = "cpu"

    def start(self, seed: int, threads: int) -> None:
        random.seed(seed)

    def synchronise(self) -> None:
        pass

    def mark(self) -> object:
        return None

    def seconds_between(self, first: object, last: object) -> float | None:
        return None

    def watch(self) -> Watch | None:
        return None


class Silent:
    """Reports to nobody."""

    def begin(self, steps: list[Step]) -> None:
        pass

    def done(self, step: Step, seconds: float, failures: int) -> None:
        pass


def experiment(name: str, blocks: int) -> Experiment[Block]:
    """Draws numbers, some of them odd, and writes each block it begins into ``FOLDER.log``."""

    def prepare(block: Block) -> Block:
        with Path(sys.argv[-1]).open("a") as log:
            log.write(f"{name} {block.index}\n")
        return block

    def measure(cell: Block, arm: Arm) -> Responses:
        if arm[MODE] == "failing":
            raise ValueError(f"planted in block {cell.index}")
        odd = (math.nan, math.inf)[cell.index % 2]
        return {"draw": [random.random(), odd if arm[MODE] == "odd" else random.gauss()]}

    return Experiment(
        question="What is drawn?",
        measure=measure,
        prepare=prepare,
        responses=(Response("draw", "1", "draw"),),
        factors=(MODE,),
        blocks=PerProfile(blocks, blocks, blocks),
        claims=(Claim("P-draw-1", Value("draw").at(mode="plain"), at_least(0)),),
    )


def study(name: str, **blocks: int) -> Study:
    """A study of such experiments with so many blocks each."""
    return Study(name, "What is lost?", {n: experiment(n, b) for n, b in blocks.items()}, ())


LONG, SHORT = study("long", a=9, b=6), study("short", a=2)


def die() -> NoReturn:
    """End as kill -9 ends a process."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def die_before(number: int, folder: Path) -> None:
    """End this process right before its so-manieth operation on a file of the run."""
    seen = [0]
    flush = os.fsync

    def count() -> None:
        seen[0] += 1
        if seen[0] == number:
            die()

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        changes = ("os.mkdir", "os.rename", "os.remove", "os.rmdir")
        if event in changes or (event == "open" and str(arguments[0]).startswith(str(folder))):
            count()

    def counted_flush(descriptor: int) -> None:
        count()
        flush(descriptor)

    sys.addaudithook(watch)
    # There is no audit event for it.
    setattr(os, "fsync", counted_flush)  # noqa: B010 - an assignment would need its exact type


def run(folder: Path) -> None:
    """Go on with a run until it is done."""
    protocol = read_protocol(folder)
    made_from = {"long": LONG, "short": SHORT}[protocol.study]
    with locked(RunFolder(folder)):
        execute(made_from, protocol, RunFolder(folder), Seeded(), Silent())


def obey(order: str) -> str:
    """Fork a run and tell how it ended."""
    name, manner, *amount = order.split()
    child = os.fork()
    if child == 0:
        if manner == "before":
            die_before(int(amount[0]), Path(name))
        sys.argv.append(f"{name}.log")
        run(Path(name))
        os._exit(0)
    if manner == "after":
        time.sleep(float(amount[0]))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return {0: "done", -signal.SIGKILL: "killed"}[os.waitstatus_to_exitcode(status)]


if __name__ == "__main__":
    for line in sys.stdin:
        print(obey(line), flush=True)
