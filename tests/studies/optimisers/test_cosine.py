"""Cosine against a constant rate."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.design.claims import Claim
from harness.design.factors import Block
from harness.workloads.tasks import SPIRAL_RELU, make_task
from studies.optimisers import cosine
from studies.optimisers.cosine import (
    EXPERIMENT,
    SETTLED,
    Run,
    at_equal_loss,
    off_schedule,
    picked,
    relative,
    run,
    settles,
)
from studies.optimisers.cosine_figures import cosine_against_constant
from studies.optimisers.descent import Numbers, Recipe

LOSS = st.floats(0, 5)


@given(one=LOSS, constant=LOSS)
def test_lower_is_by_a_share_or_where_that_is_small_by_an_amount(
    one: float, constant: float
) -> None:
    lower = -relative(np.array([one]), np.array([constant]))[0] >= 0.05
    needed = 0.05 * constant if constant > 0.1 else 0.005
    assert lower == (constant - one >= needed) or math.isclose(constant - one, needed)


@pytest.mark.parametrize("epochs", [1, 4, 60])
def test_a_schedule_is_held_against_the_formula(epochs: int) -> None:
    rates = [0.1 * math.cos(math.pi * t / epochs / 2) ** 2 for t in range(epochs)]
    assert off_schedule(rates) < 1e-12
    assert off_schedule([0.1] * 4) == pytest.approx(1 - (1 + math.cos(3 * math.pi / 4)) / 2)


def test_a_run_with_a_constant_rate_and_one_along_a_cosine_begin_alike() -> None:
    task = make_task(SPIRAL_RELU, (Block(0, 1, 1),))
    constant, falling = (run(task, Recipe("Adam", 0.01, 16, anneal), 3) for anneal in (None, 3))
    assert constant.losses.shape == (3, 1)
    assert constant.losses[0] == falling.losses[0], "the first epoch has the full rate"
    assert constant.losses[2] != falling.losses[2]
    assert constant.rates == [0.01] * 3
    assert falling.rates == pytest.approx([0.01, 0.0075, 0.0025])


def test_each_replica_gets_the_weights_of_its_own_epoch() -> None:
    weights = [{"w": torch.tensor([[e, 0.0], [e, 1.0]])} for e in (10.0, 20.0, 30.0)]
    assert picked(weights, np.array([2, 0]))["w"].tolist() == [[30, 0], [10, 1]]


def test_sharpness_is_compared_where_both_get_as_low(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: sharpness is ten times the epoch, plus the replica."""

    def planted(_: object, weights: dict[str, torch.Tensor]) -> Numbers:
        return weights["w"][:, 0].double().numpy()

    def of(losses: list[list[float]]) -> Run:
        weights = [{"w": torch.tensor([[10.0 * e + 1], [10.0 * e + 2]])} for e in range(3)]
        return Run(np.array(losses), weights, [0.1] * 3, np.zeros(2))

    monkeypatch.setattr(cosine, "sharpness", planted)
    falling = of([[3.0, 3.0], [1.0, 2.0], [0.5, 1.0]])
    constant = of([[3.0, 3.0], [2.0, 2.5], [1.0, 2.0]])
    task = make_task(SPIRAL_RELU, (Block(0, 1, 1), Block(1, 2, 1)))
    # Both get to 1.0 and to 2.0: after epochs 1 and 1 along the cosine, 2 and 2 else.
    assert at_equal_loss(task, falling, constant) == pytest.approx([11 / 21, 12 / 22])


def test_every_arm_that_settles_is_an_arm_of_the_design() -> None:
    settled = [arm for arm in EXPERIMENT.arms() if settles(arm)]
    assert len(settled) == len(set(SETTLED))
    assert all(arm.as_dict()["optimiser"] == "Adam" for arm in settled)


@pytest.mark.parametrize("claim", ["C6.14", "C6.15", "C8.04"])
def test_one_premise_stands_for_all_that_is_judged(claim: str) -> None:
    judged = {
        posed.comparison.arm
        for posed in EXPERIMENT.conditions()
        if posed.kind == "claim" and isinstance(posed.rule, Claim) and posed.rule.id == claim
    }
    assert judged == {arm for arm in EXPERIMENT.arms() if settles(arm)}


def test_the_figure_tells_both_optimisers() -> None:
    rows = []
    for arm in EXPERIMENT.arms():
        levels = arm.as_dict()
        gain = 0.5 if levels["optimiser"] == "Adam" else -0.04
        for block in range(20):
            common = levels | {"block": block}
            rows.append(common | {"round": 0, "response": "gain", "value": gain})
            for response, last in (("constant", 1.0), ("cosine", 2.0)):
                rows += [
                    common | {"round": r, "response": response, "value": last if r == 2 else 9.0}
                    for r in range(3)
                ]
    title = cosine_against_constant(pd.DataFrame(rows)).get_suptitle()
    assert "cosine ends at 2.000 nat, a constant rate at 1.000" in title
    assert "\N{MINUS SIGN}50 % of that or of 0.1 (99 % interval" in title
