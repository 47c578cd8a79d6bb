"""The experiments that predict on fake tensors, each against a second way of counting."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from harness.design.factors import Arm, Block
from harness.meters.predict import Step, measured_memory, predicted_memory
from studies.memory import activations, one_card, seven_billion, ten_thousand
from studies.memory.llama import SMALL, default_type, forward, forward_without_graph, llama

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
    one = activations.measure(BLOCK, arm(shape=activations.SMALL, batch=1, length=128))
    eight = activations.measure(BLOCK, arm(shape=activations.SMALL, batch=8, length=128))
    assert eight["parameters"] == one["parameters"]
    assert eight["activations"] / one["activations"] == pytest.approx(8, rel=0.02)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("kind", "numbers"), [("784 numbers", 784), ("image of 224 x 224", 150528)]
)
def test_the_size_of_the_data_is_that_of_its_numbers_and_labels(kind: str, numbers: int) -> None:
    found: dict[str, Any] = dict(ten_thousand.measure(BLOCK, arm(example=kind, depth="shallow")))
    assert found["data"] == pytest.approx(10_000 * (4 * numbers + 8) / 1e9)
    assert found["peak"] > found["data"]


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
    found: dict[str, Any] = dict(
        seven_billion.measure(BLOCK, arm(precision="bfloat16", grad="enabled", rows=1))
    )
    assert found["weights"] == pytest.approx(6_738_415_616 * 2 / 1e9)
    assert found["small_model_off"] == 0
    a_token_and_layer = 2 * (2 + 2) + 4 + 4 * 11008 / 4096
    by_hand = 32 * 512 * 4096 * 2 * a_token_and_layer / 1e9
    assert found["graph"] == pytest.approx(by_hand, rel=0.01)


def test_cards_are_counted_by_the_memory_of_the_one_at_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In 24 GB go 16 but not 38; the peaks are those of the other experiment's figure."""
    card = SimpleNamespace(total_memory=24 * 10**9)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: card)
    arms = [arm(grad="no_grad"), arm(grad="enabled")]
    real: list[Any] = [one_card.measure(BLOCK, each) for each in arms]
    assert [found["cards"] for found in real] == [1, 2]
    assert [found["peak"] for found in real] == pytest.approx([16.0, 38.3], abs=0.1)

    def known(build: object, step: object, *, device: str) -> SimpleNamespace:
        return SimpleNamespace(peak_bytes=real[step is forward]["peak"] * 1e9)

    monkeypatch.setattr(one_card, "predicted_memory", known)
    for gigabytes, expected in ((80, [1, 1]), (12, [2, 4])):
        card.total_memory = gigabytes * 10**9
        assert [one_card.measure(BLOCK, each)["cards"] for each in arms] == expected


def test_the_scalar_of_a_squared_error_keeps_a_storage_of_all_its_terms_on_a_cpu() -> None:
    """Why one network of the validation is predicted badly; if this fails, it is no longer."""
    x, y = torch.rand(1000, requires_grad=True), torch.zeros(1000)
    assert functional.mse_loss(x, y).untyped_storage().nbytes() == 4000
    assert functional.cross_entropy(x, y).untyped_storage().nbytes() == 4
