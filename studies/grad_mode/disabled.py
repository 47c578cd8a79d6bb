"""Do no_grad and inference_mode both switch gradient tracking off?

Things are done with a parameter inside each context, and it is recorded whether the result is
tracked (``requires_grad``). The contexts are also worn as decorators, and ``enable_grad`` is put
inside each: no_grad gives way to it, by design, and the claim is that inference_mode does not.

What PyTorch tracks is a matter of rules and not of numbers: one block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import (
    Arm,
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
from studies.grad_mode.modes import GRAD, grad_mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

NESTED = "in enable_grad within"
PLAIN = (
    "arithmetic",
    "linear layer",
    "view",
    "change in place",
    "parameter made within",
    "checkpoint",
    "decorated function",
)
DONE = Factor("done", (*PLAIN, NESTED))

CLAIMS = (
    Claim(
        "C4.14",
        Value("tracked").at(grad=("no_grad", "inference_mode"), done=PLAIN).always(),
        equals(0),
        reading="Whatever is done with a parameter inside either context, the result asks for no "
        "gradient.",
    ),
    Claim(
        "C4.14",
        Value("tracked").at(grad="inference_mode", done=NESTED).always(),
        equals(0),
        reading="Inference mode does not give way to an enable_grad inside of it.",
    ),
    Control(
        "with gradients enabled all of it is tracked",
        Value("tracked").at(grad="enabled").always(),
        equals(1),
    ),
    Control(
        "no_grad gives way to enable_grad",
        Value("tracked").at(grad="no_grad", done=NESTED).always(),
        equals(1),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Do something with a parameter inside the context; is the result tracked?"""
    weight = torch.nn.Parameter(torch.randn(4, 4, device=block.device))
    do = DO[arm[DONE]]
    if arm[DONE] == "decorated function":
        tracked = grad_mode(arm[GRAD])(do)(weight).requires_grad  # type: ignore[operator]
    else:
        with grad_mode(arm[GRAD]):
            tracked = do(weight).requires_grad
    return {"tracked": float(tracked)}


def within_enable_grad(weight: Tensor) -> Tensor:
    """Something tracked, were it not for the context around."""
    with torch.enable_grad():
        return weight * 2


def changed_in_place(weight: Tensor) -> Tensor:
    """A constant that a parameter is added to."""
    return torch.zeros_like(weight, requires_grad=False).add_(weight)


def checkpointed(weight: Tensor) -> Tensor:
    """A layer whose activations are computed anew in the backward pass."""
    from torch.utils.checkpoint import checkpoint

    result: Tensor = checkpoint(torch.sin, weight, use_reentrant=False)
    return result


DO: dict[str, Callable[[Tensor], Tensor]] = {
    "arithmetic": lambda weight: weight * 2,
    "linear layer": lambda weight: functional.linear(torch.ones_like(weight), weight),
    "view": lambda weight: (weight * 2)[1:],
    "change in place": changed_in_place,
    "parameter made within": lambda weight: torch.nn.Parameter(weight.detach()) * 2,
    "checkpoint": checkpointed,
    "decorated function": lambda weight: weight * 2,
    NESTED: within_enable_grad,
}

EXPERIMENT = Experiment(
    question="Do no_grad and inference_mode both switch gradient tracking off?",
    factors=(GRAD, DONE),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(Response("tracked", "1", "tracked"),),
    claims=CLAIMS,
)
