"""Resumed runs, moments and schedules against what arithmetic says of them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch

from harness import Arm, Block
from harness.workloads.fitting import NAMES, History
from studies.production_loop.long_runs import batch_of, overfitting, stopping
from studies.production_loop.lost_state import (
    ALONE,
    MOMENTS,
    NORMED,
    NOTHING,
    ORDER,
    PERCEPTRON,
    SCHEDULE,
    begun,
)
from studies.production_loop.moments import Rebuilding, held, in_steps, rebuilt
from studies.production_loop.schedules import COSINE, RATE, _schedules, measure, rates
from studies.production_loop.schedules import begun as begun_schedule

BLOCKS = (Block(0, 11, 1, effort=96), Block(1, 12, 1, effort=96))


@pytest.mark.parametrize("task", [PERCEPTRON, NORMED])
def test_a_run_that_loses_nothing_goes_on_as_if_never_stopped(task: str) -> None:
    run = begun(task, BLOCKS, 1e-3)
    run.epoch()
    held = run.held()
    whole = [run.epoch() for _ in range(2)]
    run.resume(held, NOTHING)
    assert np.array_equal([run.epoch() for _ in range(2)], whole)


def test_each_loss_of_state_loses_what_it_says() -> None:
    run = begun(PERCEPTRON, BLOCKS, 1e-3)
    for _ in range(12):
        run.epoch()
    held = run.held()
    half = run.optimiser.param_groups[0]["lr"]
    for lost, rate, moments in (
        (NOTHING, half, True),
        (MOMENTS, half, False),
        (SCHEDULE, 1e-3, True),
        (ORDER, half, True),
        (ALONE, 1e-3, False),
    ):
        run.resume(held, lost)
        assert run.optimiser.param_groups[0]["lr"] == pytest.approx(rate)
        assert bool(run.optimiser.state) == moments
        restored = [
            torch.equal(g.get_state(), s) for g, s in zip(run.orders, held["orders"], strict=True)
        ]
        assert all(restored) == (lost not in (ORDER, ALONE))
    assert half == pytest.approx(5e-4)


def test_rebuilt_is_the_step_from_which_the_distance_stays_small() -> None:
    off = np.array([[0.5, 0.05], [0.05, 0.05], [0.5, 0.05], [0.05, 0.05]])
    assert rebuilt(off, [1, 2, 3, 10]).tolist() == [10, 1]
    assert rebuilt(np.full((3, 1), 0.5), [1, 2, 3]).tolist() == [4]


def test_gradients_that_halve_hold_a_half() -> None:
    norms = np.repeat([[4.0, 1.0], [2.0, 1.0]], 1000, axis=0)
    assert held(norms, reset=1000, unit=1000) == pytest.approx([0.5, 1.0])


def test_what_the_watch_did_not_last_for_is_no_number() -> None:
    assert in_steps(pd.Series([2001.0] * 9)) == "more than 2,000 steps"
    assert in_steps(pd.Series([200.0] * 9)).startswith("200 steps")


class Log:
    """As much of a training's log as the watch looks at: a parameter and its Adam."""

    def __init__(self, size: int) -> None:
        parameter = torch.nn.Parameter(torch.zeros(1, size))
        self.parameter, self.optimiser = parameter, torch.optim.Adam([parameter], lr=0.0)
        self.nets = type("Nets", (), {"parameters": lambda _: [parameter]})()

    def step(self, gradient: float) -> None:
        self.parameter.grad = torch.full_like(self.parameter, gradient)
        self.optimiser.step()


def test_moments_of_equal_gradients_are_rebuilt_at_once() -> None:
    watch, log = Rebuilding(reset=50, watched=10), Log(3)
    for _ in range(60):
        log.step(1.0)
        watch(log)  # type: ignore[arg-type]
    assert max(float(off.max()) for pair in watch.off for off in pair) < 1e-5


def test_moments_after_a_change_of_gradients_follow_the_closed_form() -> None:
    reset, after = 1000, 200
    watch, log = Rebuilding(reset, after), Log(2)
    for step in range(reset + after):
        log.step(2.0 if step < reset else 1.0)
        watch(log)  # type: ignore[arg-type]
    kept = 0.999**after * 4 * (1 - 0.999**reset) + (1 - 0.999**after)
    kept /= 1 - 0.999 ** (reset + after)
    assert watch.since[-1] == after
    assert watch.off[-1][1].item() == pytest.approx(abs(1 - kept) / kept, rel=1e-4)


def test_a_cosine_has_the_rates_of_its_formula() -> None:
    found = rates(*begun_schedule(_schedules()[COSINE]), 30)
    by_hand = [RATE * (1 + math.cos(math.pi * epoch / 30)) / 2 for epoch in range(30)]
    assert found == pytest.approx(by_hand)


def test_a_schedule_begun_anew_is_off_by_the_epochs_done() -> None:
    levels = (("schedule", COSINE), ("stop", 10), ("restored", "weights alone"))
    found = measure(Block(0, 0, 0), Arm(levels))
    assert found["position"] == 10
    # At the end the rate is that of epoch 20 instead of 30.
    assert found["rate_off"] == pytest.approx(
        max(
            50 * abs(math.cos(math.pi * e / 30) - math.cos(math.pi * (e + 10) / 30))
            for e in range(20)
        )
    )


def history(train: list[float], val: list[float]) -> History:
    watched = {name: np.ones((len(val), 1)) for name in NAMES}
    watched["train_loss"][:, 0], watched["val_loss"][:, 0] = train, val
    watched["test_loss"][:, 0] = val
    epochs = np.arange(1, len(val) + 1)
    return History(epochs, **watched, nets=None, decayed=0.0)  # type: ignore[arg-type]


def test_a_rise_counts_where_the_training_loss_falls_on() -> None:
    val = [1.0, 0.5, 0.6, 0.7]
    assert overfitting(history([1.0, 0.8, 0.6, 0.4], val))["rise"] == pytest.approx([1.4])
    assert overfitting(history([1.0, 0.8, 0.8, 0.8], val))["rise"] == pytest.approx([1.0])


def test_what_stopping_saves_and_gives_up_is_told_from_the_curve() -> None:
    val = [1.0, 0.8, *[0.9] * 10, 0.4, *[0.5] * 7]
    found = stopping(history([1.0] * 20, val), 20)
    assert found["saved"] == pytest.approx([100 * (1 - 7 / 20)])  # the best, and five more
    assert found["given_up"] == pytest.approx([2.0])
    assert found["best_epoch"] == pytest.approx([13])


@pytest.mark.parametrize(("rows", "batch"), [(1400, 32), (640, 32), (639, 16), (80, 4), (1, 1)])
def test_a_batch_leaves_an_epoch_twenty_updates_where_rows_are_few(rows: int, batch: int) -> None:
    assert batch_of(rows) == batch
