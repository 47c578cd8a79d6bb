"""Does eval() switch gradients off, or freeze the network?

Networks in eval mode, and in train mode for comparison, get one training step towards random
targets: forward pass, loss, backward pass, a step of plain gradient descent. Recorded is whether
the output was tracked, the share of parameter tensors that have moved, and whether PyTorch raised
an error on the way: some GPU kernels (cuDNN's recurrent layers) refuse a backward pass in eval
mode.
"""

from __future__ import annotations

import copy

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
from harness.libraries import functional, torch
from studies.grad_mode.modes import MODE
from studies.grad_mode.workloads import WORDS, Workload, workload

NETS = ("perceptron", "CNN + batch norm", "LSTM", "attention", "encoder")
NET = Factor("net", NETS, label="network", words={net: WORDS[net] for net in NETS})


def still_tracked(claim: str, *, headline: bool = False) -> Claim:
    """The one rule of all claims that eval() leaves gradient tracking on."""
    levels = {"mode": "eval", "net": "perceptron"}
    return Claim(
        claim,
        Value("tracked").at(mode="eval").always(),
        equals(1),
        reading="eval() does not switch gradients off: the output still asks for them.",
        headline=levels if headline else False,
    )


CLAIMS = (
    still_tracked("A-nograd-3", headline=True),
    still_tracked("C4.08"),
    Claim(
        "C4.08",
        Value("moved").at(mode="eval").always(),
        equals(1),
        reading="It does not freeze: a training step in eval mode moves every parameter tensor.",
        headline={"mode": "eval", "net": "perceptron"},
    ),
    Control(
        # A bias before batch norm moves nothing in train mode, and gets no gradient but rounding.
        "a step in train mode moves all",
        Value("moved")
        .at(mode="train", net=("perceptron", "LSTM", "attention", "encoder"))
        .always(),
        equals(1),
    ),
)


def prepare(block: Block) -> dict[str, Workload]:
    """Every network with its input."""
    return {name: workload(name, block.device, dropout=0.1) for name in NETS}


def measure(works: dict[str, Workload], arm: Arm) -> Responses:
    """One training step, on a network whose weights are put back afterwards."""
    net = works[arm[NET]].net
    start = copy.deepcopy(net.state_dict())
    net.train(arm[MODE] == "train")
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    output = works[arm[NET]].forward()
    raised = 0.0
    try:
        functional.mse_loss(output, torch.randn_like(output)).backward()
        optimiser.step()
    except RuntimeError:
        raised = 1.0
    moved = [not torch.equal(start[name], value) for name, value in net.named_parameters()]
    optimiser.zero_grad()
    net.load_state_dict(start)
    return {
        "tracked": float(output.requires_grad),
        "moved": sum(moved) / len(moved),
        "raised": raised,
    }


EXPERIMENT = Experiment(
    question="Does eval() switch gradients off, or freeze the network?",
    factors=(MODE, NET),
    blocks=PerProfile(1, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("tracked", "yes/no", "the output asks for a gradient"),
        Response("moved", "1", "the share of parameter tensors that a training step moves"),
        Response("raised", "yes/no", "the training step raises an error"),
    ),
    claims=CLAIMS,
)
