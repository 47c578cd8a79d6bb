"""Predicted memory: against closed forms, and against what the same step takes for real."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from harness.errors import HarnessError
from harness.meters.memory import allocator_peak
from harness.meters.predict import (
    fake_tensors,
    measured_memory,
    own_recurrent_kernels,
    predicted_memory,
)
from harness.workloads.networks import convnet, encoder, tower

if TYPE_CHECKING:
    from torch.optim import Optimizer

DEPTH, WIDTH, ROWS = 6, 32, 8
MATRIX, VECTOR, ACTIVATION = 4 * WIDTH * WIDTH, 4 * WIDTH, 4 * ROWS * WIDTH


def build_tower() -> tuple[nn.Module, Tensor]:
    return tower(DEPTH, WIDTH), torch.rand(ROWS, WIDTH)


def forward_and_backward(model: nn.Module, x: Tensor) -> None:
    model(x).sum().backward()


def no_grad(model: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        out: Tensor = model(x)
    return out


def test_a_tower_keeps_the_input_of_every_layer_but_the_first() -> None:
    """Each Linear saves its input, and each ReLU its result, which is the next layer's input."""
    predicted = predicted_memory(build_tower, forward_and_backward)
    assert predicted.parameters == DEPTH * (WIDTH * WIDTH + WIDTH)
    assert predicted.parameter_bytes == DEPTH * (MATRIX + VECTOR)
    assert predicted.built_bytes == DEPTH * (MATRIX + VECTOR) + ACTIVATION
    assert predicted.saved_bytes == (DEPTH - 1) * ACTIVATION, "the first input was there before"
    assert predicted.end_bytes == predicted.built_bytes + DEPTH * (MATRIX + VECTOR), "gradients"


def test_inference_holds_two_activations_at_a_time() -> None:
    """A layer's input and its result; Linear has no temporary of its own."""
    predicted = predicted_memory(build_tower, no_grad)
    assert predicted.saved_bytes == 0
    assert predicted.peak_bytes == predicted.built_bytes + 2 * ACTIVATION
    assert predicted.end_bytes == predicted.built_bytes + ACTIVATION, "its result is still held"


def test_adam_holds_two_numbers_a_parameter_from_its_first_step_on() -> None:
    def build() -> tuple[nn.Module, tuple[Tensor, Optimizer]]:
        model, x = build_tower()
        return model, (x, torch.optim.Adam(model.parameters(), fused=True))

    def step(model: nn.Module, rest: tuple[Tensor, Optimizer]) -> None:
        x, optimiser = rest
        model(x).sum().backward()
        optimiser.step()
        optimiser.zero_grad()

    predicted = predicted_memory(build, step, steps=2)
    counters = 2 * DEPTH * 4  # fused Adam counts its steps in a float32 for each tensor
    weights = DEPTH * (MATRIX + VECTOR)
    assert predicted.end_bytes == predicted.built_bytes + 2 * weights + counters
    assert predicted.peak_bytes >= predicted.end_bytes + weights, "gradients come on top"
    assert measured_memory(build, step, steps=2) == predicted


def text_model(attention: str) -> Callable[[], tuple[nn.Module, Tensor]]:
    def build() -> tuple[nn.Module, Tensor]:
        config = LlamaConfig(
            hidden_size=64,
            intermediate_size=172,
            num_hidden_layers=3,
            num_attention_heads=4,
            vocab_size=100,
        )
        made: Any = AutoModelForCausalLM  # without annotations
        return made.from_config(config, attn_implementation=attention), torch.zeros(
            2, 16, dtype=torch.long
        )

    return build


def text_step(model: nn.Module, tokens: Tensor) -> None:
    model(input_ids=tokens, labels=tokens).loss.backward()


@pytest.mark.parametrize(
    ("build", "step"),
    [
        (build_tower, forward_and_backward),
        (lambda: (encoder(2, 16, dropout=0.1), torch.rand(2, 5, 16)), forward_and_backward),
        (lambda: (encoder(2, 16).eval(), torch.rand(2, 5, 16)), no_grad),
        (lambda: (convnet((4, 8), 3), torch.rand(2, 3, 16, 16)), forward_and_backward),
        (lambda: (convnet((4, 8), 3).eval(), torch.rand(2, 3, 16, 16)), no_grad),
        (text_model("eager"), text_step),
        (text_model("sdpa"), text_step),
    ],
)
def test_what_is_predicted_is_what_is_measured_to_the_byte(
    build: Callable[[], tuple[nn.Module, Tensor]], step: Callable[[nn.Module, Tensor], object]
) -> None:
    assert predicted_memory(build, step) == measured_memory(build, step)


def test_a_prediction_is_within_a_hundredth_of_the_allocators_peak() -> None:
    """The independent measure: blocks that the allocator hands out, temporary ones included."""

    def build() -> tuple[nn.Module, Tensor]:
        return encoder(4, 64), torch.rand(8, 32, 64)

    with allocator_peak("cpu") as allocator:
        model, x = build()
        forward_and_backward(model, x)
    predicted = predicted_memory(build, forward_and_backward)
    assert predicted.peak_bytes == pytest.approx(allocator.peak_bytes, rel=0.01)


