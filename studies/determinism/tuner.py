"""Does cuDNN's auto-tuner run where its deterministic flag is set?

The auto-tuner tries several algorithms when a convolution of a new shape is first called, and keeps
the fastest. It shows in a profile of the GPU: the first call then starts many more kernels than the
second. A convolution goes forward and backward under each combination of ``cudnn.deterministic``
and ``cudnn.benchmark``, which switches the tuner on, with an image size that only that combination
sees, since cuDNN's choices are kept by shape. Every block is a process of its own for the same
reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.libraries import functional, torch
from studies.determinism.settings import BOTH, DEFAULT, LISTED, TUNED, applied

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

#: A call that starts so many times the kernels of the next one has tried several algorithms.
TRIES = 2.0
BATCH, CHANNELS, SMALLEST_IMAGE = 16, 32, 48

SETTING = Factor("setting", (DEFAULT, LISTED, TUNED, BOTH), control=DEFAULT)

CLAIMS = (
    Claim(
        "C7.32",
        Value("tuned").at(setting=BOTH).always(),
        equals(0.0),
        reading="Where the auto-tuner is switched on, the deterministic flag keeps it from "
        "running: the first call of a shape starts fewer than twice the kernels of the second.",
        needs="cuda",
        headline=True,
    ),
    Beyond(
        "C7.32",
        Value("tuned").at(setting=LISTED).always(),
        equals(0.0),
        why="the auto-tuner is switched off here, so that there is nothing to disable",
    ),
    Control(
        "cudnn.benchmark turns the auto-tuner on",
        Value("tuned").at(setting=TUNED).always(),
        equals(1.0),
    ),
    Control(
        "with neither setting there is no tuning",
        Value("tuned").at(setting=DEFAULT).always(),
        equals(0.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Count the kernels of the first and of the second call of a new shape."""
    warm_up(block.device)
    side = SMALLEST_IMAGE + 2 * SETTING.levels.index(arm[SETTING])
    x = torch.randn(BATCH, CHANNELS, side, side, device=block.device, requires_grad=True)
    weight = torch.randn(CHANNELS, CHANNELS, 3, 3, device=block.device, requires_grad=True)
    with applied(arm[SETTING]):
        first = count_kernels(lambda: convolve(x, weight))
        second = count_kernels(lambda: convolve(x, weight))
    return {"first": first, "second": second, "tuned": float(first >= TRIES * second)}


def convolve(x: Tensor, weight: Tensor) -> None:
    """A convolution, forward and backward."""
    functional.conv2d(x, weight, padding=1).sum().backward()


def warm_up(device: str) -> None:
    """Start the device and its libraries with a shape that no arm uses."""
    x = torch.randn(2, 3, 8, 8, device=device, requires_grad=True)
    convolve(x, torch.randn(3, 3, 3, 3, device=device, requires_grad=True))


def count_kernels(call: Callable[[], None]) -> float:
    """How many kernels a call starts on the GPU; copies and fills of memory are not counted."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        call()
        torch.cuda.synchronize()
    kernels = [
        event.name
        for event in profile.events()
        if event.device_type.name == "CUDA" and not event.name.startswith("Mem")
    ]
    return float(len(kernels))


EXPERIMENT = Experiment(
    question="Does cuDNN's auto-tuner run where its deterministic flag is set?",
    factors=(SETTING,),
    blocks=PerProfile(1, 3, 8),
    fresh_process=True,
    measure=measure,
    responses=(
        Response("first", "kernels", "kernels that the first call of a shape starts"),
        Response("second", "kernels", "kernels that the second call starts"),
        Response("tuned", "yes/no", "the auto-tuner runs"),
    ),
    claims=CLAIMS,
    needs="cuda",
)
