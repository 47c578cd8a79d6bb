"""What is timed at each level of precision, and how times are drawn; nothing is timed here."""

from __future__ import annotations

import itertools

import pytest
import torch

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from studies.amp import matmul, matmul_large, step_speed, step_speed_large
from studies.amp.models import CNN
from studies.amp.precision import BF16, FP16, FP16_SCALER, FP32
from studies.amp.products import product
from studies.amp.steps import prepare_jobs, training_step
from studies.amp.workloads import SMALL
from tests.studies.planted_times import planted_table


@pytest.mark.parametrize("level", [FP32, BF16, FP16])
def test_a_product_is_that_of_the_matrices_in_the_levels_type(
    level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outs = []
    monkeypatch.setattr(torch, "mm", lambda a, b, *, out: outs.append(torch.matmul(a, b)))
    a, b = torch.randn(2, 512, 512)
    product({512: (a, b)}, 512, Arm((("size", 512), ("precision", level))))()
    assert len(outs) == 4, "small products come several at a time"
    assert outs[0].dtype == {FP32: torch.float32, BF16: torch.bfloat16, FP16: torch.float16}[level]
    torch.testing.assert_close(outs[0].float(), a @ b, rtol=0.1, atol=1)


def test_a_step_leaves_its_work_as_it_was() -> None:
    jobs = prepare_jobs(Block(0, 1, 2), SMALL)
    for net, level in itertools.product(jobs, (FP32, BF16)):
        task = training_step(jobs[net], level)
        losses = [task() for _ in range(3)]
        assert all(isinstance(loss, torch.Tensor) for loss in losses)
        first, *_, last = (float(loss) for loss in losses if isinstance(loss, torch.Tensor))
        assert last == pytest.approx(first, rel=0.01)


def test_float16_convolutions_are_timed_on_a_gpu_alone() -> None:
    cells = [tuple(arm.as_dict().values())[:2] for arm in step_speed.EXPERIMENT.arms()]
    large = [tuple(arm.as_dict().values())[:2] for arm in step_speed_large.EXPERIMENT.arms()]
    assert (CNN, FP16_SCALER) not in cells
    assert (CNN, FP16_SCALER) in large
    assert {matmul_large.EXPERIMENT.needs, step_speed_large.EXPERIMENT.needs} == {"cuda"}
    assert matmul.EXPERIMENT.needs == step_speed.EXPERIMENT.needs == "cpu"


@pytest.mark.parametrize("module", [matmul, matmul_large, step_speed, step_speed_large])
def test_a_figure_reads_the_speed_off_the_planted_times(module: object) -> None:
    """bfloat16 takes half of the time of everything else."""
    experiment = module.EXPERIMENT  # type: ignore[attr-defined]  # each has one
    table = planted_table(
        experiment, lambda arm: 0.5 if arm.as_dict()["precision"] == BF16 else 1.0, noise=0.0
    )
    with slide_style():
        figure = experiment.figures[0](table)
    title = figure.axes[0].get_title()
    assert "bf16 2.0, fp16 1.0 times as fast" in title or "bf16 are 2.0 times as fast" in title
    assert "CPU" in title