def test_an_lstm_on_the_cpu_keeps_a_workspace_whose_size_is_not_predicted() -> None:
    """If this fails, torch has learnt to say its size: the module's docstring can be shortened."""

    def build() -> tuple[nn.Module, Tensor]:
        return nn.LSTM(8, 16, batch_first=True), torch.rand(2, 5, 8)

    def step(model: nn.Module, x: Tensor) -> None:
        model(x)[0].sum().backward()

    assert predicted_memory(build, step).saved_bytes < measured_memory(build, step).saved_bytes


class CudnnSeen(TorchDispatchMode):
    """Writes down whether cuDNN may be used, operation by operation."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.allowed: list[bool] = []

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        self.allowed.append(torch.backends.cudnn.enabled)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.RNN])
def test_cudnn_is_kept_from_recurrent_layers_and_from_nothing_else(
    layer: Callable[[int, int], nn.Module],
) -> None:
    recurrent, convolution = layer(8, 16), nn.Conv1d(8, 4, 1)
    with own_recurrent_kernels(), CudnnSeen() as seen:
        convolution(torch.zeros(8, 5))
        assert all(seen.allowed)
        seen.allowed.clear()
        recurrent(torch.zeros(2, 5, 8))
        assert False in seen.allowed
        seen.allowed.clear()
        convolution(torch.zeros(8, 5))
        assert all(seen.allowed)


def test_cudnn_is_back_after_a_recurrent_layer_that_failed() -> None:
    with own_recurrent_kernels(), pytest.raises(RuntimeError, match=r"input\.size|shape"):
        nn.LSTM(8, 16)(torch.zeros(2, 5, 9))
    assert torch.backends.cudnn.enabled


def test_seven_billion_parameters_need_no_memory_to_be_predicted() -> None:
    """Counted by hand for Llama's shape: 32 layers of 4 square and 3 long matrices and 2 norms."""
    width, long, words = 4096, 11008, 32000
    layer = 4 * width**2 + 3 * width * long + 2 * width
    expected = 32 * layer + 2 * words * width + width
    with fake_tensors():
        model = LlamaForCausalLM(LlamaConfig())
        assert sum(parameter.numel() for parameter in model.parameters()) == expected
    assert expected == 6_738_415_616


def test_a_prediction_for_cuda_without_a_cuda_build_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: False)
    with pytest.raises(HarnessError, match="needs a build of torch with CUDA"):
        predicted_memory(build_tower, no_grad, device="cuda")


@pytest.mark.skipif(not torch.backends.cuda.is_built(), reason="torch is built without CUDA")
def test_a_forward_pass_for_cuda_is_predicted_without_a_gpu() -> None:
    kept = []
    predicted = predicted_memory(build_tower, lambda model, x: kept.append(model(x)), device="cuda")
    assert predicted.saved_bytes == (DEPTH - 1) * ACTIVATION


@pytest.mark.skipif(
    not torch.backends.cuda.is_built() or torch.cuda.is_available(),
    reason="torch is built without CUDA, or there is a GPU",
)
def test_a_backward_pass_for_cuda_is_refused_without_a_gpu() -> None:
    with pytest.raises(HarnessError, match="a forward pass alone needs none"):
        predicted_memory(build_tower, forward_and_backward, device="cuda")


@pytest.mark.cuda
@pytest.mark.parametrize("layers", [1, 2])
def test_an_lstm_for_cuda_is_predicted_to_keep_its_gates(layers: int) -> None:
    """Four gates and a state for each place of each row: no kernel's backward does with less."""
    rows, length, width = 4, 10, 16

    def build() -> tuple[nn.Module, Tensor]:
        return nn.LSTM(8, width, layers, batch_first=True), torch.rand(rows, length, 8)

    def step(model: nn.Module, x: Tensor) -> None:
        model(x)[0].sum().backward()

    predicted = predicted_memory(build, step, device="cuda")
    assert predicted.saved_bytes >= layers * rows * length * 5 * width * 4
    measured = measured_memory(build, step, device="cuda")
    assert predicted.parameter_bytes == measured.parameter_bytes


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
def test_on_cuda_a_prediction_is_within_a_hundredth_of_what_is_measured() -> None:
    def build() -> tuple[nn.Module, Tensor]:
        return tower(8, 512), torch.rand(4096, 512)

    with allocator_peak("cuda") as allocator:
        measured = measured_memory(build, forward_and_backward, device="cuda")
    predicted = predicted_memory(build, forward_and_backward, device="cuda")
    assert predicted == measured
    workspace = 9 * 2**20  # cuBLAS keeps its own, once a process
    assert allocator.grown_bytes - workspace <= predicted.peak_bytes * 1.01
    assert predicted.peak_bytes <= allocator.grown_bytes
