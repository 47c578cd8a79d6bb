"""A time budget, with a clock that stands still unless it is told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.design.experiment import Responses
from harness.design.factors import Arm, Block, PerProfile
from harness.protocol.rules import Step
from harness.running.budget import Budget, unlimited
from harness.running.runner import steps_of
from tests.harness.runs import drawing, protocol_of, study_of


@dataclass
class FakeClock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def steps(**blocks: int) -> dict[str, list[Step]]:
    """The steps of experiments with so many blocks, by experiment."""
    protocol = protocol_of(study_of(**{name: drawing(n) for name, n in blocks.items()}))
    every = steps_of(protocol)
    return {name: [s for s in every if s.rules.name == name] for name in protocol.experiments}


def started(clock: FakeClock, ends: float, side_by_side: int = 1, **blocks: int) -> Budget:
    budget = Budget(ends, clock)
    for of in steps(**blocks).values():
        budget.expect(of, side_by_side)
    return budget


def take(budget: Budget, clock: FakeClock, step: Step, seconds: float) -> None:
    assert budget.admits(step)
    budget.began(step)
    clock.now += seconds
    budget.ended(step, seconds)


def test_the_first_block_decides_whether_the_others_are_begun() -> None:
    clock = FakeClock()
    budget, own = started(clock, 100, a=10, b=10), steps(a=10, b=10)
    take(budget, clock, own["a"][0], 9.0)  # 9 more of 9 s, and 91 s are left
    assert budget.admits(own["a"][1])
    take(budget, clock, own["b"][0], 2.0)  # 18 s more, beside 81 that are promised, and 89 left
    assert not budget.admits(own["b"][1])


def test_what_took_longer_than_is_left_when_it_was_last_measured_is_not_begun() -> None:
    clock, own = FakeClock(), steps(a=10, b=10, c=10)
    budget = Budget(100.0, clock, known={"a": 101.0, "b": 99.0})
    for of in own.values():
        budget.expect(of, 1)
    assert not budget.admits(own["a"][0])
    assert budget.admits(own["b"][0])
    assert budget.admits(own["c"][0])  # nobody knows
    clock.now = 2.0
    assert not budget.admits(own["b"][0])


def test_of_an_experiment_that_is_half_done_half_its_time_is_expected() -> None:
    own = steps(a=10)["a"]
    budget = Budget(60.0, FakeClock(), known={"a": 100.0})
    budget.expect(own[5:], 1)
    assert budget.admits(own[5])


def test_a_first_block_is_given_as_long_as_leaves_room_for_all_the_others() -> None:
    clock, own = FakeClock(5.0), steps(a=9, b=9)
    for side_by_side, seconds in ((1, 95 / 9), (4, 95 / 3)):
        budget = Budget(100.0, clock)
        budget.expect(own["a"], side_by_side)
        budget.began(own["a"][0])
        assert budget.patience(own["a"][0]) == pytest.approx(seconds)


def test_a_block_of_an_experiment_that_was_admitted_has_until_the_end() -> None:
    clock = FakeClock()
    budget, own = started(clock, 100, a=3), steps(a=3)["a"]
    take(budget, clock, own[0], 10.0)
    budget.began(own[1])
    assert budget.patience(own[1]) == 90.0


def test_of_an_experiment_given_up_nothing_else_begins() -> None:
    budget, own = started(FakeClock(), 100, a=3), steps(a=3)["a"]
    budget.began(own[0])
    budget.gave_up(own[0])
    assert not budget.admits(own[1])


def test_while_the_first_block_is_under_way_no_other_of_its_experiment_begins() -> None:
    clock = FakeClock()
    budget, own = started(clock, 100, a=3, b=3), steps(a=3, b=3)
    budget.began(own["a"][0])
    assert not budget.admits(own["a"][1])
    assert budget.admits(own["b"][0])


def test_side_by_side_as_many_blocks_take_the_time_of_one() -> None:
    clock = FakeClock()
    own = steps(a=9)["a"]
    alone, together = started(clock, 50, a=9), started(clock, 50, side_by_side=4, a=9)
    for budget in (alone, together):
        budget.began(own[0])
        budget.ended(own[0], 10.0)
    assert not alone.admits(own[1])  # 80 s
    assert together.admits(own[1])  # 20 s


def test_blocks_that_are_measured_together_count_as_one() -> None:
    def together(blocks: Sequence[Block], _: Arm) -> list[Responses]:
        return [{"draw": 0.0} for _ in blocks]

    clock = FakeClock()
    experiment = drawing(
        20, measure=None, measure_together=together, together=PerProfile(20, 20, 20)
    )
    own = steps_of(protocol_of(study_of(a=experiment)))
    budget = Budget(30.0, clock)
    budget.expect(own, 1)
    take(budget, clock, own[0], 25.0)
    assert all(budget.admits(step) for step in own[1:])


def test_when_the_time_is_over_nothing_new_begins() -> None:
    clock = FakeClock()
    budget, own = started(clock, 10, a=1, b=1), steps(a=1, b=1)
    take(budget, clock, own["a"][0], 10.0)
    assert budget.left == 0
    assert not budget.admits(own["b"][0])


def test_without_a_budget_all_may_begin_and_the_clock_is_not_asked() -> None:
    def never() -> float:
        raise AssertionError

    budget, own = unlimited(never), steps(a=2)["a"]
    budget.expect(own, 1)
    budget.began(own[0])
    budget.ended(own[0], 5.0)
    assert all(map(budget.admits, own))
    assert budget.left == math.inf


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.floats(0.1, 30.0)), min_size=1, max_size=5),
    st.floats(1.0, 200.0),
)
def test_what_is_begun_ends_in_time_where_every_block_takes_as_long_as_the_first(
    experiments: list[tuple[int, float]], ends: float
) -> None:
    clock = FakeClock()
    blocks = {f"e{n}": count for n, (count, _) in enumerate(experiments)}
    seconds = {f"e{n}": each for n, (_, each) in enumerate(experiments)}
    budget = started(clock, ends, **blocks)
    for name, of in steps(**blocks).items():
        done = 0
        for step in of:
            if not budget.admits(step):
                break
            take(budget, clock, step, seconds[name])
            done += 1
        # Finished, left after its first block, or never begun: nothing is broken off later.
        assert done in (0, 1, len(of))
        if done == len(of) > 1:
            assert clock.now <= ends + 1e-6


def test_an_unknown_experiment_is_a_fault_of_the_caller() -> None:
    budget = Budget(10.0, FakeClock())
    with pytest.raises(KeyError):
        budget.admits(steps(a=1)["a"][0])
