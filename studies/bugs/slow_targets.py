"""How much slower is training on a GPU when the loss is computed on the CPU?

Targets that were left on the CPU are refused (``targets_elsewhere``); what does train is to bring
the outputs to them. A training step with the loss on the CPU and its backward pass there is timed
against the same step with all of it on the GPU, for a small and a large perceptron and for a
language model, whose outputs are 4,096 rows of 32,000 numbers.

The CPU computes with four threads, not with one as elsewhere in this project: more is what a
training has.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import AA, Arm, Block, Claim, Experiment, Factor, PerProfile, Ratio, Task, between
from harness.libraries import functional, nn, torch
from harness.workloads import encoder, mlp, tower

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

SLOWER = (5.0, 20.0)  # "10 times" within a factor of two
LOSS_ON = Factor("loss_on", ("GPU", "CPU"), control="GPU")
SIZE = Factor("size", ("small perceptron", "large perceptron", "language model"))
TOKENS, LENGTH, WIDTH = 32_000, 128, 512

CLAIMS = (
    Claim(
        "C5.27",
        Ratio("seconds", LOSS_ON).by_round(),
        between(*SLOWER),
        reading="10 times slower, within a factor of two: a training step takes 5 to 20 times as "
        "long with the loss on the CPU, for small and large networks.",
    ),
)


@dataclass(frozen=True)
class Work:
    """A network, and a batch of inputs and class numbers on its device."""

    net: nn.Module
    x: Tensor
    y: Tensor


def prepare(block: Block) -> dict[str, Work]:
    """Random weights and batches of each size."""
    with torch.device(block.device):
        return build()


def build() -> dict[str, Work]:
    """The networks with their batches, on torch's current device."""
    small = Work(mlp(64, 10), torch.randn(64, 64), torch.randint(10, (64,)))
    large = Work(tower(4, 2048), torch.randn(512, 2048), torch.randint(2048, (512,)))
    net = nn.Sequential(
        nn.Embedding(TOKENS, WIDTH), encoder(6, WIDTH, heads=8), nn.Linear(WIDTH, TOKENS)
    )
    tokens = torch.randint(TOKENS, (2, 32, LENGTH))
    language = Work(net, tokens[0], tokens[1])
    return dict(zip(SIZE.levels, (small, large, language), strict=True))


def task(works: dict[str, Work], arm: Arm) -> Task:
    """A training step with the loss in the arm's place."""
    return training(works[arm[SIZE]], arm[LOSS_ON])


def training(work: Work, loss_on: str) -> Callable[[], None]:
    """What makes one step more of a training."""
    net = copy.deepcopy(work.net)
    optimiser = torch.optim.SGD(net.parameters(), lr=1e-4)
    place = "cpu" if loss_on == "CPU" else work.x.device
    y = work.y.to(place).flatten()

    def step() -> None:
        optimiser.zero_grad()
        outputs = net(work.x).flatten(0, -2).to(place)
        functional.cross_entropy(outputs, y).backward()
        optimiser.step()

    return step


EXPERIMENT = Experiment(
    question="How much slower is training on a GPU when the loss is computed on the CPU?",
    factors=(LOSS_ON, SIZE),
    blocks=PerProfile(1, 12, 12),
    rounds=PerProfile(5, 20, 40),
    imports=("torch._dynamo",),  # which every optimiser imports when it is made
    aa=AA(within=0.1, at={"loss_on": "GPU"}),
    prepare=prepare,
    task=task,
    claims=CLAIMS,
    threads=4,
    needs="cuda",
)
