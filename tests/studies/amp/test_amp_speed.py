"""What is timed at each level of precision, and how times are drawn; nothing is timed here."""

from __future__ import annotations

import itertools
from typing import Any

import pandas as pd
import pytest
import torch
from torch.nn import functional

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from studies.amp import convolution_large, matmul, matmul_large, step_speed, step_speed_large
from studies.amp.models import CNN, NETS
from studies.amp.precision import BF16, FP16, FP16_SCALER, FP32, SHIPPED, TF32
from studies.amp.products import matrix_product
from studies.amp.steps import prepare_jobs, training_step
from studies.amp.workloads import SMALL
from tests.studies.planted_times import planted_table

PRODUCTS = [matmul, matmul_large, convolution_large]
STEPS = [step_speed, step_speed_large]


@pytest.mark.parametrize("level", [FP32, BF16, FP16])
def test_a_product_is_that_of_the_matrices_in_the_levels_type(
    level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outs = []
    monkeypatch.setattr(torch, "mm", lambda a, b, *, out: outs.append(torch.matmul(a, b)))
    a, b = torch.randn(2, 512, 512)
    matmul.SMALL.task({512: (a, b)}, Arm((("size", 512), ("precision", level))))()
    assert len(outs) == 4, "small products come several at a time"
    assert outs[0].dtype == {FP32: torch.float32, BF16: torch.bfloat16, FP16: torch.float16}[level]
    torch.testing.assert_close(outs[0].float(), a @ b, rtol=0.1, atol=1)


def test_products_are_those_of_linear_algebra_and_of_filters() -> None:
    a, b = torch.randn(2, 3, 3)
    torch.testing.assert_close(matrix_product(a, b)(), (a[:, :, None] * b[None]).sum(dim=1))
    images, kernels = torch.randn(2, 4, 5, 5), torch.zeros(4, 4, 3, 3)
    for channel in range(4):
        kernels[channel, channel, 1, 1] = 1.0
    same = convolution_large.convolution(images, kernels)()
    torch.testing.assert_close(same, images)
    images, kernels = convolution_large.images_and_kernels(8, "cpu")
    assert functional.conv2d(images, kernels, padding=1).shape == images.shape


def test_a_step_leaves_its_work_as_it_was() -> None:
    jobs = prepare_jobs(Block(0, 1, 2), {1.0: SMALL})
    assert set(jobs) == {(net, 1.0) for net in NETS}
    for key, level in itertools.product(jobs, (SHIPPED, BF16)):
        task = training_step(jobs[key], level)
        losses = [task() for _ in range(3)]
        assert all(isinstance(loss, torch.Tensor) for loss in losses)
        first, *_, last = (float(loss) for loss in losses if isinstance(loss, torch.Tensor))
        assert last == pytest.approx(first, rel=0.01)


def test_float16_convolutions_are_timed_on_a_gpu_alone() -> None:
    def cells(module: Any) -> set[tuple[object, object]]:  # noqa: ANN401 - a module
        arms = (arm.as_dict() for arm in module.EXPERIMENT.arms())
        return {(arm["net"], arm["precision"]) for arm in arms}

    assert (CNN, FP16_SCALER) not in cells(step_speed)
    assert (CNN, FP16_SCALER) in cells(step_speed_large)
    large = [matmul_large, convolution_large, step_speed_large]
    assert {module.EXPERIMENT.needs for module in large} == {"cuda"}
    assert matmul.EXPERIMENT.needs == step_speed.EXPERIMENT.needs == "cpu"


@pytest.mark.parametrize("module", [matmul, step_speed])
def test_tf32_which_a_cpu_has_not_is_timed_on_a_gpu_alone(module: Any) -> None:  # noqa: ANN401
    levels = {arm.as_dict()["precision"] for arm in module.EXPERIMENT.arms()}
    assert TF32 not in levels
    assert all(posed.kind != "claim" for posed in module.EXPERIMENT.conditions())


def planted_half(experiment: Any) -> pd.DataFrame:  # noqa: ANN401 - an experiment of any cell
    """Times of which bfloat16 takes half of what everything else takes."""
    return planted_table(
        experiment, lambda arm: 0.5 if arm.as_dict()["precision"] == BF16 else 1.0, noise=0.0
    )


@pytest.mark.parametrize("module", PRODUCTS + STEPS)
def test_a_figure_reads_the_speed_off_the_planted_times(module: Any) -> None:  # noqa: ANN401
    table = planted_half(module.EXPERIMENT)
    with slide_style():
        figure = module.EXPERIMENT.figures[0](table)
    assert "2.00 (99 % interval 2.00 to 2.00) times" in figure.get_suptitle()
    assert "CPU, 12 processes" in figure.axes[0].get_title(loc="left")


@pytest.mark.parametrize("module", PRODUCTS + STEPS)
def test_the_band_of_a_claim_about_gpus_is_drawn_behind_a_gpus_times_alone(
    module: Any,  # noqa: ANN401 - a module
) -> None:
    table = planted_half(module.EXPERIMENT)
    on_gpu = pd.concat([table, table.head(1).assign(response="device_seconds")])
    for rows, bands in ((table, False), (on_gpu, True)):
        with slide_style():
            figure = module.EXPERIMENT.figures[0](rows)
        assert any(axes.patches for axes in figure.axes) == bands


@pytest.mark.parametrize("module", PRODUCTS + STEPS)
def test_an_arm_that_failed_is_shown_as_failed(module: Any) -> None:  # noqa: ANN401 - a module
    table = planted_half(module.EXPERIMENT)
    spoilt = table["precision"] == table["precision"].iloc[-1]
    table.loc[spoilt, "value"] = float("nan")
    with slide_style():
        figure = module.EXPERIMENT.figures[0](table)
    assert any(text.get_text() == "failed" for axes in figure.axes for text in axes.texts)
