"""Trainings with some sources of random numbers fixed and others free."""

from __future__ import annotations

import itertools

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.determinism import sources
from studies.determinism.process import Answer, Request, fingerprint
from studies.determinism.sources import FIXED, FREE, measure, prepare, run

ALL_FIXED: Request = {
    "init": FIXED,
    "shuffling": FIXED,
    "dropout": FIXED,
    "seed": 3,
    "device": "cpu",
}


def draws_of(request: Request, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What a training draws from each source: first weights, order of rows, masks."""
    seen: list[tuple[str, torch.Tensor, float]] = []

    def watched(net: torch.nn.Module, x: torch.Tensor) -> None:
        seen.append((fingerprint(net), x, torch.rand(1).item()))

    monkeypatch.setattr(sources, "train_step", watched)
    run(request)
    weights, rows, masks = zip(*seen, strict=True)
    return {"init": weights[0], "shuffling": torch.cat(rows).tolist(), "dropout": masks}


def test_with_all_sources_fixed_what_is_drawn_depends_on_the_seed_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    once = draws_of(ALL_FIXED, monkeypatch)
    assert once == draws_of(ALL_FIXED, monkeypatch)
    other = draws_of({**ALL_FIXED, "seed": 4}, monkeypatch)
    assert all(once[source] != other[source] for source in once)


@pytest.mark.parametrize("free", ["init", "shuffling", "dropout"])
def test_a_source_that_is_free_leaves_the_others_fixed(
    free: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (draws_of({**ALL_FIXED, free: FREE}, monkeypatch) for _ in range(2))
    assert {source for source in one if one[source] != other[source]} == {free}


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
