"""Bytes of a step in 16 bits and in 32, against what can be counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from harness.design.factors import Arm, Block
from studies.amp.memory import kept_by_forward, measure, peak_of_step
from studies.amp.models import CNN, MLP, NETS
from studies.amp.precision import BF16, FP32
from studies.amp.workloads import LARGE, SMALL, workload

DEPTH, WIDTH = SMALL.mlp


def kept(kind: str, level: str, rows: int) -> float:
    return kept_by_forward(workload(kind, SMALL, "cpu", 1, rows), level, "cpu")


def test_a_perceptron_keeps_what_its_layers_need_for_backward() -> None:
    """Float32: what enters each layer but the first, and the output for the loss."""
    assert kept(MLP, FP32, 3) == 3 * WIDTH * 4 * DEPTH


def test_in_16_bits_it_keeps_halves_and_copies_of_the_weights() -> None:
    """Two bytes for all that enters a layer, the loss's output in float32, copies of 3 matrices.

    The first matrix is not needed: the inputs take no gradient.
    """
    activations = 3 * WIDTH * (2 * DEPTH + 4)
    assert kept(MLP, BF16, 3) == activations + (DEPTH - 1) * WIDTH**2 * 2


def test_a_row_adds_activations_alone() -> None:
    block = Block(0, 1, 2)
    arm = Arm((("net", MLP), ("batch", 2), ("precision", BF16)))
    assert measure(block, arm)["activations"] == WIDTH * (2 * DEPTH + 4)


@pytest.mark.parametrize("kind", NETS)
def test_the_peak_holds_weights_gradients_and_adams_two_moments(kind: str) -> None:
    work = workload(kind, SMALL, "cpu", 1, 2)
    weights = sum(p.nbytes for p in work.net.parameters())
    peak = peak_of_step(work, FP32, "cpu")
    assert 4 * weights < peak < 4 * weights + 3 * kept(kind, FP32, 2) + 2**20


def test_both_sizes_describe_every_kind_of_network() -> None:
    for size in (SMALL, LARGE):
        assert set(size.batch) == set(NETS)
    work: Any = workload(CNN, SMALL, "cpu", 1)
    assert work.net(work.inputs).shape == work.targets.shape
