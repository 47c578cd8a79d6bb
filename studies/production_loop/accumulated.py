"""Is the gradient of eight micro-batches that of the whole batch?

64 rows pass backward at once, and in eight micro-batches of eight whose gradients add up, with the
loss divided by eight and without. Four plain networks (no batch statistics, no dropout) in single
and in double precision; everything runs on the CPU, whose products are those of the precision that
is named. Chapter 0 has four micro-batches of 32: there the gradient that is there before the update
is held against the sum of the micro-batches' own, each taken by ``torch.autograd.grad``, which adds
nothing up.

Known exceptions stand beside, and decide nothing: batch norm, which norms each micro-batch by its
own statistics; dropout masks; a last micro-batch of fewer rows; and a mean over tokens, of which
micro-batches have different numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    equals,
)
from harness.libraries import functional, nn, torch
from harness.workloads import encoder, mlp, small_cnn

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Batch = tuple[Tensor, Tensor]

ROWS, MICRO = 64, 8
#: Chapter 0's numbers.
CHAPTER_ROWS, CHAPTER_MICRO = 128, 32
CLASSES, TOKENS, WIDTH = 10, 16, 32

PERCEPTRON, CONV, ENCODER, LINEAR = "perceptron", "conv net", "transformer layer", "linear"
PLAIN = (PERCEPTRON, CONV, ENCODER, LINEAR)
NORMED, DROPPED = "batch norm", "dropout"
UNEVEN, BY_TOKEN = "a last micro-batch of 4 rows", "a mean over tokens"
EXCEPTIONS = {
    NORMED: "batch norm, which norms each micro-batch by its own statistics",
    DROPPED: "dropout, whose masks differ from pass to pass",
    UNEVEN: "a last micro-batch with fewer rows than the others",
    BY_TOKEN: "a mean over tokens, of which micro-batches have different numbers",
}
CASE = Factor("case", (*PLAIN, *EXCEPTIONS))
SINGLE, DOUBLE = "float32", "float64"
PRECISION = Factor("precision", (SINGLE, DOUBLE))
#: What rounding may leave, relative to the gradient.
ROUNDING = {SINGLE: 1e-5, DOUBLE: 1e-12}
SUM_ROUNDING = {SINGLE: 1e-6, DOUBLE: 1e-12}
TYPICAL: dict[str, Level] = {"case": PERCEPTRON, "precision": SINGLE}

SAME = (
    "The gradient that eight micro-batches of eight leave, with the loss divided by eight, is that "
    "of the batch of 64, within rounding: by 1e-5 of its size in single precision, by 1e-12 in "
    "double."
)
MAGNITUDE = (
    "Divided by K the gradient has the norm of the large batch's, within 1e-5; not divided, K "
    "times that."
)


def _claims() -> tuple[Claim | Beyond | Control, ...]:
    rules: list[Claim | Beyond | Control] = []
    for precision, rounding in SUM_ROUNDING.items():
        rules.append(
            Claim(
                "C0.16",
                Value("off_sum").always().at(case=PLAIN, precision=precision),
                at_most(rounding),
                reading="Sums before updating: after four micro-batches of 32 the gradient that "
                "the update finds is the sum of their own, within rounding.",
                headline=TYPICAL if precision == SINGLE else False,
            )
        )
    for precision, rounding in ROUNDING.items():
        rules.append(
            Claim(
                "C7.19",
                Value("off_batch").always().at(case=PLAIN, precision=precision),
                at_most(rounding),
                reading=SAME,
                headline=TYPICAL if precision == SINGLE else False,
            )
        )
    rules += [
        Beyond(
            "C7.19",
            Value("off_batch").always().at(case=case, precision=SINGLE),
            at_most(ROUNDING[SINGLE]),
            why=why,
        )
        for case, why in EXCEPTIONS.items()
    ]
    for claim in ("C7.20", "C5.29"):
        rules += [
            Claim(
                claim,
                Value("norm_divided").always().at(case=PLAIN),
                equals(1.0, within=1e-5),
                reading=MAGNITUDE,
                headline=TYPICAL,
            ),
            Claim(
                claim,
                Value("norm_undivided").always().at(case=PLAIN),
                equals(float(ROWS // MICRO), within=1e-4),
                reading=MAGNITUDE,
            ),
        ]
    rules += [
        Beyond(
            "C5.29",
            Value("norm_divided").always().at(case=case, precision=SINGLE),
            equals(1.0, within=1e-5),
            why=why,
        )
        for case, why in EXCEPTIONS.items()
    ]
    rules.append(
        Control(
            "seven of the eight micro-batches are seen to be too few",
            Value("off_without_one").always().at(case=PLAIN),
            at_least(1e-3),
        )
    )
    return tuple(rules)


class Cell(NamedTuple):
    """A network, its loss, 64 rows cut in micro-batches, and chapter 0's 128."""

    net: nn.Module
    loss: Callable[[Tensor, Tensor], Tensor]
    whole: Batch
    micro: Sequence[Batch]
    chapter: Sequence[Batch]
    seed: int


