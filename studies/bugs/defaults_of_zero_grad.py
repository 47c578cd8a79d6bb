"""What does zero_grad leave behind: zeros, or nothing at all?

A network with gradients calls ``zero_grad`` of an optimiser, or of itself, without arguments and
with each value of ``set_to_none``; then its ``.grad`` are looked at.
"""

from __future__ import annotations

from harness import (
    Arm,
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

OF = Factor("of", ("SGD", "Adam", "AdamW", "the network"))
CALL = Factor("call", ("zero_grad()", "set_to_none=True", "set_to_none=False"))

CLAIMS = (
    Claim(
        "C3.15",
        Value("zeros").at(call="zero_grad()").always(),
        equals(1.0),
        reading="Without arguments it leaves tensors of zeros, in place of None, which is what "
        "comes on request.",
    ),
    Control(
        "None on request",
        Value("none").at(call="set_to_none=True").always(),
        equals(1.0),
    ),
    Control(
        "zeros on request",
        Value("zeros").at(call="set_to_none=False").always(),
        equals(1.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Make gradients, reset them, and look."""
    net = nn.Linear(4, 3).to(block.device)
    net(torch.ones(2, 4, device=block.device)).sum().backward()
    if arm[OF] == "the network":
        zero_grad = net.zero_grad
    else:
        zero_grad = getattr(torch.optim, arm[OF])(net.parameters(), lr=0.1).zero_grad
    if arm[CALL] == "zero_grad()":
        zero_grad()
    else:
        zero_grad(set_to_none=arm[CALL] == "set_to_none=True")
    left = [p.grad for p in net.parameters()]
    zeros = [grad is not None and not grad.any().item() for grad in left]
    return {
        "zeros": sum(zeros) / len(left),
        "none": sum(grad is None for grad in left) / len(left),
    }


EXPERIMENT = Experiment(
    question="What does zero_grad leave behind, zeros or nothing at all?",
    factors=(OF, CALL),
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("zeros", "1", "zeros"),
        Response("none", "1", "none"),
    ),
    claims=CLAIMS,
)
