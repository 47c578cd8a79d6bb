"""What is timed under each setting, and how times are drawn; nothing is timed here."""

from __future__ import annotations

import os
from typing import Any

import pandas as pd
import pytest
import torch

from harness.design.factors import Block
from harness.figures.style import slide_style
from studies.determinism import costs, step_cost, step_cost_large
from studies.determinism.settings import ALGORITHMS, DEFAULT, LISTED, SETTINGS, UNFILLED
from studies.determinism.workloads import (
    DILATED,
    EDGES,
    GPU_CONVS,
    GROUPED,
    NODES,
    PLAIN,
    SMALL_KINDS,
    TRANSFORMER,
    TRANSPOSED,
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


@pytest.mark.parametrize("kind", [*GPU_CONVS, *SMALL_KINDS])
def test_a_conv_network_has_a_stage_for_its_images(kind: str) -> None:
    with torch.device("meta"):
        work = workload(kind)
        assert work.net(torch.empty(2, *work.row)).shape[0] == 2


def test_each_kind_of_convolution_is_what_it_is_called() -> None:
    with torch.device("meta"):
        layers = {kind: list(workload(kind).net.modules()) for kind in (*GPU_CONVS, *SMALL_KINDS)}
    convs = {
        kind: [layer for layer in of_kind if isinstance(layer, torch.nn.Conv2d)]
        for kind, of_kind in layers.items()
    }
    assert {c.dilation for c in convs[DILATED][1:]} == {(2, 2)}
    assert {c.groups for c in convs[GROUPED][1:]} == {32}
    assert all(c.dilation == (1, 1) and c.groups == 1 for c in convs[PLAIN[0]])
    dilated, grouped, up = SMALL_KINDS
    assert {c.dilation for c in convs[dilated][1:]} == {(2, 2)}
    assert {c.groups for c in convs[grouped][1:]} == {4}
    for kind in (TRANSPOSED, up):
        transposed = [x for x in layers[kind] if isinstance(x, torch.nn.ConvTranspose2d)]
        assert len(transposed) == 2


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


def planted(experiment: Any) -> pd.DataFrame:  # noqa: ANN401 - an experiment of any cell
    """The document's flags take a fifth more time than all else, the strictest a quarter more."""
    times = {LISTED: 1.2, ALGORITHMS: 1.25}
    return planted_table(
        experiment, lambda arm: times.get(str(arm.as_dict()["setting"]), 1.0), noise=0.0
    )


@pytest.mark.parametrize(("module", "more"), [(step_cost, "25.00"), (step_cost_large, "20.00")])
def test_a_figure_reads_the_cost_off_the_planted_times(module: Any, more: str) -> None:  # noqa: ANN401
    table = planted(module.EXPERIMENT)
    with slide_style():
        figure = module.EXPERIMENT.figures[0](table)
    assert f"takes\n{more} (99 % interval {more} to {more}) % more time" in figure.get_suptitle()


@pytest.mark.parametrize("module", [step_cost, step_cost_large])
def test_the_band_of_the_claim_is_drawn_behind_a_gpus_times_alone(module: Any) -> None:  # noqa: ANN401
    table = planted(module.EXPERIMENT)
    on_gpu = pd.concat([table, table.head(1).assign(response="device_seconds")])
    for rows, band in ((table, False), (on_gpu, True)):
        with slide_style():
            figure = module.EXPERIMENT.figures[0](rows)
        assert bool(figure.axes[0].patches) == band


@pytest.mark.parametrize("module", [step_cost, step_cost_large])
def test_a_setting_that_failed_is_shown_as_failed(module: Any) -> None:  # noqa: ANN401
    table = planted(module.EXPERIMENT)
    table.loc[table["setting"] == ALGORITHMS, "value"] = float("nan")
    with slide_style():
        figure = module.EXPERIMENT.figures[0](table)
    failed = [text for text in figure.axes[0].texts if text.get_text() == "failed"]
    workloads = {arm.as_dict()["workload"] for arm in module.EXPERIMENT.arms()}
    assert len(failed) == len(workloads)


def test_flags_of_cudnn_are_timed_on_a_gpu_alone() -> None:
    small = {arm.as_dict()["setting"] for arm in step_cost.EXPERIMENT.arms()}
    assert small == {DEFAULT, ALGORITHMS, UNFILLED}
    assert step_cost_large.EXPERIMENT.needs == "cuda"


def test_the_arms_of_a_workload_share_its_network() -> None:
    jobs = costs.prepare_jobs(Block(0, 1, 2), WORKLOADS)
    before = [p.detach().clone() for p in jobs[TRANSFORMER].net.parameters()]
    costs.training_step(jobs[TRANSFORMER], ALGORITHMS)()
    after = list(jobs[TRANSFORMER].net.parameters())
    assert not all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
