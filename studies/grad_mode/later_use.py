"""Can the output of an evaluation be used in training afterwards?

A network is evaluated under ``no_grad`` or ``inference_mode`` and its output is then used with
gradients enabled, for something that is trained: as the input of a layer, as a factor, as the
target of a loss, in a sum, changed in place, or made to ask for a gradient itself. A copy made by
``clone()`` outside of inference mode is the third way. Recorded is whether PyTorch raises an error;
where it does not, the gradient that comes out is compared with that of a plain detached output.

"Safer" means that there is a use which inference mode refuses and no_grad allows, and none the
other way round. It does not mean that gradients flow back into what was evaluated: neither of the
two lets them.

What PyTorch allows is a matter of rules and not of numbers: few blocks, each with its own numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
from harness.libraries import functional, nn, torch
from studies.grad_mode.modes import grad_mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

CLONED = "inference_mode, then clone()"
OUTPUT = Factor(
    "output",
    ("detached", "no_grad", "inference_mode", CLONED),
    control="detached",
    words={
        "detached": "detached output",
        "no_grad": "output of no_grad",
        "inference_mode": "output of inference mode",
        CLONED: "clone of an output of inference mode",
    },
)
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
    label="use",
)

CLAIMS = (
    Claim(
        "C4.17",
        Value("safer").at(output="no_grad").always(),
        equals(1),
        reading="Safer: there is a later use that raises an error for an output of inference mode "
        "and none for an output of no_grad, and no use for which it is the other way round.",
        headline={"output": "no_grad", "use": LAYER_INPUT},
    ),
    Beyond(
        "C4.17",
        Value("raised").at(output=CLONED).always(),
        equals(0),
        why="a clone of the output, made after inference mode",
        reading="A clone that is made after inference mode serves every use.",
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

    def refused(self, output: str) -> set[str]:
        """The uses of an output that raise an error."""
        return {use for use in USES if self.use(output, use) is None}

    def use(self, output: str, use: str) -> Tensor | None:
        """The gradient of the trained weight after a use; None where that raises an error."""
        try:
            return gradient(USES[use], evaluated(self, output), self.weight)
        except RuntimeError:
            return None


def prepare(block: Block) -> Cell:
    """All of it random."""
    net = nn.Linear(4, 4).to(block.device)
    return Cell(net, *torch.randn(2, 4, 4, device=block.device))


def measure(cell: Cell, arm: Arm) -> Responses:
    """Evaluate, use the output, and compare the gradient with that of a detached output."""
    output, use = arm[OUTPUT], arm[USE]
    expected = gradient(USES[use], evaluated(cell, "detached"), cell.weight)
    found = cell.use(output, use)
    theirs, ours = cell.refused("inference_mode"), cell.refused(output)
    return {
        "raised": float(found is None),
        "wrong_gradient": float(found is not None and not torch.equal(found, expected)),
        "safer": float(use in theirs - ours and ours <= theirs),
    }


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
        Response("raised", "yes/no", "the later use raises an error"),
        Response(
            "wrong_gradient", "yes/no", "the gradient is not the one that a detached output gives"
        ),
        Response(
            "safer",
            "yes/no",
            "inference mode refuses the use and this output allows it, and nowhere the other way "
            "round",
        ),
    ),
    claims=CLAIMS,
)
