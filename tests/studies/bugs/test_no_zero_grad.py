"""The grid of trainings without zero_grad: what is watched, and which cells are judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from harness.design.claims import Claim
from harness.design.factors import Arm, Block
from harness.workloads.loop import Log, Setting, train
from harness.workloads.switches import Switches
from harness.workloads.tasks import (
    LINEAR,
    SPIRAL_RELU,
    SPIRAL_TANH,
    TrainingTask,
    make_task,
)
from studies.bugs import grid, no_zero_grad
from studies.bugs.grid import (
    CONVERGING,
    FROZEN,
    FROZEN_ALL,
    GRADIENTS,
    SETTING,
    SETTINGS,
    SLOW,
    TASK,
    TASKS,
    Grid,
    before_divergence,
    task_of,
    trained,
)
from studies.bugs.grid_figures import losses_at_the_end
from studies.bugs.no_zero_grad import EXPERIMENT, measure

BLOCKS = (Block(0, 1, 3, effort=100), Block(1, 2, 3, effort=100))


def of(task: str, blocks: tuple[Block, ...] = BLOCKS) -> Grid:
    """The grid with the one task that a test trains."""
    return Grid(blocks, {task: task_of(task, blocks)})


def arm(task: str, setting: str, gradients: str = "kept") -> Arm:
    return Arm((("task", task), ("setting", setting), ("gradients", gradients)))


def test_the_grid_is_every_task_with_every_setting_in_both_loops() -> None:
    assert len(EXPERIMENT.arms()) == len(TASKS) * (2 * len(SETTINGS) + 2)


def test_losses_are_judged_in_each_cell_but_those_of_too_low_a_rate() -> None:
    judged = {"C5.05": list[Arm](), "C3.28": list[Arm]()}
    for posed in EXPERIMENT.conditions():
        if isinstance(posed.rule, Claim) and posed.kind == "claim" and posed.rule.id in judged:
            judged[posed.rule.id].append(posed.comparison.arm)
    slow = {(task, setting) for task, settings in SLOW.items() for setting in settings}
    usual = {(task, s) for task, settings in CONVERGING.items() for s in settings}
    assert usual | slow == {(task, setting) for task in TASKS for setting in SETTINGS}
    assert not usual & slow
    for cells in judged.values():
        assert {(cell[TASK], cell[SETTING]) for cell in cells} == usual


def test_a_sum_over_all_rows_of_frozen_weights_is_a_hundred_times_the_first() -> None:
    found = trained(of(LINEAR), arm(LINEAR, FROZEN_ALL))
    for name in ("growth", "times_own"):
        np.testing.assert_allclose(found[name], 100, rtol=1e-5)
    for name in ("with_now", "with_mean", "share_left", "exponent"):
        np.testing.assert_allclose(found[name], 1, rtol=1e-5)
    assert found["swings"].tolist() == [0, 0]


def test_norm_and_direction_are_those_of_a_loop_by_hand() -> None:
    """Linear regression of one replica, whose gradient is written out with NumPy."""
    found = trained(of(LINEAR, BLOCKS[1:]), arm(LINEAR, "SGD, rate 0.01"))
    task = make_task(LINEAR, BLOCKS[1:])
    x, y = task.train.x[0].double().numpy(), task.train.y[0].double().numpy()
    weight, bias = (p.detach().double().numpy() for p in task.networks[0].parameters())
    stream = torch.Generator().manual_seed(task.seeds[0])
    total, own = np.zeros(11), np.zeros(11)
    norms: list[float] = []
    while len(norms) < 100:
        order = torch.randperm(len(x), generator=stream).numpy()
        for rows in order[: len(x) - len(x) % 32].reshape(-1, 32):
            error = x[rows] @ weight.T + bias - y[rows]
            own = np.concatenate([2 * (error * x[rows]).mean(0), 2 * error.mean(0)])
            total = total + own
            norms.append(float(np.linalg.norm(total)))
            weight, bias = weight - 0.01 * total[:10], bias - 0.01 * total[10:]
            if len(norms) == 100:
                break
    assert found["growth"][0] == pytest.approx(norms[99] / norms[0], rel=1e-3)
    assert found["times_own"][0] == pytest.approx(norms[99] / np.linalg.norm(own), rel=1e-3)
    cosine = own @ total / np.linalg.norm(own) / np.linalg.norm(total)
    assert found["with_now"][0] == pytest.approx(cosine, abs=1e-3)
    assert found["with_mean"][0] == pytest.approx(1, abs=1e-6)


def test_gradients_that_fade_do_not_point_where_their_mean_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A planted loop that keeps a tenth of what has accumulated: the last gradients prevail."""

    def fading(
        task: TrainingTask,
        setting: Setting,
        switches: Switches,
        after_step: Callable[[Log], None] | None,
    ) -> Log:
        assert after_step is not None

        def after(log: Log) -> None:
            after_step(log)
            for parameter in log.nets.parameters():
                assert parameter.grad is not None
                parameter.grad *= 0.1

        return train(task, setting, switches, after)

    monkeypatch.setattr(grid, "train", fading)
    found = trained(of(LINEAR), arm(LINEAR, FROZEN))
    assert (found["with_mean"] < 0.95).all()
    assert (found["with_now"] > 0.95).all()