def cell(case: str, precision: str, seed: int) -> Cell:
    """What one arm needs, from the seed alone."""
    torch.manual_seed(seed)
    dtype: torch.dtype = getattr(torch, precision)
    net = network(case).to(dtype)
    shape = (TOKENS, WIDTH) if case in (ENCODER, BY_TOKEN) else (64,)
    x = torch.randn(CHAPTER_ROWS, *shape, dtype=dtype)
    y = torch.randint(CLASSES, (CHAPTER_ROWS,))
    if case == BY_TOKEN:  # texts of 1 to 16 tokens; what is behind their end counts for nothing
        y = torch.randint(CLASSES, (CHAPTER_ROWS, TOKENS))
        y[torch.arange(TOKENS) >= torch.randint(1, TOKENS + 1, (CHAPTER_ROWS, 1))] = -100
    rows = ROWS - 4 if case == UNEVEN else ROWS
    whole = x[:rows], y[:rows]
    micro = list(zip(whole[0].split(MICRO), whole[1].split(MICRO), strict=True))
    chapter = list(zip(x.split(CHAPTER_MICRO), y.split(CHAPTER_MICRO), strict=True))
    loss = by_token if case == BY_TOKEN else functional.cross_entropy
    return Cell(net.train(), loss, whole, micro, chapter, seed)


def network(case: str) -> nn.Module:
    """The network of a case."""
    if case == CONV:
        return small_cnn(CLASSES)
    if case in (ENCODER, BY_TOKEN):
        return transformer(pooled=case == ENCODER)
    if case == LINEAR:
        return nn.Linear(64, CLASSES)
    return mlp(
        64, CLASSES, batch_norm=case == NORMED, dropout=0.5 if case == DROPPED else None, hidden=32
    )


def transformer(*, pooled: bool) -> nn.Module:
    """A layer without dropout, and a read-out of each token, or of their mean."""
    from harness.workloads.deep_nets import MeanOverTokens  # a class of torch's, which loads it

    middle = [MeanOverTokens()] if pooled else []
    return nn.Sequential(encoder(1, WIDTH), *middle, nn.Linear(WIDTH, CLASSES))


def by_token(out: Tensor, targets: Tensor) -> Tensor:
    """The mean over all tokens that count."""
    return functional.cross_entropy(out.flatten(0, 1), targets.flatten())


def measure(block: Block, arm: Arm) -> Responses:
    """Compare the gradients of the whole batch and of its micro-batches."""
    made = cell(arm[CASE], arm[PRECISION], block.seed)
    whole = accumulated(made, [made.whole], divide=1)
    parts = len(made.micro)
    divided = accumulated(made, made.micro, divide=parts)
    undivided = accumulated(made, made.micro, divide=1)
    lacking = accumulated(made, made.micro[1:], divide=parts)
    return {
        "off_sum": distance(accumulated(made, made.chapter, divide=1), own_sum(made)),
        "off_batch": distance(divided, whole),
        "off_without_one": distance(lacking, whole),
        "norm_divided": (divided.norm() / whole.norm()).item(),
        "norm_undivided": (undivided.norm() / whole.norm()).item(),
    }


def accumulated(made: Cell, batches: Sequence[Batch], divide: int) -> Tensor:
    """What backward passes through some batches leave in .grad, in double precision."""
    torch.manual_seed(made.seed)  # the same masks, as far as there are any
    made.net.zero_grad()
    for x, y in batches:
        (made.loss(made.net(x), y) / divide).backward()
    return flat([p.grad for p in made.net.parameters() if p.grad is not None])


def own_sum(made: Cell) -> Tensor:
    """The sum of the gradients that chapter 0's micro-batches have by themselves."""
    torch.manual_seed(made.seed)
    parameters = list(made.net.parameters())
    own = [
        flat(torch.autograd.grad(made.loss(made.net(x), y), parameters)) for x, y in made.chapter
    ]
    return torch.stack(own).sum(dim=0)


def flat(tensors: Sequence[Tensor]) -> Tensor:
    """All numbers in a row, in double precision."""
    return torch.cat([tensor.detach().double().flatten() for tensor in tensors])


def distance(one: Tensor, other: Tensor) -> float:
    """The distance of two gradients, relative to the second."""
    return float((one - other).norm() / other.norm())


EXPERIMENT = Experiment(
    question="Is the gradient of eight micro-batches that of the whole batch?",
    factors=(CASE, PRECISION),
    only=lambda arm: arm[CASE] in PLAIN or arm[PRECISION] == SINGLE,
    blocks=PerProfile(1, 20, 40),
    measure=measure,
    responses=(
        Response(
            "off_sum",
            "1",
            "distance of the accumulated gradient from the sum of the micro-batches' own, over its "
            "size",
        ),
        Response(
            "off_batch", "1", "distance of the accumulated gradient from the large batch's, over it"
        ),
        Response(
            "off_without_one", "1", "distance of seven of the eight from the large batch's, over it"
        ),
        Response(
            "norm_divided",
            "1",
            "norm of the gradient over the large batch's, the loss divided by K",
        ),
        Response(
            "norm_undivided", "1", "norm of the gradient over the large batch's, nothing divided"
        ),
    ),
    claims=_claims(),
)
