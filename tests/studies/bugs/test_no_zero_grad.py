"""The grid of trainings without zero_grad: what is watched, and how the grid is counted."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from harness.design.factors import Arm, Block
from harness.workloads.tasks import LINEAR, SPIRAL_TANH, make_task
from studies.bugs import grid, no_zero_grad
from studies.bugs.grid import FROZEN, FROZEN_ALL, GRID, SETTINGS, TASKS, trained
from studies.bugs.no_zero_grad import EXPERIMENT, judged, measure, whole_grid

BLOCKS = (Block(0, 1, 3, effort=100), Block(1, 2, 3, effort=100))


def arm(task: str, setting: str, gradients: str = "kept") -> Arm:
    return Arm((("task", task), ("setting", setting), ("gradients", gradients)))


def test_the_grid_is_every_task_with_every_setting_in_both_loops() -> None:
    arms = EXPERIMENT.arms()
    assert len(arms) == len(TASKS) * (2 * len(SETTINGS) + 2) + 1
    assert sum(a[grid.TASK] == GRID for a in arms) == 1


def test_a_sum_over_all_rows_of_frozen_weights_is_a_hundred_times_the_first() -> None:
    found = trained(BLOCKS, arm(LINEAR, FROZEN_ALL))
    np.testing.assert_allclose(found["growth"], 100, rtol=1e-5)
    np.testing.assert_allclose(found["cosine"], 1, rtol=1e-5)
    np.testing.assert_allclose(found["share"], 1, rtol=1e-6)


def test_norm_and_cosine_are_those_of_a_loop_by_hand() -> None:
    """Linear regression of one replica, whose gradient is written out with NumPy."""
    found = trained(BLOCKS[1:], arm(LINEAR, "SGD, 0.01"))
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
    cosine = own @ total / np.linalg.norm(own) / np.linalg.norm(total)
    assert found["cosine"][0] == pytest.approx(cosine, abs=1e-3)


def test_a_replica_is_trained_as_if_it_were_alone() -> None:
    cell = arm(SPIRAL_TANH, "SGD, 0.01")
    both, alone = trained(BLOCKS, cell), trained(BLOCKS[:1], cell)
    np.testing.assert_allclose(both["norm"][:, 0], alone["norm"][:, 0], rtol=1e-2)


def test_batches_that_differ_do_not_add_up_to_a_hundred_times_the_first() -> None:
    """Even with frozen weights: the first batch's gradient is not that of all rows."""
    frozen = trained(BLOCKS, arm(LINEAR, FROZEN))
    assert (abs(frozen["growth"] - 100) > 1).all()
    assert (frozen["cosine"] < 1).all()


def test_cells_are_judged_by_the_claims_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = {"kept": [0.5, 0.20, 11.0], "reset": [0.2, 0.205, 0.2]}

    def planted(blocks: tuple[Block, ...], cell: Arm) -> dict[str, np.ndarray]:
        return {
            "norm": np.ones((3, 3)),
            "growth": np.array([79.0, 100.0, 121.0]),
            "cosine": np.array([0.2, 0.4, math.nan]),
            "exponent": np.array([1.0, 1.0, 1.2]),
            "straightness": np.array([0.9, 0.99, 0.99]),
            "share": np.array(ends[cell[grid.GRADIENTS]]),
            "rises": np.zeros(3),
        }

    monkeypatch.setattr(no_zero_grad, "trained", planted)
    found = judged(BLOCKS, arm(LINEAR, "SGD, 0.1"))
    expected = {
        "hundredfold": [0, 1, 0],
        "turned": [1, 0, 0],
        "linear": [0, 1, 0],
        "diverged": [0, 0, 1],
        "worse": [1, 0, 1],
        "better": [0, 0, 0],
    }
    assert {name: found[name].tolist() for name in expected} == expected


def test_the_whole_grid_is_the_share_of_its_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two replicas: in the first only Adam diverges, in the second everything does."""

    def planted(blocks: tuple[Block, ...], cell: Arm) -> dict[str, np.ndarray]:
        values = dict.fromkeys(no_zero_grad.HOLDS, np.zeros(2))
        return values | {"diverged": np.array([cell[grid.SETTING].startswith("Adam,"), 1.0])}

    monkeypatch.setattr(no_zero_grad, "judged", planted)
    assert whole_grid(BLOCKS)["diverged"].tolist() == [0.25, 1]
    first, second = measure(BLOCKS, arm(GRID, GRID))
    assert (first["diverged"], second["diverged"], first["worse"]) == (0.25, 1, 0)
    assert math.isnan(float(str(first["growth"])))
