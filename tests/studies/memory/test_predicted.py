"""The experiments that predict on fake tensors, each against a second way of counting."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from harness.design.factors import Arm, Block
from harness.meters.predict import Step, measured_memory, predicted_memory
from studies.memory import activations, one_card, seven_billion, ten_thousand, without_graph
from studies.memory.large import BERT, TOKENS, predicted_step
from studies.memory.llama import SMALL, default_type, forward, forward_without_graph, llama
from studies.memory.workloads import NETS, batch_of, network, training_step

BLOCK = Block(0, 1, 2)


def arm(**levels: str | int) -> Arm:
    return Arm(tuple(levels.items()))


def test_bert_keeps_for_real_what_it_is_predicted_to_keep() -> None:
    def build() -> tuple[nn.Module, Tensor]:
        config = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4)
        model: nn.Module = BertModel(config)
        return model.eval(), torch.zeros(2, 16, dtype=torch.long)

    def step(model: nn.Module, tokens: Tensor) -> object:
        return model(tokens)

    assert predicted_memory(build, step) == measured_memory(build, step)


def test_activations_grow_with_the_tokens_and_weights_do_not() -> None:
    at = arm(net=activations.SMALL, mode="evaluation", length=128, batch=1)
    one = activations.measure(BLOCK, at)
    eight = activations.measure(BLOCK, at.replaced(batch=8))
    assert eight["weights"] == one["weights"]
    assert eight["activations"] / one["activations"] == pytest.approx(8, rel=0.02)  # type: ignore[operator]


@pytest.mark.parametrize("net", NETS)
def test_a_step_is_predicted_as_it_is_measured(net: str) -> None:
    def build() -> tuple[nn.Module, Tensor, Tensor]:
        return network(net, 2), *batch_of(net, 16, length=8)

    measured, predicted = training_step(build, "cpu"), predicted_step(build, "cpu")
    for part in ("parameters", "gradients", "optimiser", "activations", "batch", "peak"):
        assert getattr(predicted, part) == getattr(measured, part), part


@pytest.mark.parametrize("net", NETS)
def test_the_last_micro_batch_has_the_peak_of_a_step_in_micro_batches(net: str) -> None:
    def build() -> tuple[nn.Module, Tensor, Tensor]:
        return network(net, 2), *batch_of(net, 16, length=8)

    whole, last = training_step(build, "cpu", micro_batches=8), predicted_step(build, "cpu", 2)
    assert last.peak == pytest.approx(whole.peak, abs=100)  # a loss and its like
    assert last.activations == whole.activations


def test_what_one_layer_takes_is_that_of_a_count_by_hand() -> None:
    """Of BERT's: its input twice over (the residual), a part four times as wide, twice as well."""
    rows, token = 3, 4 * 768 * TOKENS
    found = without_graph.one_layer(BERT, rows, "cpu")
    assert 9 * rows * token <= found <= 11 * rows * token


@pytest.mark.parametrize(
    ("kind", "numbers"), [("784 numbers", 784), ("image of 224 x 224", 150528)]
)
def test_the_size_of_the_data_is_that_of_its_numbers_and_labels(kind: str, numbers: int) -> None:
    data, peak = ten_thousand.predicted(kind, "shallow", "cpu")
    assert data == 10_000 * (4 * numbers + 8)
    assert peak > data


def test_a_pass_is_counted_in_cards_of_their_size() -> None:
    sizes = {("784 numbers", "deep"): (10**9, 12 * 10**9)}
    for card, cards in ((8, 1.5), (24, 0.5)):
        at = arm(example="784 numbers", depth="deep", card=card)
        assert ten_thousand.measure(sizes, at) == {"data": 1, "peak": 12, "over_card": cards}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("step", [forward, forward_without_graph])
def test_a_small_llama_takes_what_it_is_predicted_to_take(
    precision: str, step: Step[Tensor]
) -> None:
    build = llama(precision, 2, 16, SMALL)
    assert predicted_memory(build, step) == measured_memory(build, step)


def test_weights_are_of_the_precision_and_the_default_comes_back() -> None:
    model, tokens = llama("bfloat16", 1, 4, SMALL)()
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert torch.get_default_dtype() == torch.float32
    assert tokens.shape == (1, 4)
    with pytest.raises(ZeroDivisionError), default_type(torch.float64):
        _ = 1 / 0
    assert torch.get_default_dtype() == torch.float32


def test_the_graph_of_seven_billion_parameters_is_that_of_a_count_by_hand() -> None:
    """What a layer keeps for a token, in 16-bit numbers of its width.

    Each of 2 norms: its input in 32 bits (2), and what it gives before and after its weight (2).
    Attention: rotated queries and keys, values, and the result (4). The gated part, 11008 / 4096 as
    wide: the gate before and after its SiLU, what it multiplies, and the product (4).
    """
    cell = seven_billion.Cell(BLOCK, {("bfloat16", "enabled"): 0.0})
    found: dict[str, Any] = dict(
        seven_billion.measure(cell, arm(precision="bfloat16", grad="enabled", rows=1))
    )
    assert found["weights"] == pytest.approx(6_738_415_616 * 2 / 1e9)
    a_token_and_layer = 2 * (2 + 2) + 4 + 4 * 11008 / 4096
    by_hand = 32 * 2048 * 4096 * 2 * a_token_and_layer / 1e9
    assert found["graph"] == pytest.approx(by_hand, rel=0.01)


@pytest.mark.parametrize(
    ("card", "without", "with_graph", "decides"),
    [(16, 1, 2, 1), (24, 1, 2, 1), (30, 1, 1, 0), (12, 2, 3, 0)],
)
def test_cards_are_counted_by_their_memory(
    card: int, without: int, with_graph: int, decides: int
) -> None:
    found = one_card.measure({1: (15.0, 25.0)}, arm(rows=1, card=card))
    assert found["cards_without_graph"] == without
    assert found["cards_with_graph"] == with_graph
    assert found["decides"] == decides
