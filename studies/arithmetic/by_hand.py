"""Chapter 3's worked step, once in exact fractions and once by autograd in 64 bits.

One linear layer from 2 to 2, one row, half the sum of squared errors, one step of plain SGD. The
fractions are the oracle: schoolbook sums and products, no library, no rounding. Both ways take the
same numbers, which stand here once.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Generic, TypeVar

from harness.libraries import functional, torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

WEIGHTS = (("0.5", "-0.3"), ("0.2", "0.8"))
BIAS, INPUT, TARGET, RATE = ("0", "0"), ("1", "2"), ("1", "0"), "0.01"

HALF_SUM, MEAN, SUM = "half the sum", "mean", "sum"


N = TypeVar("N", Fraction, float)


@dataclass(frozen=True)
class Worked(Generic[N]):
    """All numbers of the step, in fractions or in floats."""

    outputs: list[N]
    loss: N
    by_output: list[N]
    by_weight: list[list[N]]
    by_bias: list[N]
    weights: list[list[N]]
    bias: list[N]
    outputs_after: list[N]
    loss_after: N


def exact(rate: str = RATE) -> Worked[Fraction]:
    """The step in fractions.

    Args:
        rate: the learning rate, in decimals.
    """
    weights = [[Fraction(w) for w in row] for row in WEIGHTS]
    bias, x, target = ([Fraction(v) for v in each] for each in (BIAS, INPUT, TARGET))
    outputs = _forward(weights, bias, x)
    errors = [y - t for y, t in zip(outputs, target, strict=True)]
    by_weight = [[e * v for v in x] for e in errors]
    step = Fraction(rate)
    new_weights = [
        [w - step * g for w, g in zip(*rows, strict=True)]
        for rows in zip(weights, by_weight, strict=True)
    ]
    new_bias = [b - step * g for b, g in zip(bias, errors, strict=True)]
    after = _forward(new_weights, new_bias, x)
    return Worked(
        outputs=outputs,
        loss=_half_sum(outputs, target),
        by_output=errors,
        by_weight=by_weight,
        by_bias=errors,
        weights=new_weights,
        bias=new_bias,
        outputs_after=after,
        loss_after=_half_sum(after, target),
    )


def _forward(
    weights: list[list[Fraction]], bias: list[Fraction], x: list[Fraction]
) -> list[Fraction]:
    return [
        sum((w * v for w, v in zip(row, x, strict=True)), start=b)
        for row, b in zip(weights, bias, strict=True)
    ]


def _half_sum(outputs: list[Fraction], target: list[Fraction]) -> Fraction:
    squares = ((y - t) ** 2 for y, t in zip(outputs, target, strict=True))
    return sum(squares, start=Fraction(0)) / 2


def by_autograd(loss: str = HALF_SUM, rate: str = RATE) -> Worked[float]:
    """The step as torch takes it, in float64.

    Args:
        loss: the passage's half of the sum, or one of torch's two reductions of squared errors.
        rate: the learning rate, in decimals.
    """
    weight = _tensor(WEIGHTS).requires_grad_()
    bias = _tensor(BIAS).requires_grad_()
    x, target = _tensor(INPUT), _tensor(TARGET)
    criterion = LOSSES[loss]
    optimiser = torch.optim.SGD([weight, bias], lr=float(rate))
    outputs = functional.linear(x, weight, bias)
    outputs.retain_grad()
    value = criterion(outputs, target)
    value.backward()
    gradients = [each.grad for each in (outputs, weight, bias)]
    by_output, by_weight, by_bias = (g.tolist() if g is not None else [] for g in gradients)
    optimiser.step()
    with torch.no_grad():
        after = functional.linear(x, weight, bias)
        left = criterion(after, target)
    return Worked(
        outputs=outputs.tolist(),
        loss=value.item(),
        by_output=by_output,
        by_weight=by_weight,
        by_bias=by_bias,
        weights=weight.tolist(),
        bias=bias.tolist(),
        outputs_after=after.tolist(),
        loss_after=left.item(),
    )


def begins_with(numbers: tuple[object, ...]) -> list[object]:
    """Numbers that the step begins with, as torch holds them."""
    held: list[object] = _tensor(numbers).tolist()
    return held


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    HALF_SUM: lambda y, t: ((y - t) ** 2).sum() / 2,
    MEAN: lambda y, t: functional.mse_loss(y, t, reduction="mean"),
    SUM: lambda y, t: functional.mse_loss(y, t, reduction="sum"),
}


def _tensor(numbers: tuple[object, ...]) -> Tensor:
    """Decimals as float64, rounded once."""
    rows = [
        [float(v) for v in row] if isinstance(row, tuple) else float(str(row)) for row in numbers
    ]
    return torch.tensor(rows, dtype=torch.float64)
