"""A pass forward with and without a graph."""

from __future__ import annotations

from typing import Any

import pytest

from harness.design.factors import Arm, Block
from studies.memory.without_graph import measure
from studies.memory.workloads import MLP, MLP_WIDTH, TRANSFORMER


def measured(net: str, depth: int, batch: int, grad: str) -> dict[str, Any]:
    levels = (("net", net), ("depth", depth), ("batch", batch), ("grad", grad))
    return dict(measure(Block(0, 1, 2), Arm(levels)))


def test_without_a_graph_an_mlp_holds_the_input_and_the_output_of_one_layer() -> None:
    assert measured(MLP, 12, 256, "no_grad")["beyond"] == 2


def test_with_a_graph_it_holds_the_output_of_every_layer() -> None:
    """Eleven ReLUs and the last Linear, and beside them only logits and losses."""
    found = measured(MLP, 12, 256, "enabled")["beyond"]
    assert found == pytest.approx(12, abs=0.15)


def test_weights_and_batch_are_those_of_a_calculation_by_hand() -> None:
    weights = 4 * 4 * (MLP_WIDTH**2 + MLP_WIDTH) + 4 * (10 * MLP_WIDTH + 10)
    batch = 32 * (4 * MLP_WIDTH + 8)
    found = measured(MLP, 4, 32, "no_grad")
    assert found["there"] == pytest.approx((weights + batch) / 1e6)
    assert found["peak"] == pytest.approx((weights + batch + 2 * 4 * 32 * MLP_WIDTH) / 1e6)


def test_what_a_fused_encoder_layer_needs_within_itself_counts() -> None:
    """Its feed-forward part alone is four times as wide as its input."""
    assert measured(TRANSFORMER, 4, 32, "no_grad")["beyond"] >= 4
