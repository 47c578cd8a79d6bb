"""Are the gradients of L1 and L2, and what plain steps make of weights, as the formulas say?

The penalty is a strength times the sum of squares, or of absolute values, as the passage defines
it. Gradients come from autograd, in double precision, and are held to the formulas; steps are those
of torch's optimisers with the penalty in the loss and no data, or with ``weight_decay`` where that
is asked. PyTorch's ``weight_decay`` has no factor of two: a convention, shown and no fault of the
formula. Where a network is trained on data, ``pushes`` looks at what is left of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from harness import Fact, facts
from harness.libraries import torch

if TYPE_CHECKING:
    from torch import Tensor

    Penalty = Callable[[Tensor], Tensor]

#: The passage's small and large weight, and those of the rule of a hundred and of ten.
SMALL_AND_LARGE, THREE = (1e-4, 10.0), (0.01, 1.0, 10.0)
SIGNS = (-10.0, -1e-4, 0.5)
STRENGTH, LR = 1e-3, 0.1
STEPS = 100
EXACT, RELATIVE = 1e-12, 1e-9


def squares(w: Tensor) -> Tensor:
    """L2, less its strength."""
    return (w**2).sum()


def absolutes(w: Tensor) -> Tensor:
    """L1, less its strength."""
    return w.abs().sum()


def gradient(penalty: Penalty, weights: Sequence[float], strength: float) -> list[float]:
    """Autograd's gradient of a penalty."""
    w = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(strength * penalty(w), [w])
    numbers: list[float] = found.tolist()
    return numbers


def after(
    weights: Sequence[float],
    optimiser: str = "SGD",
    *,
    penalty: Penalty | None = None,
    strength: float = STRENGTH,
    steps: int = 1,
    data: float = 0.0,
    **options: Any,  # noqa: ANN401 - as the optimiser takes them
) -> list[float]:
    """Weights after steps of an optimiser.

    Args:
        weights: before.
        optimiser: of ``torch.optim``.
        penalty: in the loss, times ``strength``; None has none there.
        strength: see there.
        steps: how many.
        data: the size of a gradient that data give to every weight, up and down in turn.
        options: of the optimiser; the rate is ``LR`` unless one is given.
    """
    w = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
    stepper = getattr(torch.optim, optimiser)([w], **({"lr": LR} | options))
    for step in range(steps):
        stepper.zero_grad()
        loss = data * (-1) ** step * w.sum() + (strength * penalty(w) if penalty else 0.0)
        loss.backward()
        stepper.step()
    numbers: list[float] = w.detach().tolist()
    return numbers


def factors(weights: Sequence[float], now: Sequence[float]) -> list[float]:
    """What each weight was multiplied by."""
    return [new / old for new, old in zip(now, weights, strict=True)]


def moves(weights: Sequence[float], now: Sequence[float]) -> list[float]:
    """How far each weight went, over the way of the one before the last."""
    ways = [abs(new - old) for new, old in zip(now, weights, strict=True)]
    return [way / ways[-2] for way in ways]


def nearer(weights: Sequence[float], now: Sequence[float]) -> list[bool]:
    """Which weights are nearer to zero than they were."""
    return [abs(new) < abs(old) for new, old in zip(now, weights, strict=True)]


def spread(numbers: Sequence[float]) -> float:
    """The greatest less the least."""
    return max(numbers) - min(numbers)


def shrinks(optimiser: str = "SGD", **options: Any) -> Callable[[], float]:  # noqa: ANN401
    """How unequal the shares are that a step takes off three weights."""
    return lambda: spread(factors(THREE, after(THREE, optimiser, **options)))


def ways(optimiser: str = "SGD", **options: Any) -> Callable[[], list[float]]:  # noqa: ANN401
    """How far a step moves three weights, over the way of the middle one."""
    return lambda: moves(THREE, after(THREE, optimiser, **options))


def taken_off(optimiser: str, data: float) -> float:
    """The share that a weight_decay takes off a weight of 1 in ten steps on data."""
    with_decay, without = (
        after((1.0,), optimiser, data=data, weight_decay=decay, steps=10, lr=1e-3)[0]
        for decay in (1e-2, 0.0)
    )
    return (without - with_decay) / without


GRADIENT_SIZES = (0.1, 1.0, 10.0)
ONE_STEP = [1 - 2 * STRENGTH * LR] * len(THREE)
MANY_STEPS = [(1 - 2 * STRENGTH * LR) ** STEPS] * len(THREE)
L1_SPREAD = shrinks(penalty=absolutes)
CONVENTION = "torch's weight_decay stands for twice the strength: a convention"

