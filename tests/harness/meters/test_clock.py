"""The clock, on a machine whose time and device are planted."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.design.factors import Arm
from harness.meters.clock import (
    CHUNK_SECONDS,
    CLOCK_STEPS,
    LONGEST_CHUNK_SECONDS,
    WARMUP_ROUNDS,
    Timing,
    Timings,
    clock_step,
    time_chunk,
    time_tasks,
)
from harness.meters.device import TorchDevice
from harness.meters.gpu import Unwatched
from harness.meters.sampler import Sampler
from tests.harness.runs import RecordingDevice

A, B, C, D = (Arm((("work", name),)) for name in "abcd")


@dataclass
class Machine(RecordingDevice):
    """A host whose time passes only where a task or a reading of the clock lets it pass.

    The device has a queue: a task takes the host ``host`` seconds and the device ``device`` more,
    which the host waits for when it synchronises.
    """

    now: float = 0.0
    reading: float = 1e-7
    queued: float = 0.0
    device_time: float = 0.0

    def clock(self) -> float:
        self.calls.append(("read",))
        self.now += self.reading
        return self.now

    def task(
        self, host: float, device: float = 0.0, drift: Callable[[float], float] = lambda now: 1.0
    ) -> Callable[[], None]:
        def work() -> None:
            self.calls.append(("task",))
            self.now += host * drift(self.now)
            self.queued += device

        return work

    def synchronise(self) -> None:
        super().synchronise()
        self.now += self.queued
        self.device_time += self.queued
        self.queued = 0.0

    def mark(self) -> float:
        self.calls.append(("mark",))
        return self.device_time + self.queued

    def seconds_between(self, first: object, last: object) -> float | None:
        assert isinstance(first, float)
        assert isinstance(last, float)
        return last - first


def timed(machine: Machine, tasks: dict[Arm, Callable[[], None]], rounds: int = 4) -> Timings:
    return time_tasks(tasks, rounds, seed=0, device=machine, clock=machine.clock)


def measured(timings: Timings, arm: Arm) -> list[Timing]:
    return [t for t in timings.chunks if t.arm == arm and t.phase == "measured"]


def test_a_chunk_is_enclosed_by_synchronising_reading_and_marking_in_this_order() -> None:
    machine = Machine()
    time_chunk(machine.task(1e-3), 2, machine, machine.clock)
    assert [name for name, *_ in machine.calls] == [
        *("synchronise", "read", "mark"),
        *("task", "task"),
        *("mark", "synchronise", "read"),
    ]


def test_the_host_clock_waits_for_the_device_whose_own_clock_counts_its_work_alone() -> None:
    machine = Machine(reading=0.0)
    chunk = time_chunk(machine.task(1e-5, device=1e-3), 4, machine, machine.clock)
    assert chunk.seconds == pytest.approx(1e-5 + 1e-3)
    assert chunk.device_seconds == pytest.approx(1e-3)
    assert chunk.calls == 4


def test_work_left_in_the_queue_before_a_chunk_is_not_counted() -> None:
    machine = Machine(reading=0.0, queued=5.0)
    assert time_chunk(machine.task(1e-3), 1, machine, machine.clock).seconds == pytest.approx(1e-3)


def test_the_cpu_has_no_clock_of_its_own() -> None:
    chunk = time_chunk(lambda: None, 3, TorchDevice("cpu"), Machine().clock)
    assert chunk.device_seconds is None


def test_every_round_visits_each_arm_once_in_an_order_that_changes() -> None:
    machine = Machine()
    tasks = {A: machine.task(1e-4), B: machine.task(2e-4), C: machine.task(5e-5)}
    timings = timed(machine, tasks, rounds=24)
    rounds = [t for t in timings.chunks if t.phase == "measured"]
    orders = [tuple(t.arm for t in rounds[i : i + 3]) for i in range(0, len(rounds), 3)]
    assert len(orders) == 24
    assert all(set(order) == {A, B, C} for order in orders)
    assert len(set(orders)) == 6
    assert all(t.order == place % 3 for place, t in enumerate(rounds))
    assert [t.round for t in measured(timings, B)] == list(range(24))


def test_arms_of_a_group_are_visited_one_right_after_another() -> None:
    machine = Machine()
    tasks = {arm: machine.task(1e-4) for arm in (A, B, C, D)}
    timings = time_tasks(tasks, 30, 0, machine, machine.clock, group_of=lambda arm: arm in {A, C})
    rounds = [t.arm for t in timings.chunks if t.phase == "measured"]
    halves = [tuple(rounds[i : i + 2]) for i in range(0, len(rounds), 2)]
    assert len(halves) == 60
    assert set(halves) == {(A, C), (C, A), (B, D), (D, B)}
    assert {tuple(rounds[i : i + 4]) for i in range(0, len(rounds), 4)} == {
        one + other
        for ac in ((A, C), (C, A))
        for bd in ((B, D), (D, B))
        for one, other in ((ac, bd), (bd, ac))
    }


def test_the_seed_alone_sets_the_orders() -> None:
    def orders(seed: int) -> list[Arm]:
        machine = Machine()
        tasks = {arm: machine.task(1e-4) for arm in (A, B, C)}
        found = time_tasks(tasks, 10, seed, machine, machine.clock)
        return [t.arm for t in found.chunks if t.phase == "measured"]

    assert orders(3) == orders(3)
    assert orders(3) != orders(4)


@settings(max_examples=25)  # the shorter the calls, the more of them a chunk takes
@given(seconds=st.floats(1e-4, 1.0))
def test_a_chunk_lasts_as_long_as_it_should_and_a_slow_call_makes_one_alone(seconds: float) -> None:
    machine = Machine(reading=0.0)
    timings = timed(machine, {A: machine.task(seconds)}, rounds=2)
    first, second = measured(timings, A)
    assert first.chunk.calls == second.chunk.calls
    lasted = first.chunk.calls * seconds
    assert lasted >= CHUNK_SECONDS * 0.999
    assert first.chunk.calls == 1 or lasted < 10 * CHUNK_SECONDS


def test_arms_of_a_group_have_as_many_calls_in_a_chunk_as_the_fastest_needs() -> None:
    machine = Machine(reading=0.0)
    tasks = {A: machine.task(1e-4), B: machine.task(3e-4), C: machine.task(1e-5)}
    timings = time_tasks(tasks, 2, 0, machine, machine.clock, group_of=lambda arm: arm in {A, B})
    calls = {arm: measured(timings, arm)[0].chunk.calls for arm in (A, B, C)}
    assert calls[A] == calls[B] >= 0.999 * CHUNK_SECONDS / 1e-4
    assert calls[C] >= 0.999 * CHUNK_SECONDS / 1e-5


def test_a_slow_arm_is_not_called_too_often_for_the_sake_of_a_fast_one() -> None:
    machine = Machine(reading=0.0)
    timings = timed(machine, {A: machine.task(1e-6), B: machine.task(1e-3), C: machine.task(1.0)})
    assert {measured(timings, arm)[0].chunk.calls for arm in (A, B, C)} == {1}
    timings = timed(machine, {A: machine.task(1e-5), B: machine.task(1e-3)})
    lasted = [measured(timings, arm)[0].chunk for arm in (A, B)]
    assert lasted[0].calls == lasted[1].calls
    assert lasted[1].calls * 1e-3 <= LONGEST_CHUNK_SECONDS * 1.001


def test_a_coarse_clock_gets_chunks_of_a_hundred_steps() -> None:
    machine = Machine(reading=1e-3)
    timings = timed(machine, {A: machine.task(1e-4)}, rounds=1)
    (only,) = measured(timings, A)
    assert only.chunk.calls * 1e-4 >= CLOCK_STEPS * 1e-3 * 0.98


def test_the_step_of_a_clock_is_the_least_that_it_advances_by() -> None:
    times = iter([0.0, 0.0, 0.0, 0.5, 0.5, 0.75] + [5.0] * 94)
    assert clock_step(lambda: next(times)) == 0.25
    assert clock_step(lambda: 1.0) == 0.0


def test_a_first_call_that_is_slow_is_warm_up_and_sets_nothing() -> None:
    machine = Machine(reading=0.0)
    seen: list[int] = []

    def drift(now: float) -> float:
        seen.append(1)
        return 1e5 if len(seen) == 1 else 1.0

    timings = timed(machine, {A: machine.task(1e-6, drift=drift)})
    warmups = [t for t in timings.chunks if t.phase == "warmup"]
    assert warmups[0].chunk.seconds == pytest.approx(0.1)
    assert [t.chunk.seconds for t in measured(timings, A)] == pytest.approx([1e-6] * 4)
    assert measured(timings, A)[0].chunk.calls >= 0.999 * CHUNK_SECONDS / 1e-6
    assert [t.round for t in warmups] == list(range(len(warmups)))
    assert len(warmups) > WARMUP_ROUNDS


def test_groups_of_long_calls_alone_are_not_warmed_up_by_rounds() -> None:
    machine = Machine()
    tasks = {A: machine.task(0.06), B: machine.task(0.2), C: machine.task(1e-4), D: machine.task(1)}
    timings = time_tasks(tasks, 3, 0, machine, machine.clock, group_of=lambda arm: arm in {A, B})
    warmups = [t.arm for t in timings.chunks if t.phase == "warmup"]
    assert (warmups.count(A), warmups.count(B)) == (2, 2)
    assert warmups.count(D) == 2 + WARMUP_ROUNDS  # it is compared with C, whose calls are short
    assert len(measured(timings, A)) == len(measured(timings, D)) == 3


def test_a_planted_ratio_is_found_on_a_machine_that_gets_slower_all_the_time() -> None:
    def slower(now: float) -> float:
        return 1.0 + now / 5

    machine = Machine()
    tasks = {A: machine.task(1e-4, drift=slower), B: machine.task(1.1e-4, drift=slower)}
    timings = timed(machine, tasks, rounds=100)
    pairs = zip(measured(timings, A), measured(timings, B), strict=True)
    ratios = [b.chunk.seconds / a.chunk.seconds for a, b in pairs]
    assert float(np.median(ratios)) == pytest.approx(1.1, rel=1e-3)
    first, last = measured(timings, A)[0], measured(timings, A)[-1]
    assert last.chunk.seconds > 1.05 * first.chunk.seconds


def test_the_time_in_calls_counts_every_chunk_warm_up_included() -> None:
    machine = Machine(reading=0.0)
    timings = timed(machine, {A: machine.task(1e-4), B: machine.task(3e-4)})
    assert timings.in_calls(A) + timings.in_calls(B) == pytest.approx(machine.now)
    assert timings.in_calls(C) == 0


def test_an_arm_that_fails_leaves_the_others_alone() -> None:
    machine = Machine()
    left = [60]

    def fail_later() -> None:
        machine.now += 1e-3
        left[0] -= 1
        if not left[0]:
            raise ValueError("worn out")

    timings = timed(machine, {A: machine.task(1e-3), B: fail_later}, rounds=30)
    assert len(measured(timings, A)) == 30
    assert 0 < len(measured(timings, B)) < 30
    assert str(timings.failures[B]) == "worn out"
    assert set(timings.failures) == {B}


def test_an_arm_that_fails_at_its_first_call_is_never_measured() -> None:
    def fail() -> None:
        raise SystemExit(3)

    timings = timed(Machine(), {A: fail})
    assert timings.chunks == ()
    assert isinstance(timings.failures[A], SystemExit)


class Looks(Sampler):
    """Writes down what it is told, and looks at nothing."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(Unwatched("planted"), lambda: 0.0)
        self.machine = machine
        self.told: list[tuple[Arm, int, int, set[Arm]]] = []

    def visited(self, arm: Arm, number: int, order: int, arms: Iterable[Arm]) -> None:
        self.told.append((arm, number, order, set(arms)))
        self.machine.calls.append(("look",))


