"""Bytes of a step, against what can be counted by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
import torch

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from studies.amp import memory, memory_large
from studies.amp.footprint import kept_by_forward, measure_memory, peak_of_step
from studies.amp.models import CNN, MLP, NETS
from studies.amp.precision import BF16, BF16_SCALER, SHIPPED
from studies.amp.workloads import LARGE, SMALL, Workload, narrowed, workload

DEPTH, WIDTH = SMALL.mlp


def kept(kind: str, level: str, rows: int) -> float:
    return kept_by_forward(workload(kind, SMALL, "cpu", 1, rows), level, "cpu")


def test_a_perceptron_keeps_what_its_layers_need_for_backward() -> None:
    """What enters each layer but the first, and the output for the loss: float32."""
    assert kept(MLP, SHIPPED, 3) == 3 * WIDTH * 4 * DEPTH


def test_numbers_of_16_bits_take_half_and_their_copies_of_weights_are_seen() -> None:
    """A network that casts by itself: one matrix in 16 bits, and its product."""

    class Casting(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(WIDTH, WIDTH))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            lowered: torch.Tensor = x.relu().bfloat16() @ self.weight.bfloat16()
            return lowered.float()

    net = Casting()
    inputs, targets = torch.randn(2, 3, WIDTH)
    work = Workload(net, inputs.requires_grad_(), targets)
    relu, product, loss = 3 * WIDTH * 4, 3 * WIDTH * 2, 3 * WIDTH * 4
    copy = WIDTH**2 * 2
    assert kept_by_forward(work, SHIPPED, "cpu") == relu + product + copy + loss


def test_a_row_adds_activations_alone() -> None:
    found = measure_memory(Block(0, 1, 2), MLP, SMALL, SHIPPED, 2)
    assert found["activations"] == WIDTH * 4 * DEPTH
    assert found["kept"] == 2 * WIDTH * 4 * DEPTH


@pytest.mark.parametrize("kind", NETS)
def test_the_peak_holds_weights_gradients_and_adams_two_moments(kind: str) -> None:
    work = workload(kind, SMALL, "cpu", 1, 2)
    weights = sum(p.nbytes for p in work.net.parameters())
    peak = peak_of_step(work, SHIPPED, "cpu")
    assert 4 * weights < peak < 4 * weights + 3 * kept(kind, SHIPPED, 2) + 2**20


def test_the_large_perceptron_is_judged_where_its_activations_outweigh_its_state() -> None:
    """Four float32 numbers of weights, gradients and moments; an activation of each layer a row."""
    depth, width = LARGE.mlp
    state = 16 * depth * (width**2 + width)
    judged = memory_large.DOMINATED[MLP]
    assert [4 * depth * width * rows > state for rows in memory_large.ROWS[MLP]] == [
        rows in judged for rows in memory_large.ROWS[MLP]
    ]


def test_batches_rise_and_both_studies_have_every_network() -> None:
    for module in (memory, memory_large):
        rows: dict[str, tuple[int, ...]] = module.ROWS
        assert set(rows) == set(NETS)
        assert all(a < b for batches in rows.values() for a, b in pairwise(batches))


def test_both_sizes_describe_every_kind_of_network() -> None:
    for size in (SMALL, LARGE, narrowed(LARGE, 4)):
        assert set(size.batch) == set(NETS)
    work: Any = workload(CNN, SMALL, "cpu", 1)
    assert work.net(work.inputs).shape == work.targets.shape


def test_narrowed_networks_are_built_and_take_the_same_batches() -> None:
    narrow = narrowed(LARGE, 4)
    assert narrow.mlp == (4, 1024)
    assert narrow.cnn == (16, 32, 64)
    assert narrow.transformer == (6, 256, 4)
    assert (narrow.batch, narrow.length, narrow.image) == (LARGE.batch, LARGE.length, LARGE.image)


@pytest.mark.parametrize("module", [memory, memory_large])
def test_the_figure_tells_the_planted_saving(module: Any) -> None:  # noqa: ANN401 - modules
    """bfloat16 takes three quarters of the bytes."""

    def planted(arm: Arm) -> float:
        return 75.0 if arm.as_dict()["precision"] in (BF16, BF16_SCALER) else 100.0

    rows = [
        {"block": block, **arm.as_dict(), "response": response, "value": planted(arm)}
        for block in (0, 1)
        for arm in module.EXPERIMENT.arms()
        for response in ("activations", "kept", "peak")
    ]
    with slide_style():
        figure = module.EXPERIMENT.figures[0](pd.DataFrame(rows))
    assert "with 25 % less memory" in figure.get_suptitle()
    assert "2 blocks" in figure.get_suptitle()
