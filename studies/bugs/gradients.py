"""What is in .grad after a second backward pass, and after a hundred?

A network passes forward and backward twice without ``zero_grad``, once through a graph that was
kept and once through a new one on the same rows: the gradient must be twice what it was. Then it
trains for a hundred steps of SGD without ``zero_grad``, on another batch in each. Beside it the
gradient of every step alone is taken with ``torch.autograd.grad``, which accumulates nothing, and
added up by hand in the same precision; ``.grad`` is compared with that sum bit for bit, in every
step. Four networks in single precision, and one in two others; the distance from the sum of the
same gradients in double precision is recorded, and judged by no claim.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
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
    equals,
    less_than,
)
from harness.libraries import functional, nn, torch
from harness.workloads import load_split, mlp

if TYPE_CHECKING:
    from torch import Tensor

NET = Factor("net", ("linear", "perceptron", "CNN", "one layer used twice"))
PRECISION = Factor("precision", ("float32", "float64", "bfloat16"))
STEPS, BATCH, LEARNING_RATE = 100, 16, 0.01
TYPICAL: dict[str, Level] = {"net": "perceptron", "precision": "float32"}

CLAIMS: tuple[Claim | Control, ...] = (
    *(
        Claim(
            name,
            Value("doubled").always(),
            equals(1.0),
            reading="A second backward pass on the same rows leaves every gradient at exactly "
            "twice what it was, through a kept graph and a new one, in every precision.",
            headline=TYPICAL,
        )
        for name in ("C3.11", "C3.34")
    ),
    *(
        Claim(
            name,
            Value("running_sum").always(),
            equals(1.0),
            reading="In each of 100 steps .grad is, bit for bit, the running sum of the steps' own "
            "gradients, added up in the same precision.",
            headline=TYPICAL,
        )
        for name in ("C5.02", "C3.17")
    ),
    Claim(
        "C3.29",
        Value("second_sum").always(),
        equals(1.0),
        reading="After the second step's backward pass .grad is the sum of both steps' gradients, "
        "bit for bit.",
        headline=TYPICAL,
    ),
    Control(
        "a sum of other gradients is seen",
        Value("wrong_sum").always(),
        less_than(1.0),
    ),
)
RESPONSES = (
    Response("doubled", "1", "share of parameters whose gradient a second backward pass doubles"),
    Response(
        "second_sum", "1", "share of parameters whose .grad at step 2 is the sum of both gradients"
    ),
    Response(
        "running_sum", "1", "share of steps in which .grad is the sum of the gradients so far"
    ),
    Response(
        "wrong_sum", "1", "share of steps in which .grad is that sum without the first gradient"
    ),
    Response(
        "distance",
        "1",
        "distance of the last .grad from the sum in double precision, over its size",
    ),
)


class Cell(NamedTuple):
    """Rows of digits, their classes, and the block's seed."""

    x: Tensor
    y: Tensor
    seed: int


def prepare(block: Block) -> Cell:
    """The data."""
    data = load_split("digits", block.seed, block.device)
    return Cell(data.train_x, data.train_y, block.seed)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Two backward passes, then a hundred steps."""
    dtype: torch.dtype = getattr(torch, arm[PRECISION])
    cell = cell._replace(x=cell.x.to(dtype))
    return {"doubled": doubled(network(cell, arm), cell), **accumulated(network(cell, arm), cell)}


def network(cell: Cell, arm: Arm) -> nn.Module:
    """The arm's network, with weights from the block's seed."""
    torch.manual_seed(cell.seed)
    shared = nn.Linear(64, 64)
    nets: dict[str, nn.Module] = {
        "linear": nn.Linear(64, 10),
        "perceptron": mlp(64, 10, hidden=32),
        "CNN": nn.Sequential(
            nn.Unflatten(1, (1, 8, 8)),
            nn.Conv2d(1, 4, kernel_size=3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(4 * 6 * 6, 10),
        ),
        "one layer used twice": nn.Sequential(
            shared, nn.Tanh(), shared, nn.Tanh(), nn.Linear(64, 10)
        ),
    }
    return nets[arm[NET]].to(cell.x)


def doubled(net: nn.Module, cell: Cell) -> float:
    """The share of parameters whose gradient a second pass has doubled, in both ways."""
    x, y = cell.x[:BATCH], cell.y[:BATCH]
    parameters = list(net.parameters())
    loss = functional.cross_entropy(net(x), y)
    loss.backward(retain_graph=True)
    once = [p.grad.clone() for p in parameters if p.grad is not None]
    loss.backward()
    kept = [p.grad.clone() for p in parameters if p.grad is not None]
    net.zero_grad()
    for _ in range(2):
        functional.cross_entropy(net(x), y).backward()
    anew = [p.grad for p in parameters if p.grad is not None]
    twice = [
        torch.equal(one, 2 * first) and torch.equal(other, 2 * first)
        for first, one, other in zip(once, kept, anew, strict=True)
    ]
    return sum(twice) / len(parameters)


def accumulated(net: nn.Module, cell: Cell) -> dict[str, float]:
    """Train without zero_grad, and compare .grad with the sum of the steps' own gradients."""
    parameters = list(net.parameters())
    optimiser = torch.optim.SGD(parameters, lr=LEARNING_RATE)
    sums = lacking = [torch.zeros_like(p) for p in parameters]
    exact = [torch.zeros_like(p, dtype=torch.float64) for p in parameters]
    right, wrong = [], []
    for step, (x, y) in enumerate(batches(cell)):
        own = torch.autograd.grad(functional.cross_entropy(net(x), y), parameters)
        functional.cross_entropy(net(x), y).backward()
        sums, exact = added(sums, own), added(exact, own)
        lacking = added(lacking, own) if step else lacking
        right.append(share_equal(parameters, sums))
        wrong.append(share_equal(parameters, lacking))
        optimiser.step()
    ends = [p.grad.double() for p in parameters if p.grad is not None]
    error = sum((end - total).square().sum().item() for end, total in zip(ends, exact, strict=True))
    return {
        "second_sum": right[1],
        "running_sum": sum(share == 1 for share in right) / STEPS,
        "wrong_sum": sum(share == 1 for share in wrong) / STEPS,
        "distance": (error / sum(total.square().sum().item() for total in exact)) ** 0.5,
    }


def batches(cell: Cell) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows drawn from the block's seed, the same at each call."""
    stream = torch.Generator().manual_seed(cell.seed)
    for _ in range(STEPS):
        rows = torch.randint(len(cell.x), (BATCH,), generator=stream).to(cell.x.device)
        yield cell.x[rows], cell.y[rows]


def added(sums: list[Tensor], gradients: Sequence[Tensor]) -> list[Tensor]:
    """The sums with one more gradient each, in the sums' precision."""
    return [total + grad.to(total) for total, grad in zip(sums, gradients, strict=True)]


def share_equal(parameters: list[nn.Parameter], sums: list[Tensor]) -> float:
    """The share of parameters whose gradient is the sum, bit for bit."""
    pairs = zip(parameters, sums, strict=True)
    return sum(p.grad is not None and torch.equal(p.grad, total) for p, total in pairs) / len(sums)


EXPERIMENT = Experiment(
    question="What is in .grad after a second backward pass, and after a hundred?",
    factors=(NET, PRECISION),
    # Networks are trained in single precision; of the others one network is enough.
    only=lambda arm: arm[PRECISION] == "float32" or arm[NET] == "perceptron",
    blocks=PerProfile(1, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
