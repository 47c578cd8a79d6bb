"""Is eval() harmless where there is no dropout to switch off?

Networks with every dropout probability at zero and without batch norm get one batch in train mode
and once more in eval mode. That the outputs agree is what makes eval() a habit that costs nothing.
A transformer layer has one more reason to differ: in eval mode without gradients it takes a fused
path of its own (see ``outputs``). So the same is done with gradients enabled, where it cannot.

Gaps are relative to the largest output, over all places of it and over those that are no padding.
Weights are random but for MiniLM's; ModernBERT has its default dropout, which is zero.
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
    at_most,
    equals,
    more_than,
)
from harness.libraries import torch
from studies.grad_mode.modes import GRAD, grad_mode
from studies.grad_mode.workloads import Workload, workload

#: Their dropout probability is 0.
SILENT = (
    "perceptron",
    "CNN",
    "LSTM",
    "attention",
    "encoder",
    "encoder, padding mask",
    "BERT, padding mask",
    "ModernBERT, padding mask",
    "MiniLM, padding mask",
)
DROPPING = "perceptron, p = 0.1"
NET = Factor("net", (*SILENT, DROPPING))
LOOSE = 1e-6

CLAIMS = (
    Claim(
        "A-take-1",
        Value("gap").at(grad="no_grad", net=SILENT).always(),
        equals(0.0),
        reading="Strict: under no_grad, as in an evaluation, the output in eval mode is that of "
        "train mode bit for bit.",
    ),
    Claim(
        "A-take-1",
        Value("gap_read").at(grad="no_grad", net=SILENT).always(),
        at_most(LOOSE),
        reading="Harmless: what is read, which is not the padding, differs by at most 1e-6 of the "
        "largest output.",
    ),
    Control(
        "dropout that is not zero shows",
        Value("gap").at(net=DROPPING).always(),
        more_than(0.01),
    ),
)


def prepare(block: Block) -> dict[str, Workload]:
    """Every network with its input."""
    works = {name: workload(name, block.device, 0.0) for name in SILENT}
    works[DROPPING] = workload("perceptron", block.device, 0.1)
    return works


def measure(works: dict[str, Workload], arm: Arm) -> Responses:
    """Compare a pass in eval mode with one in train mode."""
    work = works[arm[NET]]
    with grad_mode(arm[GRAD]):
        work.net.train()
        reference = work.forward().detach()
        work.net.eval()
        output = work.forward().detach()
    with torch.no_grad():
        gaps = (output - reference).abs() / reference.abs().max()
    read = gaps if work.real is None else gaps[work.real]
    return {"gap": gaps.max().item(), "gap_read": read.max().item()}


EXPERIMENT = Experiment(
    question="Is eval() harmless where there is no dropout to switch off?",
    factors=(GRAD, NET),
    only=lambda arm: arm[GRAD] != "inference_mode",
    blocks=PerProfile(1, 20, 50),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("gap", "1", "gap"),
        Response("gap_read", "1", "gap read"),
    ),
    claims=CLAIMS,
)
