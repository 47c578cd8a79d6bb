"""Document C's lines for mixed precision, taken through a step in a process of their own.

Run as ``python -m studies.amp.listing`` this prints what came of each as JSON. It sees the GPUs or,
where they are hidden from it, none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, TypeAlias

from harness import Factor, Response
from harness.libraries import functional, torch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from harness import Arm, Responses

#: The scaler made without an argument and autocast opened for "cuda", as listed; the same two lines
#: for the processor; and a line that is known to warn.
SCALER, AUTOCAST, LOOP = "the scaler as listed", "autocast as listed", "the loop as listed"
CPU_SCALER, CPU_AUTOCAST = "a scaler for the processor", "autocast for the processor"
WARNING = "a line that warns"
AS_LISTED = (SCALER, AUTOCAST, LOOP)
FOR_THE_PROCESSOR = (CPU_SCALER, CPU_AUTOCAST)

LINE = Factor("line", (*AS_LISTED, *FOR_THE_PROCESSOR, WARNING))

RESPONSES = (
    Response("warnings", "warnings", "number of warnings"),
    Response("failed", "yes/no", "the line raises an error"),
    Response("in_effect", "yes/no", "the line does what it is for"),
)

#: What each line gave, by response.
Found: TypeAlias = "dict[str, dict[str, float]]"


def found_by_a_process(hidden: Mapping[str, str]) -> Found:
    """Try all lines in a new process.

    Args:
        hidden: variables of its environment, beside those of this process.
    """
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-m", "studies.amp.listing"],
        env={**os.environ, **hidden, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    found: Found = json.loads(done.stdout)
    return found


def measure(found: Found, arm: Arm) -> Responses:
    """What became of one line."""
    return found[arm[LINE]]


def main() -> None:
    """Print what each line says and does on this machine."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    json.dump({line: try_line(line, device) for line in LINE.levels}, sys.stdout)


def try_line(line: str, device: str) -> dict[str, float]:
    """Take a training step with what a line sets up: warnings, failures, and whether it acts.

    Args:
        line: a level of ``LINE``.
        device: where the tensors of the lines as listed are.
    """
    steps: dict[str, Callable[[], bool]] = {
        SCALER: lambda: scales(torch.amp.GradScaler(), device),
        AUTOCAST: lambda: lowers(listed_autocast(), device),
        LOOP: lambda: loop_acts(device),
        CPU_SCALER: lambda: scales(torch.amp.GradScaler("cpu"), "cpu"),
        CPU_AUTOCAST: lambda: lowers(torch.amp.autocast("cpu", dtype=torch.bfloat16), "cpu"),
        WARNING: warns,
    }
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            acts, failed = steps[line](), False
        except Exception:  # noqa: BLE001 - that PyTorch raises is what is asked
            acts, failed = False, True
    return {"warnings": float(len(said)), "failed": float(failed), "in_effect": float(acts)}


def listed_autocast() -> torch.amp.autocast:
    """Autocast as document C opens it."""
    return torch.amp.autocast(device_type="cuda", dtype=torch.bfloat16)


def scales(scaler: torch.amp.GradScaler, device: str) -> bool:
    """Train a step with a scaler; whether it scales the loss."""
    weight, optimiser = one_weight(device)
    loss = weight.square().sum()
    scaled = scaler.scale(loss)
    scaled.backward()
    scaler.step(optimiser)
    scaler.update()
    return scaled.item() != loss.item()


def lowers(context: torch.amp.autocast, device: str) -> bool:
    """Train a step in a context; whether its matrix product runs in 16 bits."""
    weight, optimiser = one_weight(device)
    with context:
        product = functional.linear(torch.ones(1, 1, device=device), weight)
    product.sum().backward()
    optimiser.step()
    return product.dtype.itemsize == 2


def loop_acts(device: str) -> bool:
    """Take two steps as the loop has them; whether loss and product are as they are meant to be."""
    weight, optimiser = one_weight(device)
    scaler, acts = torch.amp.GradScaler(), []
    for _ in range(2):
        with listed_autocast():
            product = functional.linear(torch.ones(1, 1, device=device), weight)
            loss = functional.mse_loss(product, torch.zeros_like(product))
        scaled = scaler.scale(loss)
        scaled.backward()
        scaler.step(optimiser)
        scaler.update()
        optimiser.zero_grad()
        acts.append(product.dtype.itemsize == 2 and scaled.item() != loss.item())
    return all(acts)


def warns() -> bool:
    """What shows that a warning would be seen."""
    warnings.warn("planted", UserWarning, stacklevel=2)
    return True


def one_weight(device: str) -> tuple[Tensor, torch.optim.Optimizer]:
    """The smallest network there is, and its optimiser."""
    weight = torch.ones(1, 1, device=device, requires_grad=True)
    return weight, torch.optim.SGD([weight], lr=0.1)


if __name__ == "__main__":
    main()
