"""A program that finds no GPU: it sets mixed precision up and prints what came of it as JSON.

Run as ``python -m studies.amp.without_gpu`` with the GPUs hidden; ``as_listed`` does.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import TYPE_CHECKING

from harness.libraries import functional, torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

#: What a line of code sets up; the first two are those of document C, which name no device or CUDA.
LINES = ("GradScaler()", "autocast('cuda')", "GradScaler('cpu')", "autocast('cpu')")


def main() -> None:
    """Print what each line says and does on this machine."""
    found = {line: try_line(line) for line in LINES}
    json.dump(found, sys.stdout)


def try_line(line: str) -> dict[str, float]:
    """Take a training step with what a line sets up: warnings, failures, and whether it acts."""
    steps: dict[str, Callable[[], bool]] = {
        LINES[0]: lambda: scales(torch.amp.GradScaler()),
        LINES[1]: lambda: lowers(torch.amp.autocast(device_type="cuda", dtype=torch.bfloat16)),
        LINES[2]: lambda: scales(torch.amp.GradScaler("cpu")),
        LINES[3]: lambda: lowers(torch.amp.autocast(device_type="cpu", dtype=torch.bfloat16)),
    }
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            acts, failed = steps[line](), False
        except Exception:  # noqa: BLE001 - that PyTorch raises is what is counted
            acts, failed = False, True
    return {"warnings": float(len(said)), "failed": float(failed), "in_effect": float(acts)}


def scales(scaler: torch.amp.GradScaler) -> bool:
    """Train a step with a scaler; whether it scales the loss."""
    weight, optimiser = one_weight()
    loss = weight.square().sum()
    scaled = scaler.scale(loss)
    scaled.backward()
    scaler.step(optimiser)
    scaler.update()
    return scaled.item() != loss.item()


def lowers(context: torch.amp.autocast) -> bool:
    """Train a step in a context; whether its matrix product runs in 16 bits."""
    weight, optimiser = one_weight()
    with context:
        product = functional.linear(torch.ones(1, 1), weight)
    product.sum().backward()
    optimiser.step()
    return product.dtype.itemsize == 2


def one_weight() -> tuple[Tensor, torch.optim.Optimizer]:
    """The smallest network there is, and its optimiser."""
    weight = torch.ones(1, 1, requires_grad=True)
    return weight, torch.optim.SGD([weight], lr=0.1)


if __name__ == "__main__":
    main()
