"""What is timed under each setting, and how times are drawn; nothing is timed here."""

from __future__ import annotations

import os

import pytest
import torch

from harness.design.factors import Block
from harness.figures.style import slide_style
from studies.determinism import costs, step_cost, step_cost_large
from studies.determinism.settings import ALGORITHMS, SETTINGS
from studies.determinism.workloads import (
    EDGES,
    GPU_CONVS,
    NODES,
    WORKLOADS,
    graph_sums,
    train_step,
    workload,
)
from tests.studies.planted_times import planted_table


@pytest.mark.parametrize("kind", WORKLOADS)
def test_every_workload_trains_under_every_setting_and_learns(kind: str) -> None:
    torch.manual_seed(1)
    work = workload(kind)
    job = costs.Job(work.net, torch.randn(work.batch, *work.row))

    def loss() -> float:
        with torch.no_grad():
            return float((work.net(job.x) - 1).square().mean())

    before = loss()
    for setting in SETTINGS:
        costs.training_step(job, setting)()
    assert loss() < before


@pytest.mark.parametrize("kind", GPU_CONVS)
def test_a_large_network_has_a_stage_for_its_images(kind: str) -> None:
    with torch.device("meta"):
        work = workload(kind)
        assert work.net(torch.empty(2, *work.row)).shape[0] == 2


def test_a_step_is_gradient_descent() -> None:
    net = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(net.weight)
    train_step(net, torch.ones(1, 1))
    assert net.weight.item() == pytest.approx(0.02)  # the slope of (w - 1)^2 at 0 is -2


def test_index_add_sums_over_the_edges() -> None:
    sums = graph_sums()[1]  # type: ignore[index]  # a Sequential
    adjacency = sums(torch.eye(NODES)[None])[0]
    assert adjacency.sum() == EDGES


def test_cublas_is_told_on_a_gpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    costs.prepare_jobs(Block(0, 1, 2), WORKLOADS)
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ


@pytest.mark.parametrize("module", [step_cost, step_cost_large])
def test_a_figure_reads_the_cost_off_the_planted_times(module: object) -> None:
    """Deterministic algorithms take a fifth more time."""
    experiment = module.EXPERIMENT  # type: ignore[attr-defined]  # each has one
    table = planted_table(
        experiment, lambda arm: 1.2 if arm.as_dict()["setting"] == ALGORITHMS else 1.0, noise=0.0
    )
    with slide_style():
        figure = experiment.figures[0](table)
    assert "a step takes 20 % more" in figure.axes[0].get_title()


def test_the_arms_of_a_workload_share_its_network() -> None:
    jobs = costs.prepare_jobs(Block(0, 1, 2), WORKLOADS)
    before = [p.detach().clone() for p in jobs["attention"].net.parameters()]
    costs.training_step(jobs["attention"], ALGORITHMS)()
    after = list(jobs["attention"].net.parameters())
    assert not all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
