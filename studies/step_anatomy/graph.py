"""What graph do a forward pass and a loss record, and where does backward leave gradients?

The graph is walked through ``next_functions``, from the outputs and from the loss, for networks of
the usual kinds: the listing's linear classifier, a perceptron, convolutions with batch norm, an
LSTM, a transformer layer, and a perceptron that uses its middle layer twice, with a path around it.
Which parameters are used is not asked of autograd: one is used if the outputs change with it. After
one backward pass the gradient of each is compared with finite differences, in double precision. A
network with a frozen layer, and one that is never called, has parameters that no walk may reach.
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
    PerProfile,
    Response,
    Responses,
    Value,
    at_most,
    equals,
)
from harness.libraries import functional, nn, torch
from harness.workloads import load_split
from studies.step_anatomy.networks import CLASSES, NETWORKS, STRAYS, USUAL, Network
from studies.step_anatomy.walk import has_cycle, missing

if TYPE_CHECKING:
    from torch import Tensor

ROWS = 32
#: How far a weight is moved to see whether the outputs change, and to take a difference.
NUDGE, SMALL = 0.1, 1e-6

NET = Factor("net", tuple(NETWORKS), label="network")
CROSS_ENTROPY, SQUARES, ADDED_UP = "cross-entropy", "MSE", "cross-entropy added up"
SEPARATE = "cross-entropy, not reduced"
LOSS = Factor("loss", (CROSS_ENTROPY, SQUARES, ADDED_UP, SEPARATE))
STANDARD = (CROSS_ENTROPY, SQUARES)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C3.04",
        Value("unreached").at(net=USUAL, loss=CROSS_ENTROPY).always(),
        equals(0),
        reading="It connects the parameters with the outputs: each trained parameter with which "
        "the outputs change is reached from them.",
        headline={"net": "transformer layer"},
    ),
    Claim(
        "C3.04",
        Value("cycles").at(net=USUAL, loss=CROSS_ENTROPY).always(),
        equals(0),
        reading="Acyclic: no path of the graph comes back to a node that it has been at.",
    ),
    Claim(
        "C3.08",
        Value("dimensions").at(net=USUAL, loss=STANDARD).always(),
        equals(0),
        reading="A scalar: the loss is a tensor without dimensions.",
        headline={"net": "linear classifier", "loss": CROSS_ENTROPY},
    ),
    Claim(
        "C3.08",
        Value("unreached_from_loss").at(net=USUAL, loss=STANDARD).always(),
        equals(0),
        reading="The root: from the loss every trained parameter is reached with which the outputs "
        "change.",
    ),
    Beyond(
        "C3.08",
        Value("dimensions").at(net=USUAL, loss=(ADDED_UP, SEPARATE)).always(),
        equals(0),
        why="a loss that is not reduced to its mean",
    ),
    Claim(
        "C3.10",
        Value("without_gradient").at(net=USUAL, loss=STANDARD).always(),
        equals(0),
        reading="After one backward pass .grad of every parameter that the loss reaches is a "
        "tensor of its shape.",
        headline={"net": "perceptron", "loss": CROSS_ENTROPY},
    ),
    Claim(
        "C3.10",
        Value("gradient_off").at(net=USUAL, loss=STANDARD).always(),
        at_most(1e-6),
        reading="What it holds is the gradient: the slope of the loss by finite differences, to a "
        "millionth.",
    ),
    Beyond(
        "C3.10",
        Value("any_without_gradient").at(net=STRAYS, loss=STANDARD).always(),
        equals(0),
        why="parameters that are frozen or never used, which backward does not reach",
        reading="Every parameter of the network has a gradient, reached or not.",
    ),
    Control(
        "two frozen and two uncalled parameters are not reached",
        Value("any_unreached").at(net=STRAYS, loss=STANDARD).always(),
        equals(4),
    ),
)


class Rows(NamedTuple):
    """32 digits in double precision, and the seed of the weights."""

    x: Tensor
    y: Tensor
    seed: int


def prepare(block: Block) -> Rows:
    """The first 32 rows of the block's split."""
    data = load_split("digits", block.seed, block.device)
    return Rows(data.train_x[:ROWS].double(), data.train_y[:ROWS], block.seed)


