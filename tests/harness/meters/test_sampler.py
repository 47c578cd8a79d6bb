"""The sampler of a GPU's state, by a planted clock: its account, its turns, its samples."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.design.factors import Arm
from harness.design.gpu_state import ALONE, BETWEEN, QUANTITIES
from harness.meters.gpu import NvmlWatch, Reading
from harness.meters.sampler import ALLOWANCE, ALWAYS, BY_TURNS, Sampler
from tests.harness.nvml import QUESTIONS, Library

ARMS = tuple(Arm((("work", name),)) for name in "abcd")
A, B, C, D = ARMS


@dataclass
class Host:
    """A clock that the questions move on, and the questions: each takes ``cost`` seconds."""

    cost: float = 0.0
    now: float = 0.0
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def read(self, names: Collection[str]) -> Reading:
        self.asked.append(tuple(names))
        self.now += self.cost * len(names)
        return Reading(dict.fromkeys(names, 1.0))


def rounds(host: Host, sampler: Sampler, number: int, chunk: float, arms: tuple[Arm, ...]) -> None:
    """So many rounds over the arms, whose chunks take so many seconds each."""
    for each in range(number):
        for order, arm in enumerate(arms):
            host.now += chunk
            sampler.visited(arm, each, order, arms)


def test_each_quantity_is_asked_for_always_or_by_turns() -> None:
    assert sorted((*ALWAYS, *BY_TURNS)) == sorted(quantity.name for quantity in QUANTITIES)


def test_the_first_sample_is_taken_at_once_and_asks_for_everything() -> None:
    host = Host(cost=1.0)
    sampler = Sampler(host, host.clock)
    sampler.visited(A, 0, 0, ARMS)
    assert [(s.arm, s.phase, s.round, s.order) for s in sampler.samples] == [(A, BETWEEN, 0, 0)]
    assert set(host.asked[0]) == {*ALWAYS, *BY_TURNS}


@given(
    cost=st.floats(1e-6, 5e-3),
    chunk=st.floats(1e-4, 2e-2),
    number=st.integers(1, 60),
    arms=st.integers(1, 4),
)
def test_the_account_is_never_overdrawn_but_by_the_first_sample(
    cost: float, chunk: float, number: int, arms: int
) -> None:
    host = Host(cost)
    sampler = Sampler(host, host.clock)
    rounds(host, sampler, number, chunk, ARMS[:arms])
    first = cost * len(QUANTITIES)
    assert sampler.spent == pytest.approx(sum(s.seconds for s in sampler.samples))
    assert sampler.spent <= max(first, ALLOWANCE * host.now) * (1 + 1e-9)


def test_a_long_block_stays_below_a_hundredth_whatever_a_question_costs() -> None:
    for cost in (1e-5, 1e-4, 1e-3, 5e-3):
        host = Host(cost)
        sampler = Sampler(host, host.clock)
        rounds(host, sampler, 1000, 2e-3, ARMS)
        assert sampler.spent < 0.01 * host.now
        assert len(sampler.samples) > 2, "and it does look"


def test_where_questions_cost_nothing_every_chunk_is_sampled() -> None:
    host = Host()
    sampler = Sampler(host, host.clock)
    rounds(host, sampler, 5, 1e-3, ARMS)
    assert [(s.round, s.arm) for s in sampler.samples] == [(n, a) for n in range(5) for a in ARMS]


@given(st.floats(1e-5, 2e-3), st.integers(0, 2**32 - 1))
def test_no_arm_is_sampled_twice_more_than_another(cost: float, seed: int) -> None:
    host, order = Host(cost), random.Random(seed)
    sampler = Sampler(host, host.clock)
    for number in range(60):
        for place, arm in enumerate(order.sample(ARMS, 4)):
            host.now += 2e-3
            sampler.visited(arm, number, place, ARMS)
    counts = Counter(sample.arm for sample in sampler.samples)
    assert max(counts.values()) - min(counts[arm] for arm in ARMS) <= 1


def test_an_arm_that_is_no_longer_visited_holds_no_other_up() -> None:
    host = Host()
    sampler = Sampler(host, host.clock)
    rounds(host, sampler, 1, 1e-3, (A, B))
    rounds(host, sampler, 3, 1e-3, (A,))
    assert Counter(s.arm for s in sampler.samples) == {A: 4, B: 1}


def test_what_does_not_decide_is_asked_for_by_turns() -> None:
    host = Host()
    sampler = Sampler(host, host.clock)
    rounds(host, sampler, 1 + 2 * len(BY_TURNS), 1e-3, (A,))
    assert all(names[: len(ALWAYS)] == ALWAYS for names in host.asked)
    assert [names[len(ALWAYS) :] for names in host.asked[1:]] == [(name,) for name in BY_TURNS * 2]


def test_an_arm_alone_is_sampled_once_without_asking_the_account() -> None:
    host = Host(cost=1.0)
    sampler = Sampler(host, host.clock)
    sampler.visited(A, 0, 0, ARMS)
    sampler.ran_alone(B, 2)
    last = sampler.samples[-1]
    assert (last.arm, last.phase, last.round, last.order) == (B, ALONE, 0, 2)
    assert host.asked[-1] == ALWAYS
    assert sampler.spent == pytest.approx(len(QUANTITIES) + len(ALWAYS))


#: What may change between two rounds: of the card, or of what the library refuses.
CHANGES = {
    "limited": ("reasons", 0x4, "throttle_reasons", 4.0),
    "slowed": ("reasons", 0x20, "throttle_reasons", 32.0),
    "clock": ("sm_clock", 1410, "sm_clock", 1410.0),
    "memory": ("memory_clock", 810, "memory_clock", 810.0),
    "hot": ("temperature", 88, "temperature", 88.0),
    "power": ("milliwatts", 700_000, "power", 700.0),
    "shared": ("users", [1, 2], "other_processes", 1.0),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_between_two_rounds_is_seen_after_it_and_not_before(change: str) -> None:
    what, to, name, seen = CHANGES[change]
    library = Library()
    sampler = Sampler(NvmlWatch(library, "handle"), lambda: 0.0)
    for number in range(12):
        if number == 6:
            setattr(library.card, what, to)
        sampler.visited(A, number, 0, (A,))
    values = [
        (s.round, s.reading.values[name]) for s in sampler.samples if name in s.reading.values
    ]
    assert {value == seen for number, value in values if number < 6} == {False}
    assert {value == seen for number, value in values if number >= 6} == {True}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_refusal_that_begins_between_two_rounds_is_missing_from_then_on(name: str) -> None:
    library = Library()
    sampler = Sampler(NvmlWatch(library, "handle"), lambda: 0.0)
    for number in range(12):
        if number == 6:
            library.refused[QUESTIONS[name]] = "GPU is lost"
        sampler.visited(A, number, 0, (A,))
    asked = [s for s in sampler.samples if {name} & {*s.reading.values, *s.reading.missing}]
    assert {s.round < 6 for s in asked} == {True, False}
    assert all((name in s.reading.missing) == (s.round >= 6) for s in asked)
    assert all(set(s.reading.missing) <= {name} for s in sampler.samples)
