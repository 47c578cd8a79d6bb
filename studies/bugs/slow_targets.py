"""How much slower is training on a GPU when the loss is computed on the CPU?

Targets that were left on the CPU are refused (``targets_elsewhere``); what does train is to bring
the outputs to them. A training step with the loss on the CPU and its backward pass there is timed
against the same step with all of it on the GPU.

The document names neither network nor classes, and the ratio depends on both. So it is a curve over
the number of classes: a large perceptron with 512 rows, and a transformer encoder that classifies
each of 4,096 tokens (with 32,000 classes it is a language model). "10 times" holds from 8 to 12, by
the catalogue's 20 % around a stated figure. A small perceptron, whose step is mostly launching, so
that it never waits for the GPU, stands beside the verdict.

The CPU computes with four threads, not with one as elsewhere in this project: more is what a
training has.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import (
    AA,
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Task,
    between,
)
from harness.libraries import functional, nn, torch
from harness.workloads import encoder, mlp, tower

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

SLOWER = (8.0, 12.0)  # "10 times", within 20 %
GPU, CPU = "GPU", "CPU"
LOSS_ON = Factor(
    "loss_on",
    (GPU, CPU),
    control=GPU,
    words={GPU: "loss on the GPU", CPU: "loss on the CPU"},
)
SMALL, LARGE, ENCODER = "small perceptron", "large perceptron", "transformer encoder"
NET = Factor("net", (SMALL, LARGE, ENCODER))
WAITING = (LARGE, ENCODER)
CLASSES = Factor(
    "classes",
    (10, 1000, 32_000),
    label="number of classes",
    words={10: "10 classes", 1000: "1,000 classes", 32_000: "32,000 classes"},
)
LENGTH, WIDTH = 128, 512

CLAIMS = (
    Claim(
        "C5.27",
        Ratio("seconds", LOSS_ON).by_round().at(net=WAITING).along(CLASSES, judged=CLASSES.levels),
        between(*SLOWER),
        reading="10 times slower, within 20 %: a training step takes 8 to 12 times as long with "
        "the loss on the CPU, whatever the network and the number of classes.",
        needs="cuda",
        headline={"net": LARGE, "classes": 1000},
    ),
    Beyond(
        "C5.27",
        Ratio("seconds", LOSS_ON).by_round().at(net=SMALL),
        between(*SLOWER),
        why="a network so small that it never waits for the GPU",
        needs="cuda",
    ),
)


@dataclass(frozen=True)
class Work:
    """A network, and a batch of inputs and class numbers on its device."""

    net: nn.Module
    x: Tensor
    y: Tensor


def prepare(block: Block) -> dict[tuple[str, int], Work]:
    """Random weights and batches of each network and number of classes."""
    with torch.device(block.device):
        return {(net, n): build(net, n) for net in NET.levels for n in CLASSES.levels}


def build(net: str, classes: int) -> Work:
    """The network with its batch, on torch's current device."""
    if net == SMALL:
        return Work(mlp(64, classes), torch.randn(64, 64), torch.randint(classes, (64,)))
    if net == LARGE:
        layers = nn.Sequential(tower(3, 2048), nn.ReLU(), nn.Linear(2048, classes))
        return Work(layers, torch.randn(512, 2048), torch.randint(classes, (512,)))
    tokens = torch.randint(1000, (32, LENGTH))
    layers = nn.Sequential(
        nn.Embedding(1000, WIDTH), encoder(6, WIDTH, heads=8), nn.Linear(WIDTH, classes)
    )
    return Work(layers, tokens, torch.randint(classes, (32, LENGTH)))


def task(works: dict[tuple[str, int], Work], arm: Arm) -> Task:
    """A training step with the loss in the arm's place."""
    return training(works[arm[NET], arm[CLASSES]], arm[LOSS_ON])


def training(work: Work, loss_on: str) -> Callable[[], None]:
    """What makes one step more of a training."""
    net = copy.deepcopy(work.net)
    optimiser = torch.optim.SGD(net.parameters(), lr=1e-4)
    place = "cpu" if loss_on == CPU else work.x.device
    y = work.y.to(place).flatten()

    def step() -> None:
        optimiser.zero_grad()
        outputs = net(work.x).flatten(0, -2).to(place)
        functional.cross_entropy(outputs, y).backward()
        optimiser.step()

    return step


EXPERIMENT = Experiment(
    question="How much slower is training on a GPU when the loss is computed on the CPU?",
    factors=(LOSS_ON, NET, CLASSES),
    blocks=PerProfile(1, 12, 12),
    rounds=PerProfile(5, 20, 40),
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    aa=AA(within=0.1, at={"loss_on": GPU}),
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    call="a training step",
    threads=4,
    needs="cuda",
)
