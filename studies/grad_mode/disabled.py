"""Do no_grad and inference_mode both switch gradient tracking off?

Things are done with a parameter inside each context, and it is recorded whether the result is
tracked: whether it asks for a gradient or belongs to a graph. The contexts are also worn as
decorators. Beside it stand a parameter that is made inside, and ``enable_grad`` inside each
context, to which no_grad gives way.

What PyTorch tracks is a matter of rules and not of numbers: one block.
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
from studies.grad_mode.modes import GRAD, grad_mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

NESTED = "in enable_grad within"
MADE = "parameter made within"
PLAIN = (
    "arithmetic",
    "linear layer",
    "view",
    "change in place",
    "checkpoint",
    "decorated function",
)
DONE = Factor(
    "done",
    (*PLAIN, MADE, NESTED),
    label="what is done",
    words={
        "change in place": "change in place of a constant",
        "checkpoint": "checkpointed layer",
        "decorated function": "function with the context as its decorator",
        MADE: "with a parameter made inside",
        NESTED: "inside an enable_grad of its own",
    },
)

CLAIMS = (
    Claim(
        "C4.14",
        Value("tracked").at(grad=("no_grad", "inference_mode"), done=PLAIN).always(),
        equals(0),
        reading="Whatever is done with a trainable parameter inside either context, the result "
        "asks for no gradient and belongs to no graph.",
        headline={"grad": "no_grad", "done": "linear layer"},
    ),
    Beyond(
        "C4.14",
        Value("tracked").at(grad=("no_grad", "inference_mode"), done=MADE).always(),
        equals(0),
        why="a parameter that is made inside, where nobody makes one",
    ),
    Beyond(
        "C4.14",
        Value("tracked").at(grad=("no_grad", "inference_mode"), done=NESTED).always(),
        equals(0),
        why="enable_grad inside, which asks for gradients in so many words",
    ),
    Control(
        "with gradients enabled all of it is tracked",
        Value("tracked").at(grad="enabled").always(),
        equals(1),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Do something with a parameter inside the context; is the result tracked?"""
    weight = torch.nn.Parameter(torch.randn(4, 4, device=block.device))
    do = DO[arm[DONE]]
    if arm[DONE] == "decorated function":
        result = grad_mode(arm[GRAD])(do)(weight)  # type: ignore[operator]
    else:
        with grad_mode(arm[GRAD]):
            result = do(weight)
    return {"tracked": float(result.requires_grad or result.grad_fn is not None)}


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
    MADE: lambda weight: torch.nn.Parameter(weight.detach()) * 2,
    "checkpoint": checkpointed,
    "decorated function": lambda weight: weight * 2,
    NESTED: within_enable_grad,
}

EXPERIMENT = Experiment(
    question="Do no_grad and inference_mode both switch gradient tracking off?",
    factors=(GRAD, DONE),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(Response("tracked", "yes/no", "the result is tracked for a gradient"),),
    claims=CLAIMS,
)