def test_a_replica_is_trained_as_if_it_were_alone() -> None:
    cell = arm(SPIRAL_TANH, "SGD, rate 0.01")
    both = trained(of(SPIRAL_TANH), cell)
    alone = trained(of(SPIRAL_TANH, BLOCKS[:1]), cell)
    np.testing.assert_allclose(both["norm"][:, 0], alone["norm"][:, 0], rtol=1e-2)


def test_batches_that_differ_do_not_add_up_to_a_hundred_times_the_first() -> None:
    """Even with frozen weights: the first batch's gradient is not that of all rows."""
    frozen = trained(of(LINEAR), arm(LINEAR, FROZEN))
    assert (abs(frozen["growth"] - 100) > 1).all()
    assert (frozen["with_now"] < 1).all()


def test_losses_are_looked_at_until_they_are_ten_times_the_first() -> None:
    losses = np.array([[1.0, 2.0], [9.0, np.nan], [10.0, 1.0], [3.0, 1.0]])
    expected = [[1.0, 2.0], [9.0, np.nan], [np.nan] * 2, [np.nan] * 2]
    np.testing.assert_array_equal(before_divergence(losses), expected)


def test_a_loss_that_is_next_to_nothing_counts_as_a_hundredth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = {"share_left": np.array([1e-6, 0.5]), "norm": np.ones((3, 2))}
    monkeypatch.setattr(no_zero_grad, "trained", lambda *_: left)
    found = measure(Grid(BLOCKS, {}), arm(LINEAR, FROZEN))
    assert [block["end"] for block in found] == [0.01, 0.5]
    assert found[0]["norm"] == [1, 1, 1]


def planted(arms: tuple[Arm, ...], blocks: int = 20) -> pd.DataFrame:
    """Losses that diverge with SGD, are worse with Adam, and lower with AdamW at a high rate."""
    rows = []
    for cell in arms:
        left = 0.1
        if cell[GRADIENTS] == "kept":
            name = cell[SETTING]
            left = 0.05 if name == "AdamW, rate 0.01" else 50.0 if name.startswith("SGD") else 0.2
        for block in range(blocks):
            common = cell.as_dict() | {"block": block, "round": 0}
            rows += [common | {"response": r, "value": left} for r in ("share_left", "end")]
    return pd.DataFrame(rows)


def test_the_figure_counts_judged_cells_and_names_those_that_end_lower() -> None:
    title = losses_at_the_end(planted(EXPERIMENT.arms())).get_suptitle()
    judged = sum(len(settings) for settings in CONVERGING.values())
    sgd = sum(s.startswith("SGD") for settings in CONVERGING.values() for s in settings)
    high = sum("AdamW, rate 0.01" in settings for settings in CONVERGING.values())
    assert f"diverges in {sgd} of {judged} cells; in {judged - high} it ends 5 %" in title
    assert f"in {high} below it" in title
    assert f"{SPIRAL_RELU}, AdamW, rate 0.01" in title


def test_the_effort_is_the_number_of_steps() -> None:
    longer = tuple(replace(block, effort=128) for block in BLOCKS)
    found = trained(of(LINEAR, longer), arm(LINEAR, "SGD, rate 0.01", "reset"))
    assert len(found["norm"]) == grid.LOOKS.index(128) + 1
