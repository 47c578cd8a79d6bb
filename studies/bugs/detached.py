"""What does detach() share with the tensor it is called on, and what does it cut?

The logits of a network, the activations of a hidden layer, the loss, and a column of the logits are
detached. It is looked at where the data lie, whether there is a graph, and whether the graph is
gone once only the detached tensor is held; then the detached tensor is overwritten.

The document speaks of outputs that are kept, and of ``.item()`` on the loss: the verdict is on the
logits and the loss, and hidden activations and columns stand beside it.

Two things are recorded beside what the document says. PyTorch notices the overwriting where the
backward pass needs what was there, and refuses it. And a detached column holds the storage of the
whole: to keep little, one has to copy.
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
from harness.workloads import mlp
from studies.bugs.keeping import LiveGraphs

if TYPE_CHECKING:
    from torch import Tensor

LOGITS, ACTIVATIONS, LOSS, COLUMN = "logits", "activations", "loss", "a column of the logits"
TENSOR = Factor(
    "tensor",
    (LOGITS, ACTIVATIONS, LOSS, COLUMN),
    words={LOGITS: "the logits", ACTIVATIONS: "a hidden layer's activations", LOSS: "the loss"},
)
KEPT, OTHERS = (LOGITS, LOSS), (ACTIVATIONS, COLUMN)
ROWS, FEATURES, CLASSES = 8, 16, 4

RESPONSES = (
    Response("shares_data", "yes/no", "the detached tensor's data lie where the original's do"),
    Response("cut", "yes/no", "the detached tensor has no graph and asks for no gradient"),
    Response("graphs_left", "graphs", "the number of graphs that the detached tensor keeps alive"),
    Response("graphs_attached", "graphs", "the number of graphs that the tensor keeps alive"),
    Response("writes_through", "yes/no", "overwriting the detached tensor changes the original"),
    Response("number", "yes/no", "what .item() gives is Python's own float"),
    Response("refused", "yes/no", "a backward pass after the overwriting raises an error"),
    Response("held", "1", "bytes of the storage behind it, over those of its own numbers"),
)

#: Each condition of detach(), and how it was read.
READINGS = (
    ("shares_data", 1, "It shares data: the data of both tensors lie in one place,"),
    ("writes_through", 1, "and what is written to the detached tensor stands in the original."),
    ("cut", 1, "It cuts the graph: the detached tensor has none and asks for no gradient,"),
    ("graphs_left", 0, "and keeps none alive."),
)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim("C5.12", Value(name).at(tensor=KEPT).always(), equals(value), reading=reading)
        for name, value, reading in READINGS
    ),
    Claim(
        "C5.12",
        Value("number").at(tensor=LOSS).always(),
        equals(1),
        reading="So does .item() on the loss: it gives a number of Python's own, which has no "
        "graph.",
    ),
    *(
        Beyond(
            "C5.12",
            Value(name).at(tensor=OTHERS).always(),
            equals(value),
            why="other tensors than an output that is kept",
            reading=reading,
        )
        for name, value, reading in READINGS
    ),
    Control(
        "the tensor itself keeps its graph alive",
        Value("graphs_attached").always(),
        equals(1),
    ),
)


class Cell(NamedTuple):
    """A network and a batch."""

    net: nn.Sequential
    x: Tensor
    y: Tensor


def prepare(block: Block) -> Cell:
    """Random weights and a random batch."""
    x = torch.randn(ROWS, FEATURES, device=block.device)
    y = torch.randint(CLASSES, (ROWS,), device=block.device)
    return Cell(mlp(FEATURES, CLASSES).to(block.device), x, y)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Detach the arm's tensor in a pass of its own for each question."""
    tensors = forward(cell, LiveGraphs())
    original, loss = tensors[arm[TENSOR]], tensors[LOSS]
    detached = original.detach()
    found = {
        "shares_data": float(detached.data_ptr() == original.data_ptr()),
        "cut": float(detached.grad_fn is None and not detached.requires_grad),
        "number": float(type(loss.item()) is float),
        "held": detached.untyped_storage().nbytes() / (detached.numel() * detached.element_size()),
        "graphs_left": graphs_held(cell, arm[TENSOR], detach=True),
        "graphs_attached": graphs_held(cell, arm[TENSOR], detach=False),
    }
    detached.fill_(7.0)
    found["writes_through"] = float((original == 7).all().item())
    try:
        torch.autograd.grad(loss, list(cell.net.parameters()))
        found["refused"] = 0.0
    except RuntimeError:
        found["refused"] = 1.0
    return found


def forward(cell: Cell, graphs: LiveGraphs) -> dict[str, Tensor]:
    """The tensors of a pass forward, by name."""
    first = cell.net[0](cell.x)
    graphs.mark(first)
    activations = cell.net[1](first)
    logits = cell.net[2:](activations)
    loss = functional.cross_entropy(logits, cell.y)
    return {ACTIVATIONS: activations, LOGITS: logits, LOSS: loss, COLUMN: logits[:, 0]}


def graphs_held(cell: Cell, name: str, *, detach: bool) -> float:
    """How many graphs a tensor of a pass keeps alive by itself."""
    graphs = LiveGraphs()
    kept = forward(cell, graphs)[name]
    if detach:
        kept = kept.detach()
    alive = graphs.alive
    del kept
    return float(alive)


EXPERIMENT = Experiment(
    question="What does detach() share with the tensor it is called on, and what does it cut?",
    factors=(TENSOR,),
    blocks=PerProfile(1, 3, 3),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
