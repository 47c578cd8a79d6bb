"""One benchmark in a trio of fakes: orders, chunks, rounds, and what goes wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.catalogue.benchmarks import Benchmark
from harness.meters.clock import CHUNK_SECONDS, LONGEST_CHUNK_SECONDS, WARMUP_ROUNDS
from harness.protocol.comparison import BASE, HEAD, SIDES, Side
from harness.running.lockstep import FEWEST_ROUNDS, MOST_ROUNDS, Measured, calls_of_a_chunk, measure
from harness.running.trio import RaisedError
from tests.harness.trios import SPIN, FakeTrio, lost

PREPARE = {"do": "prepare", "file": "f.py", "name": "spin", "seed": 1}


def measured(trio: FakeTrio, benchmark: Benchmark = SPIN, seconds: float = 0.1) -> Measured:
    return measure(trio, benchmark, PREPARE, 1, seconds)


def test_every_round_visits_each_side_once() -> None:
    found = measured(FakeTrio())
    rounds = Counter((turn.phase, turn.round, turn.side) for turn in found.turns)
    assert set(rounds.values()) == {1}
    assert {turn.order for turn in found.turns} == {0, 1, 2}


def test_all_six_orders_occur_and_the_seed_decides_them() -> None:
    def orders(seed: int) -> list[tuple[Side, ...]]:
        turns = measure(FakeTrio(), SPIN, PREPARE, seed, 0.5).turns
        sides = [turn.side for turn in turns]
        return [tuple(sides[at : at + 3]) for at in range(0, len(sides), 3)]

    assert len(set(orders(1))) == 6
    assert orders(1) == orders(1) != orders(2)


def test_all_sides_make_as_many_calls_with_one_untimed_before_them() -> None:
    trio = FakeTrio({BASE: 1e-4, "base again": 1.1e-4, HEAD: 2e-4})
    measured(trio)
    turns = [request for _, request in trio.asked if request["do"] == "turn"]
    assert {(turn["calls"], turn["untimed"]) for turn in turns} == {(20, 1)}


def test_all_sides_of_a_round_run_on_one_core_and_rounds_take_turns_on_them() -> None:
    trio = FakeTrio()
    measure(trio, SPIN, PREPARE, 1, 0.1, cores=[3, 5])
    cores = [request["core"] for _, request in trio.asked if request["do"] == "turn"]
    measured_cores = cores[3 * WARMUP_ROUNDS :]
    rounds = [set(measured_cores[at : at + 3]) for at in range(0, len(measured_cores), 3)]
    assert rounds[:4] == [{3}, {5}, {3}, {5}]


def test_a_call_that_is_long_needs_no_other_before_it() -> None:
    trio = FakeTrio(dict.fromkeys(SIDES, 0.06))
    measured(trio)
    assert {r["untimed"] for _, r in trio.asked if r["do"] == "turn"} == {0}


@given(st.lists(st.floats(1e-8, 10), min_size=3, max_size=3))
def test_a_chunk_is_filled_unless_a_side_would_take_too_long(seconds: list[float]) -> None:
    calls = calls_of_a_chunk(seconds)
    assert calls >= 1
    filled = calls * min(seconds) >= CHUNK_SECONDS * (1 - 1e-9)
    cut = (calls + 1) * max(seconds) > LONGEST_CHUNK_SECONDS
    assert filled or cut
    assert calls == 1 or calls * max(seconds) <= LONGEST_CHUNK_SECONDS * (1 + 1e-9)


@pytest.mark.parametrize(
    ("seconds", "rounds"), [(1e-6, FEWEST_ROUNDS), (1e6, MOST_ROUNDS), (0.0063 * 50.5, 50)]
)
def test_rounds_fill_the_time_within_bounds(seconds: float, rounds: int) -> None:
    turns = measured(FakeTrio(), seconds=seconds).turns
    assert max(turn.round for turn in turns if turn.phase == "measured") + 1 == rounds


def test_bytes_are_weighed_once_on_each_side() -> None:
    found = measured(FakeTrio(), Benchmark("saved", unit="B"))
    assert sorted(turn.side for turn in found.turns) == sorted(SIDES)
    assert {turn.value for turn in found.turns} == {100.0}
    assert not found.handovers


def test_what_raises_on_one_side_is_kept_and_the_trio_goes_on() -> None:
    def raising(side: Side, request: Mapping[str, Any]) -> None:
        if side == HEAD and request["do"] == "turn":
            raise RaisedError(side, "ValueError: planted")

    trio = FakeTrio(on_request=raising)
    found = measured(trio)
    assert found.failures == {HEAD: "ValueError: planted"}
    assert not found.lost
    assert trio.asked[-1] == (None, {"do": "drop"})


def test_what_cannot_be_built_is_not_timed() -> None:
    def raising(side: Side, request: Mapping[str, Any]) -> None:
        if side == BASE and request["do"] == "prepare":
            raise RaisedError(side, "ImportError: planted")

    trio = FakeTrio(on_request=raising)
    assert measured(trio).failures == {BASE: "ImportError: planted"}
    assert [request["do"] for _, request in trio.asked] == ["prepare", "drop"]


@pytest.mark.parametrize("moment", ["prepare", "warm", "turn", "drop"])
def test_a_process_that_is_lost_is_named_and_the_trio_given_up(moment: str) -> None:
    def dying(side: Side, request: Mapping[str, Any]) -> None:
        if side == HEAD and request["do"] == moment:
            raise lost(HEAD)

    found = measured(FakeTrio(on_request=dying))
    assert found.lost
    assert found.failures == {HEAD: "the process was killed by SIGKILL"}


def test_a_process_lost_while_dropping_what_raised_elsewhere_is_named_beside_it() -> None:
    def failing(side: Side, request: Mapping[str, Any]) -> None:
        if side == HEAD and request["do"] == "turn":
            raise RaisedError(side, "ValueError: planted")
        if side == BASE and request["do"] == "drop":
            raise lost(BASE)

    found = measured(FakeTrio(on_request=failing))
    assert found.lost
    assert set(found.failures) == {BASE, HEAD}
