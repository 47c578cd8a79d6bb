"""Can the output of an evaluation be used in training afterwards?

A network is evaluated under ``no_grad`` or ``inference_mode`` and its output is then used with
gradients enabled, for something that is trained: as the input of a layer, as a factor, as the
target of a loss, in a sum, changed in place, or made to ask for a gradient itself. A copy made by
``clone()`` outside of inference mode is the third way. Recorded is whether PyTorch raises an error;
where it does not, the gradient that comes out is compared with that of a plain detached output.

What PyTorch allows is a matter of rules and not of numbers: few blocks, each with its own numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
from harness.libraries import functional, nn, torch
from studies.grad_mode.modes import grad_mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

CLONED = "inference_mode, then clone()"
OUTPUT = Factor("output", ("detached", "no_grad", "inference_mode", CLONED), control="detached")
LAYER_INPUT = "input of a trained layer"
USE = Factor(
    "use",
    (
        LAYER_INPUT,
        "factor of a trained output",
        "target of a loss",
        "term of a sum",
        "changed in place",
        "asked for its gradient",
    ),
)

CLAIMS = (
    Claim(
        "C4.17",
        Value("raised").at(output="no_grad").always(),
        equals(0),
        reading="Safer: an output from under no_grad can be used in every way tried,",
    ),
    Claim(
        "C4.17",
        Value("raised").at(output="inference_mode", use=LAYER_INPUT).always(),
        equals(1),
        reading="and one from inference mode cannot be the input of a layer that is trained. "
        "(Other uses are recorded and not judged: some are allowed.)",
    ),
    Claim(
        "C4.17",
        Value("raised").at(output=CLONED).always(),
        equals(0),
        reading="It is inference mode that does it: a clone made after it serves every use.",
    ),
    Control(
        "where it is allowed the gradient is right",
        Value("wrong_gradient").always(),
        equals(0),
    ),
    Control(
        "a detached output can be used in every way",
        Value("raised").at(output="detached").always(),
        equals(0),
    ),
)


class Cell(NamedTuple):
    """A network with its input, and the weight that is trained on its output."""

    net: nn.Module
    x: Tensor
    weight: Tensor


def prepare(block: Block) -> Cell:
    """All of it random."""
    net = nn.Linear(4, 4).to(block.device)
    return Cell(net, *torch.randn(2, 4, 4, device=block.device))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Evaluate, use the output, and compare the gradient with that of a detached output."""
    use = USES[arm[USE]]
    expected = gradient(use, evaluated(cell, "detached"), cell.weight)
    output = evaluated(cell, arm[OUTPUT])
    try:
        found = gradient(use, output, cell.weight)
    except RuntimeError:
        return {"raised": 1.0, "wrong_gradient": 0.0}
    return {"raised": 0.0, "wrong_gradient": float(not torch.equal(found, expected))}


def evaluated(cell: Cell, how: str) -> Tensor:
    """The network's output, without a graph."""
    if how == "detached":
        output: Tensor = cell.net(cell.x)
        return output.detach()
    with grad_mode("no_grad" if how == "no_grad" else "inference_mode"):
        output = cell.net(cell.x)
    return output.clone() if how == CLONED else output


def gradient(use: Callable[[Tensor, Tensor], Tensor], output: Tensor, start: Tensor) -> Tensor:
    """The gradient of the trained weight after the output has been used."""
    weight = nn.Parameter(start.clone())
    (found,) = torch.autograd.grad(use(output, weight).sum(), weight)
    return found


def changed(output: Tensor, weight: Tensor) -> Tensor:
    """The trained weight is added to the output in place."""
    return output.add_(weight).square()


def asked(output: Tensor, weight: Tensor) -> Tensor:
    """The output asks for a gradient of its own."""
    return output.requires_grad_() * weight


USES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    # A lambda, since a plain functional.linear would import torch here and now.
    LAYER_INPUT: lambda output, weight: functional.linear(output, weight),  # noqa: PLW0108
    "factor of a trained output": lambda output, weight: output * weight,
    "target of a loss": lambda output, weight: functional.mse_loss(weight, output),
    "term of a sum": lambda output, weight: output + weight,
    "changed in place": changed,
    "asked for its gradient": asked,
}

EXPERIMENT = Experiment(
    question="Can the output of an evaluation be used in training afterwards?",
    factors=(OUTPUT, USE),
    blocks=PerProfile(1, 3, 3),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("raised", "1", "raised"),
        Response("wrong_gradient", "1", "wrong gradient"),
    ),
    claims=CLAIMS,
)
