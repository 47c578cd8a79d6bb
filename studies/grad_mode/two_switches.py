"""What does eval() change, what does no_grad, and does either need the other?

Networks with dropout, batch norm, both or neither are trained on digits and evaluated in all
combinations of the two switches: the mode of the modules and the mode of gradients. A pass over the
same rows is repeated, and of each combination it is recorded whether the repeats differ, whether
batch norm's buffers move, whether the output is tracked, and what is kept for a backward pass. The
first output is compared with a calculation by hand in float64 (what the network in eval mode must
give), and with the same pass with gradients enabled and the same dropout masks.

The verdicts speak for small perceptrons; ``outputs`` asks other networks whether no_grad changes
what they give.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

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
    at_least,
    equals,
    more_than,
)
from harness.libraries import nn, torch
from harness.meters import saved_tensors
from harness.workloads import load_split, trained_mlp
from studies.grad_mode.modes import GRAD, MODE, grad_mode

if TYPE_CHECKING:
    from torch import Tensor

NET = Factor("net", ("plain", "dropout", "batch norm", "dropout + batch norm"))
DROPPING, NORMING = ("dropout", "dropout + batch norm"), ("batch norm", "dropout + batch norm")
BOTH = "dropout + batch norm"
#: Those that eval() changes.
CHANGED = ("dropout", "batch norm", "dropout + batch norm")
OFF = ("no_grad", "inference_mode")

PASSES = 10
DIFFER = 0.95  # unequal in 95 % of trials or more
TOLERANCE = 1e-5  # float32 against float64, as a share of the largest output

RESPONSES = (
    Response("differ", "1", "share of repeated passes whose output is not that of the first"),
    Response("moved", "buffers", "batch norm buffers that a pass changes"),
    Response("tracked", "1", "1 where the output asks for a gradient"),
    Response("kept", "B", "bytes kept for a backward pass, parameters, buffers and input left out"),
    Response("right", "1", "1 where the output is that of the calculation by hand"),
    Response("gap_to_enabled", "1", "largest difference from the same pass with gradients enabled"),
    Response("ready", "1", "1 where the output is right and repeats, and nothing is kept"),
)

CLAIMS: tuple[Claim | Control, ...] = (
    Claim(
        "A-nograd-1",
        Value("right").at(mode="eval", net=CHANGED).always(),
        equals(1),
        reading="eval() changes behaviour: with it the output is the calculation by hand, where "
        "nothing is dropped and batch norm uses its running statistics,",
    ),
    Claim(
        "A-nograd-1",
        Value("right").at(mode="train", net=CHANGED).always(),
        equals(0),
        reading="and without it it is not, whatever the gradients.",
    ),
    Claim(
        "A-nograd-1",
        Value("gap_to_enabled").at(grad="no_grad").always(),
        equals(0),
        reading="no_grad leaves behaviour: the same pass gives the same output bit for bit.",
    ),
    Claim(
        "A-nograd-1",
        Value("differ").at(mode="train", grad="no_grad", net=DROPPING).always(),
        at_least(DIFFER),
        reading="Dropout persists under no_grad alone: repeats differ in 95 % of cases or more.",
    ),
    Claim(
        "A-nograd-1",
        Value("moved").at(mode="train", grad="no_grad", net=NORMING).always(),
        more_than(0),
        reading="Updates of batch norm persist under no_grad alone.",
    ),
    Claim(
        "D-inc-2",
        Value("differ").at(mode="train", grad="no_grad", net=DROPPING).always(),
        at_least(DIFFER),
        reading="Repeated passes in train mode under no_grad differ in 95 % of cases or more.",
    ),
    Claim(
        "A-nograd-3",
        Value("tracked").at(mode="eval", grad="enabled").always(),
        equals(1),
        reading="In eval mode the output asks for a gradient,",
    ),
    Claim(
        "A-nograd-3",
        Value("kept").at(mode="eval", grad="enabled").always(),
        more_than(0),
        reading="and memory is kept for a backward pass,",
    ),
    Claim(
        "A-nograd-3",
        Value("kept").at(mode="eval", grad=OFF).always(),
        equals(0),
        reading="which no_grad or inference_mode is needed to avoid.",
    ),
    Claim(
        "D-inc-4",
        Value("differ").at(mode="eval", grad="no_grad").always(),
        equals(0),
        reading="Deterministic: repeats are equal bit for bit.",
    ),
    Claim(
        "D-inc-4",
        Value("kept").at(mode="eval", grad="no_grad").always(),
        equals(0),
        reading="No gradients are stored: nothing is kept for a backward pass that would make "
        "them.",
    ),
    Claim(
        "A-nograd-6",
        Value("ready").at(mode="eval", grad=OFF, net=CHANGED).always(),
        equals(1),
        reading="With both switches the output is right, it repeats, and nothing is kept for a "
        "backward pass,",
    ),
    Claim(
        "A-nograd-6",
        Value("ready").at(mode="train", net=CHANGED).always(),
        equals(0),
        reading="which is not so without eval(), in networks that it changes,",
    ),
    Claim(
        "A-nograd-6",
        Value("ready").at(mode="eval", grad="enabled").always(),
        equals(0),
        reading="nor without no_grad or inference_mode, in any network.",
    ),
    *(
        Claim("C4.09", Value(response).at(net=BOTH, **where).always(), region, reading)
        for response, where, region, reading in (
            ("tracked", {"grad": "enabled"}, equals(1), "A graph is built in either mode,"),
            ("tracked", {"grad": OFF}, equals(0), "or in neither mode."),
            ("differ", {"mode": "train"}, at_least(0.5), "Dropout acts whatever the gradients,"),
            ("differ", {"mode": "eval"}, equals(0), "or not, whatever the gradients."),
            ("moved", {"mode": "train"}, more_than(0), "Buffers move whatever the gradients,"),
            ("moved", {"mode": "eval"}, equals(0), "or not, whatever the gradients."),
        )
    ),
    Control(
        "a plain network gives the calculation by hand in either mode",
        Value("right").at(net="plain").always(),
        equals(1),
    ),
    Control(
        "and the same in every pass",
        Value("differ").at(net="plain").always(),
        equals(0),
    ),
)


class Cell(NamedTuple):
    """Trained networks, the rows they are evaluated on, and the block's seed."""

    nets: dict[str, nn.Module]
    rows: Tensor
    seed: int


