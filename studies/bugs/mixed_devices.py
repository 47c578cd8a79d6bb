"""Which operations raise when one tensor is on the CPU and the other on a GPU?

Seventeen operations of a training step, chosen before any was tried, are given tensors in two
places: six kinds of layers with their weights on the GPU and the batch on the CPU, six of
arithmetic and masking, and five that assemble, select and copy. All of them run where both are on
the GPU. Without a GPU they are tried on PyTorch's fake tensors, which follow CUDA's rules on where
tensors may be; ``elsewhere`` says in which case they do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.libraries import functional, torch
from studies.bugs.elsewhere import outcomes_on, refused

if TYPE_CHECKING:
    from torch import Tensor

MOST = 0.75
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
OPERATIONS: dict[str, Callable[[str, str], Tensor]] = {
    "linear_layer": lambda net, batch: functional.linear(table(batch), table(net)),
    "convolution": lambda net, batch: functional.conv2d(images(batch), images(net)),
    "embedding": lambda net, batch: functional.embedding(numbers(batch, SIDE), table(net)),
    "batch_norm": lambda net, batch: functional.batch_norm(table(batch), row(net), row(net)),
    "layer_norm": lambda net, batch: functional.layer_norm(
        table(batch), (SIDE,), row(net), row(net)
    ),
    "attention": lambda net, batch: functional.scaled_dot_product_attention(
        table(batch)[None], table(net)[None], table(net)[None]
    ),
    "matrix_product": lambda net, batch: table(net) @ table(batch),
    "sum": lambda net, batch: table(net) + table(batch),
    "sum_in_place": lambda net, batch: table(net).add_(table(batch)),
    "comparison": lambda net, batch: numbers(net, SIDE) == numbers(batch, SIDE),
    "where": lambda net, batch: torch.where(mask(net), table(net), table(batch)),
    "masked_fill": lambda net, batch: table(net).masked_fill(mask(batch), 0.0),
    "cat": lambda net, batch: torch.cat([table(net), table(batch)]),
    "gather": lambda net, batch: table(net).gather(1, numbers(batch, SIDE, SIDE)),
    "indexing": lambda net, batch: table(net)[numbers(batch, SIDE)],
    "copy_into": lambda net, batch: table(net).copy_(table(batch)),
    "single_number": lambda net, batch: table(net) * torch.ones((), device=batch),
}

CLAIMS = (
    Claim(
        "C5.25",
        Value("share").always(),
        at_least(MOST),
        reading="In most cases: at least 75 % of 17 operations of a training step raise an error. "
        "Without a GPU, on fake tensors.",
    ),
    Control(
        "with both on the GPU none raises",
        Value("share_together").always(),
        equals(0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:  # noqa: ARG001 - there is one arm
    """What becomes of the operations on a GPU, or on a fake."""
    return outcomes_on(block.device, __name__)


def outcomes(place: str) -> dict[str, float]:
    """Try every operation with the batch on the CPU, and with both in a place."""
    mixed = {name: float(refused(run, place, "cpu")) for name, run in OPERATIONS.items()}
    together = [refused(run, place, place) for run in OPERATIONS.values()]
    return {
        "share": sum(mixed.values()) / len(mixed),
        "share_together": sum(together) / len(together),
        **mixed,
    }


EXPERIMENT = Experiment(
    question="Which operations raise when one tensor is on the CPU and the other on a GPU?",
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("share", "1", "share"),
        Response("share_together", "1", "share together"),
        Response("linear_layer", "1", "linear layer"),
        Response("convolution", "1", "convolution"),
        Response("embedding", "1", "embedding"),
        Response("batch_norm", "1", "batch norm"),
        Response("layer_norm", "1", "layer norm"),
        Response("attention", "1", "attention"),
        Response("matrix_product", "1", "matrix product"),
        Response("sum", "1", "sum"),
        Response("sum_in_place", "1", "sum in place"),
        Response("comparison", "1", "comparison"),
        Response("where", "1", "where"),
        Response("masked_fill", "1", "masked fill"),
        Response("cat", "1", "cat"),
        Response("gather", "1", "gather"),
        Response("indexing", "1", "indexing"),
        Response("copy_into", "1", "copy into"),
        Response("single_number", "1", "single number"),
    ),
    claims=CLAIMS,
)