def test_a_sampler_is_told_of_each_measured_chunk_and_of_no_other() -> None:
    machine = Machine()
    sampler = Looks(machine)
    tasks = {A: machine.task(1e-3), B: machine.task(1e-3)}
    timings = time_tasks(tasks, 5, 0, machine, machine.clock, sampler=sampler)
    rounds = [t for t in timings.chunks if t.phase == "measured"]
    assert sampler.told == [(t.arm, t.round, t.order, {A, B}) for t in rounds]


def test_a_sampler_looks_outside_of_what_is_timed() -> None:
    """After a chunk's last reading of the clock, and before the next one's device is waited for."""
    machine = Machine()
    time_tasks({A: machine.task(1e-3)}, 3, 0, machine, machine.clock, sampler=Looks(machine))
    names = [name for name, *_ in machine.calls]
    looks = [place for place, name in enumerate(names) if name == "look"]
    assert len(looks) == 3
    assert all(names[place - 2 : place] == ["synchronise", "read"] for place in looks)
    assert all(names[place + 1 : place + 2] in ([], ["synchronise"]) for place in looks)


def test_an_arm_that_has_failed_is_not_waited_for_by_the_sampler() -> None:
    machine = Machine()
    left = [30]

    def fail_later() -> None:
        machine.now += 1e-3
        left[0] -= 1
        if not left[0]:
            raise ValueError("worn out")

    sampler = Looks(machine)
    time_tasks(
        {A: machine.task(1e-3), B: fail_later}, 30, 0, machine, machine.clock, sampler=sampler
    )
    assert sampler.told[0][3] == {A, B}
    assert sampler.told[-1][3] == {A}


