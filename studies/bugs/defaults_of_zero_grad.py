"""What does zero_grad leave behind: zeros, or nothing at all?

A network with gradients calls ``zero_grad`` of an optimiser, or of itself, without arguments and
with each value of ``set_to_none``; then its ``.grad`` are looked at.
"""

from __future__ import annotations

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
from harness.libraries import nn, torch

NETWORK = "the network"
OPTIMISERS = ("SGD", "Adam", "AdamW")
BARE, NONE, ZEROS = "no argument", "asked for None", "asked for zeros"
OF = Factor("of", (*OPTIMISERS, NETWORK), words={NETWORK: "zero_grad of the network itself"})
CALL = Factor("call", (BARE, NONE, ZEROS), words={BARE: "zero_grad called without an argument"})

CLAIMS = (
    Claim(
        "C3.15",
        Value("zeros").at(call=BARE, of=OPTIMISERS).always(),
        equals(1.0),
        reading="Without an argument an optimiser's zero_grad leaves tensors of zeros; None comes "
        "on request only.",
        headline={"of": "Adam"},
    ),
    Beyond(
        "C3.15",
        Value("zeros").at(call=BARE, of=NETWORK).always(),
        equals(1.0),
        why="zero_grad of a network, where the passage speaks of an optimiser's",
    ),
    Control(
        "None on request",
        Value("none").at(call=NONE).always(),
        equals(1.0),
    ),
    Control(
        "zeros on request",
        Value("zeros").at(call=ZEROS).always(),
        equals(1.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Make gradients, reset them, and look."""
    net = nn.Linear(4, 3).to(block.device)
    net(torch.ones(2, 4, device=block.device)).sum().backward()
    if arm[OF] == NETWORK:
        zero_grad = net.zero_grad
    else:
        zero_grad = getattr(torch.optim, arm[OF])(net.parameters(), lr=0.1).zero_grad
    if arm[CALL] == BARE:
        zero_grad()
    else:
        zero_grad(set_to_none=arm[CALL] == NONE)
    left = [p.grad for p in net.parameters()]
    zeros = [grad is not None and not grad.any().item() for grad in left]
    return {
        "zeros": float(all(zeros)),
        "none": float(all(grad is None for grad in left)),
    }


EXPERIMENT = Experiment(
    question="What does zero_grad leave behind, zeros or nothing at all?",
    factors=(OF, CALL),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("zeros", "yes/no", "every .grad is a tensor of zeros afterwards"),
        Response("none", "yes/no", "every .grad is None afterwards"),
    ),
    claims=CLAIMS,
)
