"""Which operations raise when one tensor is on the CPU and the other on a GPU?

Seventeen operations of a training step, chosen before any was tried, are given tensors in two
places: six kinds of layers with their weights on the GPU and the batch on the CPU, seven of
arithmetic, masking and assembling, and four that are known ways across: numbers to select by, a
copy, and a single number. The claim is of the usual ones: "in most cases" is read as more than half
of the thirteen. The ways across stand beside it. All of them run where both are on the GPU.

The claim needs a GPU. Without one they are tried on PyTorch's fake tensors, which follow CUDA's
rules on where tensors may be, but let a convolution pass (``elsewhere``); that is shown beside it.
"""

from __future__ import annotations

from collections.abc import Callable
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
    Share,
    Value,
    equals,
    more_than,
)
from harness.libraries import functional, torch
from studies.bugs.elsewhere import outcomes_on, refused

if TYPE_CHECKING:
    from torch import Tensor

MOST = 0.5
SIDE = 4


def row(place: str) -> Tensor:
    """Four ones."""
    return torch.ones(SIDE, device=place)


def table(place: str) -> Tensor:
    """Four rows of four ones."""
    return torch.ones(SIDE, SIDE, device=place)


def images(place: str) -> Tensor:
    """Four images of four channels, or as many filters."""
    return torch.ones(SIDE, SIDE, 3, 3, device=place)


def numbers(place: str, *shape: int) -> Tensor:
    """Zeros to index with."""
    return torch.zeros(shape, dtype=torch.long, device=place)


def mask(place: str) -> Tensor:
    """Four rows of four times true."""
    return torch.ones(SIDE, SIDE, dtype=torch.bool, device=place)


#: Each is told where the network is, and where the batch was left.
USUAL: dict[str, Callable[[str, str], Tensor]] = {
    "linear layer": lambda net, batch: functional.linear(table(batch), table(net)),
    "convolution": lambda net, batch: functional.conv2d(images(batch), images(net)),
    "embedding": lambda net, batch: functional.embedding(numbers(batch, SIDE), table(net)),
    "batch norm": lambda net, batch: functional.batch_norm(table(batch), row(net), row(net)),
    "layer norm": lambda net, batch: functional.layer_norm(
        table(batch), (SIDE,), row(net), row(net)
    ),
    "attention": lambda net, batch: functional.scaled_dot_product_attention(
        table(batch)[None], table(net)[None], table(net)[None]
    ),
    "matrix product": lambda net, batch: table(net) @ table(batch),
    "sum": lambda net, batch: table(net) + table(batch),
    "sum in place": lambda net, batch: table(net).add_(table(batch)),
    "comparison": lambda net, batch: numbers(net, SIDE) == numbers(batch, SIDE),
    "choice by a mask": lambda net, batch: torch.where(mask(net), table(net), table(batch)),
    "masked fill": lambda net, batch: table(net).masked_fill(mask(batch), 0.0),
    "concatenation": lambda net, batch: torch.cat([table(net), table(batch)]),
}
#: Ways from one place to the other that PyTorch means to be open, or that are no mixing.
ACROSS: dict[str, Callable[[str, str], Tensor]] = {
    "gathering by numbers on the CPU": lambda net, batch: table(net).gather(
        1, numbers(batch, SIDE, SIDE)
    ),
    "indexing by numbers on the CPU": lambda net, batch: table(net)[numbers(batch, SIDE)],
    "copy into a tensor": lambda net, batch: table(net).copy_(table(batch)),
    "product with a single number": lambda net, batch: table(net) * torch.ones((), device=batch),
}
OPERATIONS = USUAL | ACROSS
OPERATION = Factor("operation", tuple(OPERATIONS), label="operations of a training step")

RESPONSES = (
    Response("mixed", "yes/no", "an error is raised with one tensor on the CPU"),
    Response("together", "yes/no", "an error is raised with both tensors on the GPU"),
)

CLAIMS = (
    Claim(
        "C5.25",
        Share("mixed", OPERATION).at(operation=tuple(USUAL)).always(),
        more_than(MOST),
        reading="In most cases: more than half of thirteen usual operations of a training step, "
        "listed before any was tried, raise an error.",
        needs="cuda",
        headline=True,
    ),
    Beyond(
        "C5.25",
        Value("mixed").at(operation=tuple(ACROSS)).always(),
        equals(1),
        why="numbers to select by, copies and single numbers, which are ways across",
        reading="The operation raises an error.",
        needs="cuda",
    ),
    Control(
        "with both on the GPU none raises",
        Value("together").always(),
        equals(0),
    ),
)


def prepare_run(block: Block) -> dict[str, float]:
    """What becomes of the operations on a GPU, or on a fake."""
    return outcomes_on(block.device, __name__)


def measure(block: Block, arm: Arm) -> Responses:
    """What became of the arm's operation."""
    return {each.name: block.run[f"{each.name}: {arm[OPERATION]}"] for each in RESPONSES}


def outcomes(place: str) -> dict[str, float]:
    """Try every operation with the batch on the CPU, and with both in a place."""
    mixed = {f"mixed: {name}": refused(run, place, "cpu") for name, run in OPERATIONS.items()}
    together = {f"together: {name}": refused(run, place, place) for name, run in OPERATIONS.items()}
    return {name: float(value) for name, value in (mixed | together).items()}


EXPERIMENT = Experiment(
    question="Which operations raise when one tensor is on the CPU and the other on a GPU?",
    factors=(OPERATION,),
    blocks=PerProfile(1, 1, 1),
    prepare_run=prepare_run,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
