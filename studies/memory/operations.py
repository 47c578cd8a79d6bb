"""Which operations keep what they are given, or what they make of it?

An intermediate tensor, which nobody else refers to, goes into one operation, and the result on to a
sum. Weak references then tell whether the operation's argument or its result is still in memory,
and autograd's own hooks how many tensors the operation has saved. An operation whose derivative
does not depend on its values, such as a sum, needs neither. Dropout keeps neither as well, but a
mask of its own: what it has saved is counted with the rest.

Between two operations that keep nothing an intermediate tensor is freed at once; but what one does
not keep, the next may. Whether all are kept is asked of whole networks (``intermediates``), and the
operations by themselves are beyond the passage.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from harness import (
    Arm,
    Beyond,
    Block,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.libraries import functional, torch
from harness.meters import saved_tensors

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

ROWS, WIDTH = 8, 16

OPERATION = Factor(
    "operation",
    (
        "add a constant",
        "add a tensor",
        "subtract",
        "multiply by a constant",
        "multiply by itself",
        "matrix product",
        "exp",
        "sine",
        "ReLU",
        "sigmoid",
        "softmax",
        "layer norm",
        "dropout",
        "sum",
        "mean",
        "transpose",
        "concatenate",
        "pad",
    ),
    words={"dropout": "dropout, which keeps a mask instead"},
)

CLAIMS = (
    Beyond(
        "C3.06",
        Value("kept").always(),
        equals(1.0),
        why="an operation by itself; in a network, what it does not keep may be kept by the next",
        reading="The operation's argument or its result is still there when only the graph refers "
        "to it.",
    ),
    Control(
        "what exp keeps is its result",
        Value("result_kept").at(operation="exp").always(),
        equals(1.0),
    ),
    Control(
        "what the sine keeps is its argument",
        Value("result_kept").at(operation="sine").always(),
        equals(0.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Pass a tensor through the operation, let go of it, and see what is left."""
    operation = operations(block.device)[arm[OPERATION]]
    leaf = torch.rand(ROWS, WIDTH, device=block.device, requires_grad=True)
    argument = leaf.clone()  # which saves nothing itself
    with saved_tensors() as saved:
        result = operation(argument)
    loss = result.sum()
    references = [weakref.ref(tensor.untyped_storage()) for tensor in (argument, result)]
    del argument, result
    argument_kept, result_kept = (reference() is not None for reference in references)
    loss.backward()  # the graph was alive until here
    return {
        "saved": float(saved.count),
        "result_kept": float(result_kept),
        "kept": float(argument_kept or result_kept),
    }


def operations(device: str) -> dict[str, Callable[[Tensor], Tensor]]:
    """Each operation as a function of one intermediate tensor of shape (8, 16)."""
    other = torch.rand(ROWS, WIDTH, device=device)
    weight = torch.rand(WIDTH, 4, device=device, requires_grad=True)
    return {
        "add a constant": lambda x: x + 1,
        "add a tensor": lambda x: x + other,
        "subtract": lambda x: other - x,
        "multiply by a constant": lambda x: 2 * x,
        "multiply by itself": lambda x: x * x,
        "matrix product": lambda x: x @ weight,
        "exp": torch.exp,
        "sine": torch.sin,
        "ReLU": torch.relu,
        "sigmoid": torch.sigmoid,
        "softmax": lambda x: x.softmax(dim=1),
        "layer norm": lambda x: functional.layer_norm(x, (WIDTH,)),
        "dropout": lambda x: functional.dropout(x, 0.5),
        "sum": torch.sum,
        "mean": torch.mean,
        "transpose": lambda x: x.t(),
        "concatenate": lambda x: torch.cat([x, x]),
        "pad": lambda x: functional.pad(x, (1, 1)),
    }


EXPERIMENT = Experiment(
    question="Which operations keep what they are given, or what they make of it?",
    factors=(OPERATION,),
    blocks=PerProfile(1, 10, 20),
    measure=measure,
    responses=(
        Response("saved", "1", "number of tensors that the operation saves"),
        Response("result_kept", "yes/no", "the result of the operation is still there"),
        Response("kept", "yes/no", "the argument or the result of the operation is still there"),
    ),
    claims=CLAIMS,
)
