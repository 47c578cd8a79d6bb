"""Levels of precision, and a training step taken in each of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness import PerProfile
from harness.figures import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION
from harness.libraries import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor, nn

FP32, TF32, BF16, FP16 = "float32", "TF32", "bfloat16", "float16"
#: 32 bits as PyTorch ships them: a GPU's convolutions use TF32, its matrix products do not.
SHIPPED = "float32 as shipped"
BF16_SCALER, FP16_SCALER = "bfloat16 and a scaler", "float16 and a scaler"

#: float32; autocast to 16 bits, with and without scaling of the loss.
LEVELS = (FP32, BF16, BF16_SCALER, FP16, FP16_SCALER)

#: For how long a level runs alone in each block, on a GPU: some seconds over the blocks of a run.
SECONDS_ALONE = PerProfile(0.02, 0.2, 0.5)

COLOURS = {
    SHIPPED: BLACK,
    FP32: PURPLE,
    TF32: SKY,
    BF16: BLUE,
    BF16_SCALER: GREEN,
    FP16: ORANGE,
    FP16_SCALER: VERMILION,
}

#: What a level asks of the float32 products of a GPU; the others leave PyTorch's settings alone.
_UNITS = {FP32: "ieee", TF32: "tf32"}


def half_type(level: str) -> torch.dtype | None:
    """The 16-bit type that a level casts to; None for those of 32 bits."""
    if level.startswith(BF16):
        return torch.bfloat16
    return torch.float16 if level.startswith(FP16) else None


def is_scaled(level: str) -> bool:
    """Whether a level scales the loss before backward."""
    return level in (BF16_SCALER, FP16_SCALER)


def autocast(level: str, device: str) -> torch.autocast:
    """The context in which the forward pass of a level runs; it does nothing for 32 bits."""
    half = half_type(level)
    return torch.autocast(device, dtype=half or torch.bfloat16, enabled=half is not None)


@contextmanager
def float32_units(level: str) -> Iterator[None]:
    """Let float32 products of a GPU use TF32 at that level, and not at "float32"; then put back."""
    if level not in _UNITS:
        yield
        return
    cudnn: Any = torch.backends.cudnn  # a module that is an object, which type checkers cannot see
    places = torch.backends.cuda.matmul, cudnn.conv
    before = [place.fp32_precision for place in places]
    try:
        for place in places:
            place.fp32_precision = _UNITS[level]
        yield
    finally:
        for place, setting in zip(places, before, strict=True):
            place.fp32_precision = setting


def make_step(
    net: nn.Module,
    optimiser: torch.optim.Optimizer,
    loss_of: Callable[..., Tensor],
    level: str,
    device: str,
) -> Callable[..., Tensor]:
    """A training step as PyTorch's documentation has it: forward in autocast, backward outside.

    Args:
        net: is trained in place.
        optimiser: of its parameters.
        loss_of: from the network, and what the step is given, to the loss.
        level: one of precision.
        device: "cpu" or "cuda".

    Returns:
        A function that takes one step and returns its loss, which is not scaled.
    """
    scaler = torch.amp.GradScaler(device, enabled=is_scaled(level))

    def step(*batch: Tensor) -> Tensor:
        optimiser.zero_grad()
        with float32_units(level):
            with autocast(level, device):
                loss = loss_of(net, *batch)
            scaler.scale(loss).backward()
            scaler.step(optimiser)
            scaler.update()
        return loss.detach()

    return step
