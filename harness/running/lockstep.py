"""One benchmark in a trio: chunks of a few milliseconds, in an order that changes every round.

The rules are those of the clock of studies (``harness.meters.clock``): as many calls a chunk as
fill it on the fastest side, the same for all; rounds of warm-up; every round visits each side once.
What another process has cooled is warmed by one call before each chunk, which is not timed. The
system keeps a process on the core it was on, and the cores of a busy machine differ by more than
what is looked for: where each side needs one core alone, all take the same one in a round, and
another in the next.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from harness.catalogue.benchmarks import Benchmark
from harness.meters.clock import (
    CHUNK_SECONDS,
    LONG_CALL_SECONDS,
    LONGEST_CHUNK_SECONDS,
    WARMUP_ROUNDS,
    Phase,
)
from harness.protocol.comparison import SIDES, Side
from harness.running.trio import Answer, LostError, RaisedError, Turns

#: Rounds of a block: no median of fewer, and no gain from more.
FEWEST_ROUNDS, MOST_ROUNDS = 8, 200


@dataclass(frozen=True)
class Turn:
    """One measured chunk.

    Attributes:
        side: which process had the turn.
        phase: warm-up or measured.
        round: 0, 1, ... within the phase.
        order: the side's place within its round.
        value: seconds a call, or what the work weighed.
        preempted: whether another process took the core in the midst of it.
    """

    side: Side
    phase: Phase
    round: int
    order: int
    value: float
    preempted: bool = False


@dataclass
class Measured:
    """What a benchmark gave in one trio.

    Attributes:
        turns: in the order they were measured.
        failures: by side, what went wrong there.
        lost: whether a process is gone, so that the trio is of no more use.
        calls: in a chunk.
        handovers: seconds from asking to the answer less what the process was busy, a turn each.
    """

    turns: list[Turn] = field(default_factory=list)
    failures: dict[Side, str] = field(default_factory=dict)
    lost: bool = False
    calls: int = 0
    handovers: list[float] = field(default_factory=list)

    @property
    def handover(self) -> float:
        """The median time of a hand-over, in seconds; 0 where there was none."""
        return statistics.median(self.handovers) if self.handovers else 0.0


#: Is told whose chunk has just been timed, in which round and at which place in it.
Visited: TypeAlias = Callable[[Side, int, int], None]


def _nobody(side: Side, number: int, place: int) -> None:
    """Who does not watch is told nothing."""


def measure(
    trio: Turns,
    benchmark: Benchmark,
    request: Mapping[str, Any],
    seed: int,
    seconds: float,
    *,
    cores: Sequence[int] = (),
    visited: Visited = _nobody,
) -> Measured:
    """Measure a benchmark in a trio; what goes wrong is part of what comes back.

    Args:
        trio: whose turn it is, is decided here.
        benchmark: what it declares.
        request: builds its work.
        seed: of the orders.
        seconds: of measuring, over all sides.
        cores: on which the sides run, all on the same one in a round; none leaves it to the system.
        visited: is told side, round and place after each measured chunk.
    """
    found = Measured()
    try:
        found.failures = _failures(trio.ask_all(request))
        if not found.failures:
            if benchmark.unit == "B":
                _weigh(trio, found, seed)
            else:
                _time(trio, found, seed, seconds, cores=cores, visited=visited)
        # A test goes on when its work is dropped, and what it asserts then may fail.
        found.failures = _failures(trio.ask_all({"do": "drop"})) | found.failures
    except RaisedError as error:
        found.failures[error.side] = error.message
        _drop(trio, found)
    except LostError as error:
        found.failures[error.side] = f"the process {error.how}"
        found.lost = True
    return found


def _failures(answers: Mapping[Side, Answer | RaisedError]) -> dict[Side, str]:
    """What went wrong where."""
    return {side: a.message for side, a in answers.items() if isinstance(a, RaisedError)}


def _drop(trio: Turns, found: Measured) -> None:
    try:
        trio.ask_all({"do": "drop"})
    except LostError as error:
        found.failures.setdefault(error.side, f"the process {error.how}")
        found.lost = True


def _weigh(trio: Turns, found: Measured, seed: int) -> None:
    """One number of each side, in random order."""
    for place, side in enumerate(_orders(np.random.default_rng(seed))):
        value = float(trio.ask(side, {"do": "weigh"})["amount"])
        found.turns.append(Turn(side, "measured", 0, place, value))


def _time(
    trio: Turns,
    found: Measured,
    seed: int,
    seconds: float,
    *,
    cores: Sequence[int],
    visited: Visited,
) -> None:
    """Chunks by turns."""
    orders = np.random.default_rng(seed)
    warm = {}
    for side in _orders(orders):
        warm[side] = float(trio.ask(side, {"do": "warm", "seconds": CHUNK_SECONDS})["seconds"])
    found.calls = calls_of_a_chunk(list(warm.values()))
    untimed = 0 if min(warm.values()) >= LONG_CALL_SECONDS else 1
    turn = {"do": "turn", "calls": found.calls, "untimed": untimed}
    in_a_round = sum(warm.values()) * (found.calls + untimed)
    rounds = int(min(max(seconds / max(in_a_round, 1e-9), FEWEST_ROUNDS), MOST_ROUNDS))
    phases: tuple[tuple[Phase, int], ...] = (("warmup", WARMUP_ROUNDS), ("measured", rounds))
    for phase, count in phases:
        for number in range(count):
            core = cores[number % len(cores)] if cores else None
            for place, side in enumerate(_orders(orders)):
                answer = trio.ask(side, {**turn, "core": core})
                value, preempted = float(answer["seconds"]), bool(answer["preempted"])
                found.turns.append(Turn(side, phase, number, place, value, preempted))
                found.handovers.append(float(answer["handover"]))
                if phase == "measured":
                    visited(side, number, place)


def _orders(random: np.random.Generator) -> list[Side]:
    return [SIDES[place] for place in random.permutation(len(SIDES)).tolist()]


def calls_of_a_chunk(seconds: Sequence[float]) -> int:
    """As many calls as fill a chunk on the fastest side, and take no side too long.

    Args:
        seconds: a call on each side.
    """
    fastest, slowest = max(min(seconds), 1e-9), max(*seconds, 1e-9)
    return max(1, min(math.ceil(CHUNK_SECONDS / fastest), int(LONGEST_CHUNK_SECONDS / slowest)))
