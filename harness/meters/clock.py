"""The clock: the arms of a block in short chunks, in an order that changes every round.

A chunk is a few milliseconds of calls of one arm's task, with the device synchronised before and
after. Every round visits each arm once, and those that are compared with each other one right after
another, so that a machine that gets slower or busier meets them alike: some change their speed by a
third from one tenth of a second to the next (see Kalibera and Jones, 2013, on why that and fresh
processes; Mytkowicz et al., 2009, on what a fixed order and a fixed process hide). The calls of a
chunk are as many as fill it, found out while the arms warm up, as ``timeit`` and
``torch.utils.benchmark`` do, and the same for all arms that are compared. The host clock and the
tight loop are theirs, too, but those time one task from beginning to end before the next.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from harness.design.experiment import Task
from harness.design.factors import Arm
from harness.meters.device import Device
from harness.meters.sampler import Sampler

#: How long a chunk should take, in seconds: short beside a change of the machine's load.
CHUNK_SECONDS = 0.002
#: A chunk is at least so many steps of the host clock, which is then wrong by 1 % at most.
CLOCK_STEPS = 100
#: Chunks of each arm before its number of calls is fixed, at least: no first call is typical.
WARMUP_CHUNKS = 2
#: No chunk of a group should take longer than this for the sake of its fastest arm, in seconds.
LONGEST_CHUNK_SECONDS = 0.02
#: Rounds that are measured like the others and called warm-up: the arms meet for the first time.
WARMUP_ROUNDS = 2
#: A call that takes so many seconds has the caches to itself long before it is done, whichever arm
#: was called before: a group of nothing else needs no rounds of warm-up.
LONG_CALL_SECONDS = 0.05

HostClock: TypeAlias = Callable[[], float]
Phase: TypeAlias = Literal["warmup", "measured"]


class Chunk(NamedTuple):
    """Some calls of a task in a row: seconds by the host clock, and by the device's own if any."""

    calls: int
    seconds: float
    device_seconds: float | None


@dataclass(frozen=True)
class Timing:
    """A chunk of one arm in its place.

    Attributes:
        arm: which.
        phase: warm-up or measured.
        round: 0, 1, ... within arm and phase.
        order: the arm's place within its round.
        chunk: what was measured.
    """

    arm: Arm
    phase: Phase
    round: int
    order: int
    chunk: Chunk


@dataclass(frozen=True)
class Timings:
    """All chunks of a block, in the order they were measured.

    Attributes:
        chunks: warm-up and measured ones.
        failures: by arm, what its task raised; such an arm is not visited again.
    """

    chunks: tuple[Timing, ...]
    failures: Mapping[Arm, Exception | SystemExit]

    def in_calls(self, arm: Arm) -> float:
        """Seconds that went to calls of an arm, warm-up included."""
        return sum(t.chunk.seconds * t.chunk.calls for t in self.chunks if t.arm == arm)

    def calls(self, arm: Arm) -> int:
        """Calls in a chunk of an arm's measured rounds; in the last of its warm-up without any."""
        return next(t.chunk.calls for t in reversed(self.chunks) if t.arm == arm)


def time_tasks(
    tasks: Mapping[Arm, Task],
    rounds: int,
    seed: int,
    device: Device,
    clock: HostClock = time.perf_counter,
    *,
    group_of: Callable[[Arm], Hashable] | None = None,
    sampler: Sampler | None = None,
) -> Timings:
    """Time tasks against each other.

    Args:
        tasks: one for each arm, in the order to warm them up.
        rounds: how often each arm is measured.
        seed: of the orders.
        device: is synchronised around each chunk.
        clock: seconds on the host.
        group_of: arms of one group are visited one right after another in every round; by default
            all arms are one group.
        sampler: is told of each chunk that was measured, after it; it may look at the device then.
    """
    chunk_seconds = max(CHUNK_SECONDS, CLOCK_STEPS * clock_step(clock))
    table = _Table(tasks, device, clock, sampler)
    groups = _groups(tasks, group_of or _one_group)
    with _collector_off():
        for place, arm in enumerate(tasks):
            table.warm_up(arm, place, chunk_seconds)
        table.level(groups, max(chunk_seconds, LONGEST_CHUNK_SECONDS))
        orders = np.random.default_rng(seed)
        short = [arms for arms in groups if table.has_short_calls(arms)]
        for _ in range(WARMUP_ROUNDS):
            table.visit_all(_in_new_order(short, orders), "warmup")
        for _ in range(rounds):
            table.visit_all(_in_new_order(groups, orders), "measured")
    return table.timings()


def _one_group(_: Arm) -> None:
    """All arms belong together."""


def _groups(arms: Iterable[Arm], group_of: Callable[[Arm], Hashable]) -> list[list[Arm]]:
    groups: dict[Hashable, list[Arm]] = {}
    for arm in arms:
        groups.setdefault(group_of(arm), []).append(arm)
    return list(groups.values())


