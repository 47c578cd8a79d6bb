"""Does an optimiser train layers that the network gets later?

A perceptron on digits is trained for 20 steps. Then a layer is added at its end, or its last layer
is replaced by a new one, and it is trained for 20 more steps with the same optimiser; or with the
same one, told of the new parameters. It is recorded whether the new parameters move, whether they
get gradients, and what becomes of these: an optimiser that does not know a parameter does not reset
its gradient either.
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
    equals,
)
from harness.libraries import nn, torch
from harness.workloads import load_split, mlp
from studies.bugs.freezing import OPTIMISER, OPTIMISERS, Zeroing, training_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

STEPS, BATCH, HIDDEN = 20, 32, 32
ADDED, REPLACED = "layer added", "layer replaced"
CHANGE = Factor(
    "change",
    (ADDED, REPLACED),
    words={ADDED: "a layer added", REPLACED: "the last layer replaced"},
)
TOLD = Factor(
    "told",
    (False, True),
    words={False: "optimiser as it was", True: "optimiser told of the new parameters"},
)

RESPONSES = (
    Response("moved", "1", "share of the new tensors that differ from how they began"),
    Response("gradients", "1", "share of the new tensors that have a gradient at the end"),
    Response(
        "piled_up",
        "1",
        "the norm of the new tensors' gradient after the last step, over that after the first",
    ),
    Response(
        "orphans",
        "tensors",
        "the number of tensors that the optimiser has and the network has no more",
    ),
)

CLAIMS = (
    Claim(
        "C5.16",
        Value("moved").at(told=False).always(),
        equals(0),
        reading="Unknown: no optimiser moves a tensor of a layer that was added or put in place of "
        "another after it was built.",
        headline={"change": REPLACED, "optimiser": "Adam"},
    ),
    Control(
        "add_param_group makes them known",
        Value("moved").at(told=True).always(),
        equals(1),
    ),
    Control(
        "new layers get gradients",
        Value("gradients").always(),
        equals(1),
    ),
)


class Cell(NamedTuple):
    """An untrained network, and a batch for each step."""

    net: nn.Sequential
    batches: Sequence[tuple[Tensor, Tensor]]


def prepare(block: Block) -> Cell:
    """The network, and random rows of the training set."""
    data = load_split("digits", block.seed, block.device)
    torch.manual_seed(block.seed)
    net = mlp(64, data.classes, hidden=HIDDEN).to(block.device)
    generator = torch.Generator().manual_seed(block.seed)
    rows = torch.randint(len(data.train_x), (2 * STEPS, BATCH), generator=generator)
    return Cell(net, [(data.train_x[r], data.train_y[r]) for r in rows.to(block.device)])


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train, change the network, and go on training."""
    net = copy.deepcopy(cell.net)
    optimiser = OPTIMISERS[arm[OPTIMISER]](net.parameters())
    for batch in cell.batches[:STEPS]:
        training_step(net, optimiser, batch, Zeroing("None"))
    new = list(change(net, arm[CHANGE]).parameters())
    start = [parameter.detach().clone() for parameter in new]
    if arm[TOLD]:
        optimiser.add_param_group({"params": new})
    norms = []
    for batch in cell.batches[STEPS:]:
        training_step(net, optimiser, batch, Zeroing("None"))
        norms.append(gradient_norm(new))
    moved = [not torch.equal(old, now) for old, now in zip(start, new, strict=True)]
    in_network = {id(parameter) for parameter in net.parameters()}
    known = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    return {
        "moved": sum(moved) / len(moved),
        "gradients": sum(parameter.grad is not None for parameter in new) / len(new),
        "piled_up": norms[-1] / norms[0],
        "orphans": float(sum(id(parameter) not in in_network for parameter in known)),
    }


def change(net: nn.Sequential, how: str) -> nn.Module:
    """Give the network a new layer, which is returned."""
    weight = next(net[-1].parameters())
    width, inputs = weight.shape
    new = nn.Linear(width if how == ADDED else inputs, width).to(weight.device)
    if how == ADDED:
        net.append(new)
    else:
        net[-1] = new
    return new


def gradient_norm(parameters: list[nn.Parameter]) -> float:
    """The norm of all gradients together."""
    gradients = [p.grad.flatten() for p in parameters if p.grad is not None]
    return float(torch.cat(gradients).norm().item())


EXPERIMENT = Experiment(
    question="Does an optimiser train layers that the network gets later?",
    factors=(CHANGE, TOLD, OPTIMISER),
    # That they can move is shown with two optimisers.
    only=lambda arm: not arm[TOLD] or arm[OPTIMISER] in ("SGD", "Adam"),
    blocks=PerProfile(2, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
