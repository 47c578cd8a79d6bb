"""Levels of precision, and a training step taken in each of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.figures import BLACK, BLUE, GREEN, ORANGE, SKY, VERMILION
from harness.libraries import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor, nn

FP32, TF32, BF16, FP16 = "fp32", "tf32", "bf16", "fp16"
BF16_SCALER, FP16_SCALER = "bf16 + scaler", "fp16 + scaler"

#: float32 with and without TF32; autocast to 16 bits, with and without scaling of the loss.
LEVELS = (FP32, TF32, BF16, BF16_SCALER, FP16, FP16_SCALER)

COLOURS = {
    FP32: BLACK,
    TF32: SKY,
    BF16: BLUE,
    BF16_SCALER: GREEN,
    FP16: ORANGE,
    FP16_SCALER: VERMILION,
}


def half_type(level: str) -> torch.dtype | None:
    """The 16-bit type that a level casts to; None for float32 and TF32."""
    if level.startswith(BF16):
        return torch.bfloat16
    return torch.float16 if level.startswith(FP16) else None


def is_scaled(level: str) -> bool:
    """Whether a level scales the loss before backward."""
    return level in (BF16_SCALER, FP16_SCALER)


def autocast(level: str, device: str) -> torch.autocast:
    """The context in which the forward pass of a level runs; it does nothing for float32."""
    half = half_type(level)
    return torch.autocast(device, dtype=half or torch.bfloat16, enabled=half is not None)


@contextmanager
def float32_units(level: str) -> Iterator[None]:
    """Let float32 products of a GPU use TF32 at that level and at no other; then put back.

    PyTorch's own defaults allow it in convolutions and not in matrix products, so that "fp32" here
    is stricter than a script that sets nothing.
    """
    cudnn: Any = torch.backends.cudnn  # a module that is an object, which type checkers cannot see
    places = torch.backends.cuda.matmul, cudnn.conv
    before = [place.fp32_precision for place in places]
    try:
        for place in places:
            place.fp32_precision = "tf32" if level == TF32 else "ieee"
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
        level: one of ``LEVELS``.
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
