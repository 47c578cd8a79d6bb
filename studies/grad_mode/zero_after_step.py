"""Does it matter whether gradients are zeroed before backward or after the step?

Document A's training loop ends each step with ``zero_grad``; others begin with it. Both are run
from the same weights on the same batches with the same dropout masks, and the final weights
compared bit for bit. A loop that never zeroes shows that the comparison can fail. A start with
gradients left over from something else, of which the listing does not speak, is measured beside:
with them the first steps differ.

The verdict speaks for digits, a perceptron with dropout and batch norm, and three optimisers.
"""

from __future__ import annotations

import copy
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
    more_than,
)
from harness.libraries import functional, nn, torch
from harness.workloads import Split, load_split, mlp_for

if TYPE_CHECKING:
    from torch.optim import Optimizer

AFTER = "after the step"
ZERO = Factor(
    "zero",
    ("before the backward pass", AFTER, "never"),
    words={
        "before the backward pass": "zeroed before the backward pass",
        AFTER: "zeroed after the step",
        "never": "never zeroed",
    },
)
START = Factor(
    "start",
    ("no gradients", "left-over gradients"),
    words={"no gradients": "", "left-over gradients": "with left-over gradients"},
)
OPTIMISER = Factor("optimiser", ("SGD", "SGD with momentum", "Adam"))
LOWER = 0.95  # it trains: the loss falls by at least 5 %
EPOCHS, BATCH = 1, 64
#: Usual ones: with 0.01, plain gradient descent hardly moves in an epoch.
LEARNING_RATES = {"SGD": 0.1, "SGD with momentum": 0.01, "Adam": 0.01}

CLAIMS = (
    Claim(
        "A-pattern-1",
        Value("apart").at(zero=AFTER, start="no gradients").always(),
        equals(0),
        reading="Correctly: bit for bit to the same weights and buffers as the loop that zeroes "
        "before each backward pass, from a network that has no gradients yet.",
        headline={"zero": AFTER, "start": "no gradients", "optimiser": "Adam"},
    ),
    Claim(
        "A-pattern-1",
        Value("loss_left").at(zero=AFTER, start="no gradients").always(),
        at_most(LOWER),
        reading="It trains: the loss over the training set is at least 5 % lower afterwards.",
    ),
    Beyond(
        "A-pattern-1",
        Value("apart").at(zero=AFTER, start="left-over gradients").always(),
        equals(0),
        why="gradients that are left over from something else before the loop begins",
    ),
    Control(
        "the comparison of a loop with itself finds nothing",
        Value("apart").at(zero="before the backward pass").always(),
        equals(0),
    ),
    Control(
        "never zeroing is another training",
        Value("apart").at(zero="never").always(),
        more_than(0),
    ),
)


class Cell(NamedTuple):
    """A network to start from, the data, and the block's seed."""

    net: nn.Module
    data: Split
    seed: int


def prepare(block: Block) -> Cell:
    """An untrained network."""
    data = load_split("digits", block.seed, block.device)
    return Cell(mlp_for(data, block.seed, dropout=0.2, batch_norm=True), data, block.seed)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train with the arm's loop and with the usual one, and count tensors that differ."""
    usual = trained(cell, arm.replaced(zero="before the backward pass"))
    net = trained(cell, arm)
    pairs = zip(net.state_dict().values(), usual.state_dict().values(), strict=True)
    apart = sum(not torch.equal(one, other) for one, other in pairs)
    return {"apart": float(apart), "loss_left": loss_of(net, cell) / loss_of(cell.net, cell)}


def trained(cell: Cell, arm: Arm) -> nn.Module:
    """A copy of the network after some epochs; batches and masks come from the block's seed."""
    net = copy.deepcopy(cell.net).train()
    torch.manual_seed(cell.seed)
    optimiser = new_optimiser(arm[OPTIMISER], net)
    x, y = cell.data.train_x, cell.data.train_y
    if arm[START] == "left-over gradients":
        functional.cross_entropy(net(x[:BATCH]), y[:BATCH]).backward()
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).to(x.device).split(BATCH):
            if arm[ZERO] == "before the backward pass":
                optimiser.zero_grad()
            functional.cross_entropy(net(x[rows]), y[rows]).backward()
            optimiser.step()
            if arm[ZERO] == AFTER:
                optimiser.zero_grad()
    return net


def new_optimiser(name: str, net: nn.Module) -> Optimizer:
    """The optimiser of that name for a network."""
    rate = LEARNING_RATES[name]
    if name == "Adam":
        return torch.optim.Adam(net.parameters(), lr=rate)
    momentum = 0.9 if name == "SGD with momentum" else 0.0
    return torch.optim.SGD(net.parameters(), lr=rate, momentum=momentum)


def loss_of(net: nn.Module, cell: Cell) -> float:
    """The mean loss over the training set in eval mode."""
    with torch.no_grad():
        logits = copy.deepcopy(net).eval()(cell.data.train_x)
        return functional.cross_entropy(logits, cell.data.train_y).item()


EXPERIMENT = Experiment(
    question="Does it matter whether gradients are zeroed before backward or after the step?",
    factors=(ZERO, START, OPTIMISER),
    blocks=PerProfile(1, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=(
        Response(
            "apart",
            "tensors",
            "the number of weights and buffers that are not those of zeroing before backward",
        ),
        Response("loss_left", "1", "the training loss afterwards as a share of that before"),
    ),
    claims=CLAIMS,
)
