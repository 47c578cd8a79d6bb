"""What experiments on frozen layers share: optimisers, ways to reset gradients, and the step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness import Factor
from harness.libraries import functional, nn, torch
from harness.workloads import Replicas

if TYPE_CHECKING:
    from torch import Tensor

MakeOptimiser = Callable[[Iterable["nn.Parameter"]], "torch.optim.Optimizer"]

#: By name; a weight decay of 0.01 is AdamW's default.
OPTIMISERS: dict[str, MakeOptimiser] = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.01),
    "SGD, momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=0.9),
    "SGD, weight decay": lambda parameters: torch.optim.SGD(parameters, lr=0.01, weight_decay=0.01),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=1e-3),
    "AdamW": lambda parameters: torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.01),
}
OPTIMISER = Factor(
    "optimiser",
    tuple(OPTIMISERS),
    words={"SGD, momentum": "SGD with momentum", "SGD, weight decay": "SGD with weight decay"},
)


@dataclass(frozen=True)
class Zeroing:
    """How gradients are reset, and where.

    Attributes:
        how: to "None", as ``zero_grad()`` does by default; to "zeros", as it did before PyTorch 2;
            "trainable": to None, but only those of parameters that ask for a gradient; or "never".
        where: before the backward pass, or after the step.
    """

    how: Literal["None", "zeros", "trainable", "never"]
    where: Literal["before backward", "after the step"] = "before backward"

    def reset(self, net: nn.Module | Replicas, optimiser: torch.optim.Optimizer) -> None:
        """Reset the gradients that the way says."""
        if self.how == "None":
            optimiser.zero_grad()
        elif self.how == "zeros":
            optimiser.zero_grad(set_to_none=False)
        elif self.how == "trainable":
            for parameter in net.parameters():
                if parameter.requires_grad:
                    parameter.grad = None


def training_step(
    net: nn.Module | Replicas,
    optimiser: torch.optim.Optimizer,
    batch: tuple[Tensor, Tensor],
    zeroing: Zeroing,
    before_step: Callable[[], None] = lambda: None,
) -> None:
    """One step of a classifier, or of several at once.

    Args:
        net: maps inputs to logits.
        optimiser: need not know all parameters of the network.
        batch: inputs and class numbers.
        zeroing: how and where gradients are reset.
        before_step: called between the backward pass and the optimiser's step.
    """
    x, y = batch
    if zeroing.where == "before backward":
        zeroing.reset(net, optimiser)
    outputs = net(x)
    if isinstance(net, Replicas):
        net.each(functional.cross_entropy, outputs, y).sum().backward()
    else:
        functional.cross_entropy(outputs, y).backward()
    before_step()
    optimiser.step()
    if zeroing.where == "after the step":
        zeroing.reset(net, optimiser)


def freeze(parameters: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    """Freeze parameters as the document does, and return them."""
    frozen = list(parameters)
    for parameter in frozen:
        parameter.requires_grad = False
    return frozen


def trainable(net: nn.Module | Replicas) -> list[nn.Parameter]:
    """The parameters that ask for a gradient."""
    return [parameter for parameter in net.parameters() if parameter.requires_grad]
