"""Trainings with some of the seeding calls left out."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from studies.determinism.process import Request
from studies.determinism.seeds import (
    ALL,
    CUDA,
    EVERYTHING,
    NONE,
    NUMPY,
    PYTHON,
    TORCH,
    TORCH_ALONE,
    batches,
    run,
    seed_all_but,
)

SEEDED: Request = {"omitted": NONE, "draws_from": EVERYTHING, "seed": 3, "device": "cpu"}


def draws() -> dict[str, float]:
    return {
        PYTHON: random.random(),
        NUMPY: float(np.random.random()),  # noqa: NPY002 - the stream that document C seeds
        TORCH: torch.rand(1).item(),
    }


@pytest.mark.parametrize("omitted", [NONE, PYTHON, NUMPY, TORCH, CUDA, ALL])
def test_what_is_left_out_alone_is_not_seeded(omitted: str) -> None:
    both = []
    for _ in range(2):
        seed_all_but(omitted, 11)
        both.append(draws())
    differing = {name for name in both[0] if both[0][name] != both[1][name]}
    assert differing == ({PYTHON, NUMPY, TORCH} if omitted == ALL else {omitted} - {NONE, CUDA})


@pytest.mark.parametrize("passes_on", [True, False])
def test_a_seed_that_reaches_cuda_by_another_call_is_seen(
    passes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def manual_seed(seed: int) -> None:
        if passes_on:
            torch.cuda.manual_seed_all(seed)

    monkeypatch.setattr(torch, "manual_seed", manual_seed)
    assert seed_all_but(CUDA, 11) == passes_on
    assert seed_all_but(TORCH, 11), "by CUDA's own call"
    assert not seed_all_but(ALL, 11)


def states() -> dict[str, object]:
    return {
        PYTHON: random.getstate(),
        NUMPY: str(np.random.get_state()),  # noqa: NPY002 - the stream that document C seeds
        TORCH: torch.get_rng_state().tolist(),
    }


@pytest.mark.parametrize(
    ("draws_from", "moved"), [(EVERYTHING, {PYTHON, NUMPY, TORCH}), (TORCH_ALONE, {TORCH})]
)
def test_a_script_draws_from_the_generators_it_is_called_after(
    draws_from: str, moved: set[str]
) -> None:
    seed_all_but(NONE, 3)
    seeded = states()
    run({**SEEDED, "draws_from": draws_from})
    after = states()
    assert {name for name in seeded if seeded[name] != after[name]} == moved


def test_every_epoch_holds_every_row_once() -> None:
    steps = [row for rows in batches(everything=True) for row in rows]
    assert sorted(steps[:64]) == sorted(steps[64:]) == list(range(64))