def _in_new_order(groups: list[list[Arm]], orders: np.random.Generator) -> list[Arm]:
    """The groups in a new order, and the arms within each of them too."""
    return [
        groups[which][place]
        for which in orders.permutation(len(groups)).tolist()
        for place in orders.permutation(len(groups[which])).tolist()
    ]


def clock_step(clock: HostClock, reads: int = 100) -> float:
    """The least time a clock is seen to advance by, in seconds; 0 if it stands still."""
    times = [clock() for _ in range(reads)]
    steps = [later - earlier for earlier, later in pairwise(times)]
    return min((step for step in steps if step > 0), default=0.0)


def time_chunk(task: Task, calls: int, device: Device, clock: HostClock) -> Chunk:
    """Call a task some times in a row, between two synchronisations of the device."""
    device.synchronise()
    started = clock()
    first = device.mark()
    for _ in repeat(None, calls):
        task()
    last = device.mark()
    device.synchronise()
    seconds = clock() - started
    return Chunk(calls, seconds / calls, _per_call(device.seconds_between(first, last), calls))


def _per_call(seconds: float | None, calls: int) -> float | None:
    return None if seconds is None else seconds / calls


class _Table:
    """The block's chunks as they come in."""

    def __init__(
        self,
        tasks: Mapping[Arm, Task],
        device: Device,
        clock: HostClock,
        sampler: Sampler | None,
    ) -> None:
        self._tasks, self._device, self._clock = tasks, device, clock
        self._sampler = sampler
        self._calls: dict[Arm, int] = {}
        self._failures: dict[Arm, Exception | SystemExit] = {}
        self._chunks: list[Timing] = []
        self._rounds: dict[tuple[Arm, Phase], int] = {}

    def warm_up(self, arm: Arm, place: int, chunk_seconds: float) -> None:
        """Call an arm until it is known how many calls make a chunk."""
        calls, done = 1, 0
        while (chunk := self._measure(arm, calls, "warmup", place)) is not None:
            done += 1
            lasted = chunk.seconds * calls
            if lasted >= chunk_seconds and done >= WARMUP_CHUNKS:
                self._calls[arm] = calls
                return
            if lasted < chunk_seconds:
                # Not more than tenfold at a time: the first calls tell little.
                sought = math.ceil(calls * chunk_seconds / max(lasted, 1e-12))
                calls = min(max(sought, calls + 1), 10 * calls)

    def level(self, groups: list[list[Arm]], longest: float) -> None:
        """Give all arms of a group the same number of calls, that of its fastest arm.

        The first call of a chunk finds the caches as another arm has left them. It must weigh the
        same in all arms that are compared. No chunk gets longer than ``longest`` seconds by that.
        """
        last = self._last_seconds()
        for arms in map(self._alive, groups):
            if not arms:
                continue
            slowest = max(*(last[arm] for arm in arms), 1e-12)
            most = max(self._calls[arm] for arm in arms)
            calls = max(1, min(most, int(longest / slowest)))
            self._calls |= dict.fromkeys(arms, calls)

    def has_short_calls(self, arms: list[Arm]) -> bool:
        """Whether an arm of the group, as last called, does not take ``LONG_CALL_SECONDS``."""
        last = self._last_seconds()
        return any(last[arm] < LONG_CALL_SECONDS for arm in self._alive(arms))

    def visit_all(self, arms: list[Arm], phase: Phase) -> None:
        """One round: a chunk of each arm that has not failed, in this order."""
        for place, arm in enumerate(self._alive(arms)):
            self._measure(arm, self._calls[arm], phase, place)
        # Between the chunks, never within one; what was there before the block is frozen.
        gc.collect()

    def _last_seconds(self) -> dict[Arm, float]:
        """Seconds a call in each arm's last chunk."""
        return {t.arm: t.chunk.seconds for t in self._chunks}

    def timings(self) -> Timings:
        return Timings(tuple(self._chunks), self._failures)

    def _alive(self, arms: list[Arm]) -> list[Arm]:
        return [arm for arm in arms if arm in self._calls]

    def _measure(self, arm: Arm, calls: int, phase: Phase, place: int) -> Chunk | None:
        try:
            chunk = time_chunk(self._tasks[arm], calls, self._device, self._clock)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what a study raises becomes rows
            self._failures[arm] = error
            self._calls.pop(arm, None)
            return None
        number = self._rounds.get((arm, phase), 0)
        self._rounds[arm, phase] = number + 1
        self._chunks.append(Timing(arm, phase, number, place, chunk))
        if self._sampler is not None and phase == "measured":
            self._sampler.visited(arm, number, place, self._calls)
        return chunk


@contextmanager
def _collector_off() -> Iterator[None]:
    """No garbage collection but the clock's own, and none of what was there before."""
    was_on = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_on:
            gc.enable()
