"""An optimiser written out by hand, whose arithmetic is known whatever torch.optim does."""

from __future__ import annotations

from collections.abc import Iterable

import torch


class PlainSGD(torch.optim.Optimizer):
    """Gradient descent with momentum; its bookkeeping of ``.grad`` can be spoilt.

    Attributes:
        fades: whether a step leaves half of the gradient it has used.
    """

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        lr: float,
        momentum: float = 0.0,
        *,
        fades: bool = False,
    ) -> None:
        self.lr, self.momentum, self.fades = lr, momentum, fades
        super().__init__(parameters, {})

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]
        """Move every weight."""
        for parameter in (p for group in self.param_groups for p in group["params"]):
            state, own = self.state[parameter], parameter.grad
            known = state.get("moved")
            state["moved"] = own.clone() if known is None else self.momentum * known + own
            parameter.sub_(self.lr * state["moved"])
            if self.fades:
                own.mul_(0.5)
