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


def test_torchs_own_call_takes_the_seed_to_cuda() -> None:
    assert seed_all_but(CUDA, 11)
    assert seed_all_but(TORCH, 11), "by CUDA's own call"
    assert not seed_all_but(ALL, 11)


@pytest.mark.parametrize("omitted", [PYTHON, NUMPY, TORCH])
def test_a_training_that_draws_from_everything_needs_every_seed(omitted: str) -> None:
    assert run(SEEDED) == run(SEEDED)
    request = {**SEEDED, "omitted": omitted}
    assert run(request)["weights"] != run(request)["weights"]


@pytest.mark.parametrize("omitted", [PYTHON, NUMPY])
def test_a_training_that_draws_from_torch_alone_needs_no_other_seed(omitted: str) -> None:
    request = {**SEEDED, "omitted": omitted, "draws_from": TORCH_ALONE}
    assert run(request) == run(request)


def test_every_epoch_holds_every_row_once() -> None:
    steps = [row for rows in batches(everything=True) for row in rows]
    assert sorted(steps[:64]) == sorted(steps[64:]) == list(range(64))