def test_the_calls_of_a_chunk_are_those_of_the_last_round() -> None:
    machine = Machine(reading=0.0)
    timings = timed(machine, {A: machine.task(1e-4), B: machine.task(3e-4)})
    for arm in (A, B):
        assert timings.calls(arm) == measured(timings, arm)[-1].chunk.calls


@pytest.mark.parametrize("was_on", [True, False])
def test_nothing_is_collected_within_a_chunk_and_the_collector_is_left_as_it_was(
    was_on: bool,
) -> None:
    states: list[bool] = []
    machine = Machine()

    def work() -> None:
        machine.now += 1e-3
        states.append(gc.isenabled())

    (gc.enable if was_on else gc.disable)()
    try:
        timed(machine, {A: work})
        assert gc.isenabled() is was_on
    finally:
        gc.enable()
    assert gc.get_freeze_count() == 0
    assert set(states) == {False}


@pytest.mark.cuda
def test_events_on_a_gpu_see_its_work_and_the_host_clock_waits_for_it() -> None:
    import torch

    device = TorchDevice("cuda")
    matrix = torch.randn(2048, 2048, device="cuda")
    small = torch.randn(8, device="cuda")
    tasks = {A: lambda: matrix @ matrix, B: lambda: small + 1}
    timings = time_tasks(tasks, 20, 0, device)
    assert not timings.failures
    for arm in (A, B):
        for timing in measured(timings, arm):
            assert timing.chunk.device_seconds is not None
            assert 0 < timing.chunk.device_seconds <= timing.chunk.seconds * 1.01