def measure(rows: Rows, arm: Arm) -> Responses:
    """Walk the graph of one forward pass and loss; then go backward once."""
    net = made(arm, rows)
    parameters = list(net.layers.parameters())
    # First: to move weights in place would spoil a graph that has been recorded.
    trained = [p for p in used(net, rows.x) if p.requires_grad]
    outputs = net.forward(rows.x)
    loss = loss_of(arm[LOSS], outputs, rows.y)
    from_loss, from_outputs = loss.grad_fn, outputs.grad_fn
    found = {
        "cycles": has_cycle(from_loss),
        "unreached": len(missing(from_outputs, trained)),
        "unreached_from_loss": len(missing(from_loss, trained)),
        "any_unreached": len(missing(from_loss, parameters)),
        "dimensions": loss.dim(),
    }
    lost = {id(each) for each in missing(from_loss, parameters)}
    reached = [each for each in parameters if id(each) not in lost]
    loss.sum().backward()
    return {
        **found,
        "without_gradient": sum(not has_gradient(each) for each in reached),
        "any_without_gradient": sum(not has_gradient(each) for each in parameters),
        "gradient_off": max(slope_off(net, rows, arm, each) for each in reached),
    }


def made(arm: Arm, rows: Rows) -> Network:
    """The arm's network, its weights from the block's seed."""
    torch.manual_seed(rows.seed)
    net = NETWORKS[arm[NET]]()
    net.layers.double().to(rows.x.device)
    return net


def loss_of(name: str, outputs: Tensor, y: Tensor) -> Tensor:
    """A loss by its name; the standard ones are told nothing."""
    if name == SQUARES:
        squares: Tensor = nn.MSELoss()(outputs, functional.one_hot(y, CLASSES).double())
        return squares
    reduction = {ADDED_UP: "sum", SEPARATE: "none"}.get(name)
    criterion = nn.CrossEntropyLoss(reduction=reduction) if reduction else nn.CrossEntropyLoss()
    loss: Tensor = criterion(outputs, y)
    return loss


def used(net: Network, x: Tensor) -> Sequence[Tensor]:
    """The parameters with which the outputs change."""
    stream = torch.Generator().manual_seed(0)
    found = []
    with torch.no_grad():
        usual = net.forward(x)
        for parameter in net.layers.parameters():
            before = parameter.clone()
            noise = torch.randn(parameter.shape, generator=stream, dtype=parameter.dtype)
            parameter.add_(NUDGE * noise.to(parameter.device))
            if not torch.equal(net.forward(x), usual):
                found.append(parameter)
            parameter.copy_(before)
    return found


def has_gradient(parameter: Tensor) -> bool:
    """Whether there is a gradient of the parameter's shape."""
    return parameter.grad is not None and parameter.grad.shape == parameter.shape


def slope_off(net: Network, rows: Rows, arm: Arm, parameter: Tensor) -> float:
    """How far a parameter's gradient is from finite differences, along one random direction.

    Returns:
        The distance of the two slopes, over the length of the gradient, or over 1 where that is
        less: the bias before a batch norm has a gradient of 0.
    """
    gradient = parameter.grad
    if gradient is None:
        return float("inf")
    stream = torch.Generator().manual_seed(1)
    direction = torch.randn(parameter.shape, generator=stream, dtype=parameter.dtype)
    direction = (direction / direction.norm()).to(parameter.device)
    before = parameter.detach().clone()
    losses = []
    with torch.no_grad():
        for sign in (1, -1):
            parameter.copy_(before + sign * SMALL * direction)
            losses.append(loss_of(arm[LOSS], net.forward(rows.x), rows.y).sum().item())
        parameter.copy_(before)
    slope = (losses[0] - losses[1]) / (2 * SMALL)
    size = max(gradient.norm().item(), 1.0)
    return float(abs(slope - (gradient * direction).sum().item()) / size)


EXPERIMENT: Experiment[Rows] = Experiment(
    question="What graph do a forward pass and a loss record, and where do gradients end up?",
    factors=(NET, LOSS),
    blocks=PerProfile(1, 5, 20),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("cycles", "yes/no", "a path of the graph comes back to where it has been"),
        Response(
            "unreached", "parameters", "used and trained parameters not reached from the outputs"
        ),
        Response(
            "unreached_from_loss",
            "parameters",
            "used and trained parameters not reached from the loss",
        ),
        Response("any_unreached", "parameters", "parameters of any kind not reached from the loss"),
        Response("dimensions", "dimensions", "number of dimensions of the loss"),
        Response("without_gradient", "parameters", "reached parameters without a gradient"),
        Response("any_without_gradient", "parameters", "parameters of any kind without a gradient"),
        Response(
            "gradient_off",
            "1",
            "the largest distance of a gradient from finite differences, over its length",
        ),
    ),
    claims=CLAIMS,
)
