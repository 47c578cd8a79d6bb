"""Trainings with some sources of random numbers fixed and others free."""

from __future__ import annotations

import itertools

import pytest

from harness.design.factors import Arm, Block
from studies.determinism import sources
from studies.determinism.process import Answer, Request
from studies.determinism.sources import FIXED, FREE, measure, prepare, run

ALL_FIXED: Request = {
    "init": FIXED,
    "shuffling": FIXED,
    "dropout": FIXED,
    "seed": 3,
    "device": "cpu",
}


def test_with_all_sources_fixed_a_training_repeats_and_depends_on_the_seed() -> None:
    assert run(ALL_FIXED) == run(ALL_FIXED)
    assert run(ALL_FIXED) != run({**ALL_FIXED, "seed": 4})


@pytest.mark.parametrize("free", ["init", "shuffling", "dropout"])
def test_each_source_alone_makes_a_training_differ(free: str) -> None:
    assert run({**ALL_FIXED, free: FREE}) != run({**ALL_FIXED, free: FREE})


def test_two_processes_are_compared_arm_by_arm_and_seed_by_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = itertools.count()

    def answer(request: Request) -> Answer:
        free = FREE in (request["init"], request["shuffling"], request["dropout"])
        return {"weights": f"{request['seed']} {next(numbers) if free else ''}"}

    def ask(module: str, requests: list[Request]) -> list[list[Answer]]:
        return [[answer(request) for request in requests] for _ in range(2)]

    monkeypatch.setattr(sources, "ask", ask)
    agreement = prepare(Block(0, 1, 2, effort=3))
    assert len(agreement) == 8
    for arm in agreement:
        fixed = FREE not in arm.as_dict().values()
        assert measure(agreement, arm) == {"equal": [float(fixed)] * 3}
    assert Arm((("init", FIXED), ("shuffling", FIXED), ("dropout", FIXED))) in agreement