def prepare(block: Block) -> Cell:
    """Train each network for a few epochs on the same digits."""
    split = load_split("digits", block.seed, block.device)
    nets = {
        name: trained_mlp(
            split,
            block.seed,
            epochs=3,
            dropout=0.5 if name in DROPPING else None,
            batch_norm=name in NORMING,
        )
        for name in NET.levels
    }
    return Cell(nets, split.val_x, block.seed)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Pass the rows through a copy of the network again and again."""
    expected = by_hand(cell.nets[arm[NET]], cell.rows)
    enabled, _ = first_pass(cell, arm, "enabled")
    output, found = first_pass(cell, arm, arm[GRAD])
    net = copy.deepcopy(cell.nets[arm[NET]]).train(arm[MODE] == "train")
    with grad_mode(arm[GRAD]):
        repeats = [net(cell.rows).detach() for _ in range(PASSES)]
    differ = sum(not torch.equal(repeat, repeats[0]) for repeat in repeats[1:]) / (PASSES - 1)
    gap = (output - expected).abs().max() / expected.abs().max()
    right = gap.item() <= TOLERANCE
    return found | {
        "differ": differ,
        "right": float(right),
        "gap_to_enabled": (output - enabled).abs().max().item(),
        "ready": float(right and differ == 0 and found["kept"] == 0),
    }


def first_pass(cell: Cell, arm: Arm, grad: str) -> tuple[Tensor, dict[str, float]]:
    """One pass of a fresh copy from the block's seed: the output, and what it leaves behind."""
    net = copy.deepcopy(cell.nets[arm[NET]]).train(arm[MODE] == "train")
    before = [buffer.clone() for buffer in net.buffers()]
    torch.manual_seed(cell.seed)
    with grad_mode(grad), saved_tensors([*net.parameters(), *net.buffers(), cell.rows]) as saved:
        output = net(cell.rows)
    pairs = zip(before, net.buffers(), strict=True)
    return output.detach(), {
        "moved": float(sum(not torch.equal(old, new) for old, new in pairs)),
        "tracked": float(output.requires_grad),
        "kept": float(saved.bytes),
    }


def by_hand(net: nn.Module, rows: Tensor) -> Tensor:
    """The output in eval mode in float64: no dropout, and batch norm by its running statistics."""
    x = rows.double()
    for layer in net.children():
        state = {name: value.double() for name, value in layer.state_dict().items()}
        if isinstance(layer, nn.Linear):
            x = x @ state["weight"].T + state["bias"]
        elif isinstance(layer, nn.BatchNorm1d):
            x = (x - state["running_mean"]) / (state["running_var"] + layer.eps).sqrt()
            x = x * state["weight"] + state["bias"]
        elif isinstance(layer, nn.ReLU):
            x = x.clamp(min=0)
    return x


EXPERIMENT = Experiment(
    question="What does eval() change, what does no_grad, and does either need the other?",
    factors=(MODE, GRAD, NET),
    blocks=PerProfile(1, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
