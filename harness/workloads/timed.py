"""Work to be timed: passes and steps that studies and the benchmarks of ``regress`` share.

The module runs in interpreters that have torch and maybe nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.libraries import nn, torch

if TYPE_CHECKING:
    from torch import Tensor

#: Does the work once, each time it is called.
Work: TypeAlias = Callable[[], object]


def tiny_operations(device: str) -> Callable[[], Tensor]:
    """Sixty multiplications of 16 numbers, one after another, from a parameter on."""
    parameter = nn.Parameter(torch.ones(16, device=device))

    def multiply() -> Tensor:
        x: Tensor = parameter
        for _ in range(60):
            x = x * 1.01
        return x

    return multiply


def forward_pass(net: nn.Module, device: str, *shape: int) -> Callable[[], Any]:
    """A pass in eval mode over normal numbers.

    Args:
        net: is moved to the device.
        device: where to.
        shape: of the numbers, the batch first.
    """
    net, x = net.to(device).eval(), torch.randn(shape, device=device)
    return lambda: net(x)


def training_step(
    optimiser: torch.optim.Optimizer,
    loss: Callable[[], Tensor],
    *,
    cast: Any = None,  # noqa: ANN401 - a context that can be entered again
    set_to_none: bool = True,
) -> Work:
    """A step: gradients reset, forward, backward, the optimiser's step.

    Args:
        optimiser: of the network's parameters.
        loss: the forward pass up to the loss, one number.
        cast: a context of the forward pass, such as autocast.
        set_to_none: whether gradients are dropped; else they are filled with zeros.
    """
    context = nullcontext() if cast is None else cast

    def step() -> None:
        optimiser.zero_grad(set_to_none=set_to_none)
        with context:
            value = loss()
        value.backward()
        optimiser.step()

    return step
