"""Three kinds of network with batches of their size, and one training step with its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.libraries import functional, nn, torch
from harness.meters import live_storage, new_tensors_on, saved_tensors, total_bytes
from harness.workloads import convnet, encoder, tower

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor
    from torch.optim import Optimizer

CLASSES = 10
MLP, CNN, TRANSFORMER = NETS = (
    "small perceptron",
    "small convolutional network",
    "small transformer",
)
MLP_WIDTH, TOKEN_WIDTH, PIXELS = 256, 128, 32


def network(net: str, depth: int = 4) -> nn.Module:
    """A classifier of ``CLASSES`` classes with random weights.

    Args:
        net: one of ``NETS``. The perceptron has Linear layers of width 256 before its read-out; the
            convolutional network 3 stages for colour images of 32 x 32; the transformer encoder
            layers of width 128, and a read-out of the mean over all tokens.
        depth: how many layers; the convolutional network has its 3 stages whatever it is.
    """
    if net == CNN:
        return convnet((32, 64, 128), CLASSES)
    if net == MLP:
        return nn.Sequential(tower(depth, MLP_WIDTH), nn.Linear(MLP_WIDTH, CLASSES))
    from harness.workloads.deep_nets import MeanOverTokens  # a class of torch's, which loads it

    return nn.Sequential(
        encoder(depth, TOKEN_WIDTH), MeanOverTokens(), nn.Linear(TOKEN_WIDTH, CLASSES)
    )


def batch_of(net: str, rows: int, length: int = 64) -> tuple[Tensor, Tensor]:
    """A batch of random inputs for a network, and its labels.

    Args:
        net: see ``network``.
        rows: of the batch.
        length: tokens a row, for the transformer.
    """
    shape = {MLP: (MLP_WIDTH,), CNN: (3, PIXELS, PIXELS), TRANSFORMER: (length, TOKEN_WIDTH)}[net]
    return torch.rand(rows, *shape), torch.randint(CLASSES, (rows,))


@dataclass(frozen=True)
class StepParts:
    """The bytes of a training step, once the optimiser has its state.

    Attributes:
        parameters: of the model, its buffers included.
        gradients: of all parameters, when backward is done.
        optimiser: the optimiser's state.
        activations: the most that is kept for backward at one time, less parameters and batch.
        batch: inputs and labels.
        peak: the most that is alive at one time during the step, all of these included.
        tensors: how many tensors are saved for backward beside parameters and batch; 0 where that
            is not counted.
    """

    parameters: int
    gradients: int
    optimiser: int
    activations: int
    batch: int
    peak: int
    tensors: int = 0


def training_step(
    build: Callable[[], tuple[nn.Module, Tensor, Tensor]], device: str, micro_batches: int = 1
) -> StepParts:
    """Do a training step under Adam in float32, after one on a single row, and count it.

    Gradients are set to None before a step, torch's default.

    Args:
        build: returns the model, the inputs and the labels.
        device: where to.
        micro_batches: pieces the batch is cut into, whose gradients are accumulated.
    """
    with new_tensors_on(device), live_storage(device) as live:
        model, x, y = build()
        owned = [*model.parameters(), *model.buffers(), x, y]
        optimiser = torch.optim.Adam(model.parameters())
        _step(model, optimiser, x[:1], y[:1], 1)  # the optimiser makes its state
        live.peak_bytes = live.bytes
        with saved_tensors(owned) as saved:
            _step(model, optimiser, x, y, micro_batches)
        return StepParts(
            parameters=total_bytes([*model.parameters(), *model.buffers()]),
            gradients=total_bytes([parameter.grad for parameter in model.parameters()]),
            optimiser=total_bytes([list(state.values()) for state in optimiser.state.values()]),
            activations=saved.bytes,
            batch=total_bytes([x, y]),
            peak=live.peak_bytes,
            tensors=saved.count,
        )


def _step(model: nn.Module, optimiser: Optimizer, x: Tensor, y: Tensor, micro_batches: int) -> None:
    optimiser.zero_grad()
    for rows, labels in zip(x.chunk(micro_batches), y.chunk(micro_batches), strict=True):
        loss = functional.cross_entropy(model(rows), labels) / micro_batches
        loss.backward()
        del loss
    optimiser.step()
