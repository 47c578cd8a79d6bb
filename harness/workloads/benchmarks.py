"""What ``regress`` times and weighs: plain functions, over networks and steps of the studies.

Each takes the device and returns the work; how one is declared stands in
``harness.catalogue.benchmarks``. A call takes a CPU core less than about ten milliseconds. The file
runs in other interpreters than the project's own, which have torch and maybe nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.libraries import functional, nn, torch
from harness.workloads.networks import convnet, encoder, mlp, tower
from harness.workloads.timed import Work, forward_pass, tiny_operations, training_step

if TYPE_CHECKING:
    from torch import Tensor

Weight: TypeAlias = Callable[[], float]

#: The optimisers step over so many matrices of so many rows and columns.
MATRICES, SIDE = 24, 64


def dispatch(device: str, *, margin: float = 0.03) -> Work:
    """Sixty multiplications of 16 numbers with gradients enabled: nothing but bookkeeping."""
    return tiny_operations(device)


def forward_grad_enabled(device: str) -> Work:
    """A forward pass of a small perceptron in eval mode with gradients enabled."""
    return _forward(device)


def forward_no_grad(device: str) -> Work:
    """The same pass under no_grad."""
    return _within(torch.no_grad, _forward(device))


def forward_inference_mode(device: str) -> Work:
    """The same pass in inference mode."""
    return _within(torch.inference_mode, _forward(device))


def matmul(device: str) -> Work:
    """A product of two float32 matrices, 256 by 256 (2,048 on a GPU)."""
    side = 2048 if device == "cuda" else 256
    first, second = torch.randn(2, side, side, device=device)
    return lambda: first @ second


def training_step_perceptron(device: str) -> Work:
    """A step of a perceptron with dropout: forward, backward, SGD."""
    return _training_step(mlp(64, 10, dropout=0.1), device, (64, 64), 10)


def training_step_transformer(device: str) -> Work:
    """A step of one transformer layer: forward, backward, SGD."""
    return _training_step(encoder(1, 64), device, (8, 16, 64), 64)


def adam_step_for_loop(device: str) -> Work:
    """A step of Adam over 24 matrices, one after another."""
    return _optimiser(device, foreach=False).step


def adam_step_foreach(device: str) -> Work:
    """The same step over all matrices together."""
    return _optimiser(device, foreach=True).step


def adam_step_fused(device: str) -> Work:
    """The same step in one fused operation."""
    return _optimiser(device, fused=True).step


def zero_grad_to_none(device: str) -> Work:
    """Gradients of 24 matrices set to None, and given back."""
    optimiser = _optimiser(device)
    parameters = optimiser.param_groups[0]["params"]
    gradients = [parameter.grad for parameter in parameters]

    def work() -> None:
        optimiser.zero_grad()
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient

    return work


def zero_grad_to_zeros(device: str) -> Work:
    """Gradients of 24 matrices filled with zeros."""
    optimiser = _optimiser(device)
    return lambda: optimiser.zero_grad(set_to_none=False)


def autocast_step_bfloat16(device: str) -> Work:
    """A training step of four linear layers under autocast to bfloat16."""
    cast = torch.autocast(device, torch.bfloat16)
    return _training_step(tower(4, 256), device, (32, 256), 256, cast)


def loader_epoch(device: str) -> Work:
    """An epoch of a DataLoader without workers: 256 examples of 64 numbers, shuffled, moved."""
    from torch.utils.data import DataLoader, TensorDataset

    data = TensorDataset(torch.randn(256, 64), torch.randint(10, (256,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)

    def epoch() -> None:
        for x, y in loader:
            x.to(device), y.to(device)

    return epoch


def convolution_deterministic(device: str) -> Work:
    """Forward and backward of a conv net with deterministic algorithms."""
    net = convnet((16, 32), 10).to(device)
    x = torch.randn(8, 3, 32, 32, device=device)

    def step() -> None:
        # The setting is the process's own: the next benchmark must not find it.
        before = torch.backends.cudnn.deterministic
        torch.backends.cudnn.deterministic = True
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            net(x).sum().backward()
        finally:
            torch.use_deterministic_algorithms(False)
            torch.backends.cudnn.deterministic = before

    return step


def attention(device: str) -> Work:
    """Scaled dot-product attention, 4 heads of 32, 64 tokens: forward and backward."""
    query, key, value = (
        torch.randn(4, 4, 64, 32, device=device, requires_grad=True) for _ in range(3)
    )
    return lambda: functional.scaled_dot_product_attention(query, key, value).sum().backward()


def compiled_forward(device: str, *, needs: str = "compiler") -> Work:
    """A forward pass of a perceptron that torch.compile has compiled."""
    from torch._inductor import config

    # Whether the compiler can build for this CPU is tried by processes that import torch, one after
    # another, in every process of every trio: that takes longer than all that is measured.
    config.cpp.vec_isa_ok = True
    net = torch.compile(mlp(64, 10).to(device).eval())
    x = torch.randn(32, 64, device=device)
    with torch.no_grad():
        net(x)
    return _within(torch.no_grad, lambda: net(x))


def saved_for_backward(device: str, *, unit: str = "B", margin: float = 1e-6) -> Weight:
    """Bytes that a transformer layer saves for backward, beside its weights and inputs."""
    net = encoder(1, 64).to(device)
    x = torch.randn(8, 16, 64, device=device)
    return lambda: _saved_bytes(net, x)


def allocator_peak(
    device: str, *, unit: str = "B", margin: float = 0.005, needs: str = "cuda"
) -> Weight:
    """The peak of allocated bytes in a training step of a transformer layer."""
    step = _training_step(encoder(2, 256), device, (16, 64, 256), 256)
    step()

    def peak() -> float:
        torch.cuda.reset_peak_memory_stats()
        step()
        return float(torch.cuda.max_memory_allocated())

    return peak


def _forward(device: str) -> Work:
    return forward_pass(mlp(64, 10), device, 32, 64)


def _within(context: Callable[[], Any], work: Work) -> Work:
    """The work in a context that is entered for every call."""

    def inside() -> None:
        with context():
            work()

    return inside


def _training_step(
    net: nn.Module,
    device: str,
    shape: tuple[int, ...],
    outputs: int,
    cast: Any = None,  # noqa: ANN401 - a context
) -> Work:
    """A step of SGD towards random targets."""
    net = net.to(device)
    x = torch.randn(shape, device=device)
    y = torch.randn((*shape[:-1], outputs), device=device)
    optimiser = torch.optim.SGD(net.parameters(), lr=1e-3)
    return training_step(optimiser, lambda: functional.mse_loss(net(x), y), cast=cast)


def _optimiser(device: str, **settings: Any) -> torch.optim.Optimizer:  # noqa: ANN401 - Adam's own
    """Adam over matrices with gradients, after its first step, which makes its state."""
    parameters = [nn.Parameter(torch.randn(SIDE, SIDE, device=device)) for _ in range(MATRICES)]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    optimiser = torch.optim.Adam(parameters, lr=1e-5, **settings)
    optimiser.step()
    return optimiser


def _saved_bytes(net: nn.Module, x: Tensor) -> float:
    """What ``harness.meters.saved`` counts, in the few lines that need torch alone."""
    owned = {t.untyped_storage().data_ptr() for t in (*net.parameters(), x)}
    saved: dict[int, Any] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in owned:
            saved[storage.data_ptr()] = storage  # held, so that no address comes again
        return tensor.detach()

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        net(x)
    return float(sum(storage.nbytes() for storage in saved.values()))