GRADIENTS = (
    Fact(
        "D-l1l2-1",
        "the gradient of L2 is twice the strength times the weight",
        lambda: gradient(squares, SIGNS, STRENGTH),
        [2 * STRENGTH * w for w in SIGNS],
        lambda: gradient(lambda w: squares(w) / 2, SIGNS, STRENGTH),
        within=EXACT,
        headline=True,
    ),
    Fact(
        "D-l1l2-1",
        "the gradient of L1 is the strength times the weight's sign",
        lambda: gradient(absolutes, SIGNS, STRENGTH),
        [-STRENGTH, -STRENGTH, STRENGTH],
        lambda: gradient(squares, SIGNS, STRENGTH),
        within=EXACT,
    ),
    Fact(
        "D-l1l2-1",
        "at a weight of zero the gradient that autograd gives for L1 is zero",
        lambda: gradient(absolutes, (0.0,), STRENGTH),
        [0.0],
        lambda: gradient(absolutes, (1e-9,), STRENGTH),
        beyond="a weight of zero, where anything from minus to plus the strength would do",
    ),
    Fact(
        "D-l1l2-5",
        "L1's gradient is the same at 0.0001 and at 10",
        lambda: spread(gradient(absolutes, SMALL_AND_LARGE, STRENGTH)),
        0.0,
        lambda: spread(gradient(squares, SMALL_AND_LARGE, STRENGTH)),
        within=EXACT,
        headline=True,
    ),
    Fact(
        "D-l1l2-5",
        "a plain step of L1 moves both equally far",
        lambda: moves(SMALL_AND_LARGE, after(SMALL_AND_LARGE, penalty=absolutes, strength=1e-4)),
        [1.0, 1.0],
        lambda: moves(SMALL_AND_LARGE, after(SMALL_AND_LARGE, penalty=squares, strength=1e-4)),
        within=RELATIVE,
    ),
    Fact(
        "D-l1l2-5",
        "a step of 0.001 brings both nearer to zero",
        lambda: nearer(SMALL_AND_LARGE, after(SMALL_AND_LARGE, penalty=absolutes, strength=1e-2)),
        [True, True],
        lambda: nearer(SMALL_AND_LARGE, after(SMALL_AND_LARGE, penalty=absolutes, strength=-1e-2)),
        beyond="a step longer than the small weight, which it throws past zero",
    ),
)

DECAY = (
    Fact(
        "D-l1l2-2",
        "a plain step of L2 multiplies weights by 1 less twice the strength times the rate",
        lambda: factors(THREE, after(THREE, penalty=squares)),
        ONE_STEP,
        lambda: factors(THREE, after(THREE, penalty=absolutes)),
        within=EXACT,
        headline=True,
    ),
    Fact(
        "D-l1l2-2",
        "a hundred steps multiply them by the hundredth power of it",
        lambda: factors(THREE, after(THREE, penalty=squares, steps=STEPS)),
        MANY_STEPS,
        lambda: factors(THREE, after(THREE, penalty=absolutes, steps=STEPS)),
        within=EXACT,
    ),
    *(
        Fact(
            "D-l1l2-2",
            f"{optimiser} with a weight_decay of {words} does the same",
            lambda optimiser=optimiser, times=times: factors(
                THREE, after(THREE, optimiser, weight_decay=times * STRENGTH)
            ),
            ONE_STEP,
            lambda: factors(THREE, after(THREE, penalty=absolutes)),
            within=EXACT,
            beyond=CONVENTION,
        )
        for optimiser in ("SGD", "AdamW")
        for times, words in ((1, "the strength"), (2, "twice the strength"))
    ),
    Fact(
        "D-l1l2-2",
        "Adam with L2 in the loss does the same",
        lambda: factors(THREE, after(THREE, "Adam", penalty=squares)),
        ONE_STEP,
        lambda: factors(THREE, after(THREE, penalty=absolutes)),
        within=EXACT,
        beyond="an optimiser that scales its gradient",
    ),
    Fact(
        "D-l1l2-2",
        "with momentum a hundred steps do the same",
        lambda: factors(THREE, after(THREE, penalty=squares, steps=STEPS, momentum=0.9)),
        MANY_STEPS,
        lambda: factors(THREE, after(THREE, penalty=absolutes, steps=STEPS)),
        within=EXACT,
        beyond="momentum, where the passage speaks of each step by itself",
    ),
)

UNIFORM = (
    Fact(
        "D-tab-8",
        "a plain step of L2 takes the same share off every weight",
        shrinks(penalty=squares),
        0.0,
        L1_SPREAD,
        within=RELATIVE,
        reading="Uniformly, as the summary's 'proportionally' has it: a step takes the same share "
        "off weights of 0.01, 1 and 10.",
        headline=True,
    ),
    Fact(
        "D-tab-8",
        "AdamW's decay takes the same share off every weight",
        shrinks("AdamW", weight_decay=1e-2),
        0.0,
        L1_SPREAD,
        within=RELATIVE,
    ),
    Fact(
        "D-tab-8",
        "a plain step of L2 moves every weight equally far",
        ways(penalty=squares),
        [1.0, 1.0, 1.0],
        ways(penalty=lambda w: (w**3).sum()),
        within=RELATIVE,
        beyond="equal amounts, which the article's own text denies",
    ),
    Fact(
        "D-l1l2-6",
        "a plain step of L2 moves weights of 0.01, 1 and 10 as far as they are large",
        ways(penalty=squares),
        [0.01, 1.0, 10.0],
        ways(penalty=absolutes),
        within=RELATIVE,
        headline=True,
    ),
    Fact(
        "D-l1l2-6",
        "AdamW's decay moves them as far as they are large",
        ways("AdamW", weight_decay=1e-2),
        [0.01, 1.0, 10.0],
        ways(penalty=absolutes),
        within=RELATIVE,
    ),
    Fact(
        "D-l1l2-6",
        "a step of Adam with L2 alone in the loss moves them as far as they are large",
        ways("Adam", penalty=squares),
        [0.01, 1.0, 10.0],
        ways(penalty=absolutes),
        within=RELATIVE,
        beyond="Adam without data, whose every step is as long as its rate",
    ),
    Fact(
        "D-quick-3",
        "AdamW's decay takes the same share off a weight whatever its gradient",
        lambda: spread([taken_off("AdamW", gradient) for gradient in GRADIENT_SIZES]),
        0.0,
        lambda: spread([taken_off("Adam", gradient) for gradient in GRADIENT_SIZES]),
        within=RELATIVE,
        beyond="the other meaning of true L2: weights shrink by a common factor in every step",
    ),
)

EXPERIMENT = facts(
    "Are the gradients of L1 and L2, and what plain steps make of weights, as the formulas say?",
    *GRADIENTS,
    *DECAY,
    *UNIFORM,
)
