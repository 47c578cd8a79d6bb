"""Which loss does a step on a batch of 32 use?

Chapter 0 says that a step works with the average over the batch. The losses and gradients of 32
digits are taken one by one, and their mean is compared with what one step on the 32 together does:
its loss, its gradient, and how it moves the weights of a perceptron, all in double precision. The
criterion is the one that the listings make, told nothing. Sums, weights for classes and targets
that are ignored, of which the passage does not speak, divide by something else.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

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
from harness.workloads import load_split, mlp

if TYPE_CHECKING:
    from torch import Tensor

BATCH, RATE, CLASSES = 32, 0.01, 10
CROSS_ENTROPY, SQUARES = "cross-entropy", "MSE"
CRITERION = Factor("criterion", (CROSS_ENTROPY, SQUARES))
DEFAULT, SUM = "told nothing", "reduction='sum'"
WEIGHTED, IGNORED = "weights for classes", "every fourth target ignored"
SETTING = Factor(
    "setting", (DEFAULT, SUM, WEIGHTED, IGNORED), label="criterion's setting", words={DEFAULT: ""}
)
#: For cross-entropy alone there are weights and targets to ignore.
IGNORE = -100
OFF = ("loss_off", "gradient_off", "step_off")
RULE = at_most(1e-6)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            "C0.02",
            Value(name).at(setting=DEFAULT).always(),
            RULE,
            reading=f"The mean loss: {what} is that of the mean over the 32 examples taken one by "
            "one, to a millionth.",
            headline={"criterion": CROSS_ENTROPY} if name == "step_off" else False,
        )
        for name, what in zip(
            OFF, ("the batch's loss", "its gradient", "the step on the weights"), strict=True
        )
    ),
    *(
        Beyond(
            "C0.02",
            Value("step_off").at(setting=setting).always(),
            RULE,
            why=why,
        )
        for setting, why in (
            (SUM, "a criterion that is told to add up"),
            (WEIGHTED, "weights for classes, by whose sum cross-entropy divides"),
            (IGNORED, "targets that are ignored, which cross-entropy does not count"),
        )
    ),
    Control(
        "a sum is 32 means",
        Value("loss_off").at(setting=SUM, criterion=CROSS_ENTROPY).always(),
        equals(BATCH - 1, within=1e-6),
    ),
)


class Batch(NamedTuple):
    """32 digits and the network that learns them, in double precision."""

    net: nn.Module
    x: Tensor
    y: Tensor


def prepare(block: Block) -> Batch:
    """The first 32 rows of the block's split, and an untrained perceptron."""
    data = load_split("digits", block.seed, block.device)
    torch.manual_seed(block.seed)
    net = mlp(data.train_x.shape[1], CLASSES).double().to(block.device)
    return Batch(net, data.train_x[:BATCH].double(), data.train_y[:BATCH])


def measure(batch: Batch, arm: Arm) -> Responses:
    """One step on the batch, and the mean of 32 steps of one example each."""
    together = criterion_of(arm, batch.y.device)
    alone = criterion_of(arm.replaced(setting=DEFAULT), batch.y.device)
    net = copy.deepcopy(batch.net)
    before = numbers(net)
    optimiser = torch.optim.SGD(net.parameters(), lr=RATE)
    loss = together(net(batch.x), targets_of(arm, batch.y))
    loss.backward()
    gradient = gradients(net)
    optimiser.step()
    moved = numbers(net) - before

    losses, rows = [], []
    for x, y in zip(batch.x.split(1), batch.y.split(1), strict=True):
        single = copy.deepcopy(batch.net)
        own = alone(single(x), targets_of(arm.replaced(setting=DEFAULT), y))
        own.backward()
        losses.append(own.detach())
        rows.append(gradients(single))
    mean_loss, mean_gradient = torch.stack(losses).mean(), torch.stack(rows).mean(0)
    return {
        "loss_off": ((loss.detach() - mean_loss).abs() / mean_loss).item(),
        "gradient_off": distance(gradient, mean_gradient),
        "step_off": distance(moved, -RATE * mean_gradient),
    }


def criterion_of(arm: Arm, device: torch.device) -> nn.Module:
    """The criterion as the arm sets it."""
    rising = torch.arange(1.0, CLASSES + 1, dtype=torch.float64, device=device)
    settings: dict[str, dict[str, Any]] = {
        DEFAULT: {},
        SUM: {"reduction": "sum"},
        WEIGHTED: {"weight": rising},
        IGNORED: {"ignore_index": IGNORE},
    }
    options = settings[arm[SETTING]]
    if arm[CRITERION] == CROSS_ENTROPY:
        return nn.CrossEntropyLoss(**options)
    return nn.MSELoss(**options)


def targets_of(arm: Arm, y: Tensor) -> Tensor:
    """Class numbers, some of them ignored, or for squares the same as ones and zeros."""
    if arm[CRITERION] == SQUARES:
        return functional.one_hot(y, CLASSES).double()
    if arm[SETTING] == IGNORED:
        return torch.where(torch.arange(len(y), device=y.device) % 4 == 0, IGNORE, y)
    return y


def numbers(net: nn.Module) -> Tensor:
    """All weights in a row."""
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def gradients(net: nn.Module) -> Tensor:
    """All gradients in a row."""
    return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])


def distance(found: Tensor, expected: Tensor) -> float:
    """How far apart two vectors are, over the length of the expected one."""
    return float((found - expected).norm() / expected.norm())


def in_the_design(arm: Arm) -> bool:
    """Squares have neither weights for classes nor targets to ignore."""
    return arm[CRITERION] == CROSS_ENTROPY or arm[SETTING] in (DEFAULT, SUM)


EXPERIMENT: Experiment[Batch] = Experiment(
    question="Which loss does a step on a batch of 32 use?",
    factors=(CRITERION, SETTING),
    only=in_the_design,
    blocks=PerProfile(2, 10, 50),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("loss_off", "1", "distance of the loss from the mean of 32 single ones, over it"),
        Response(
            "gradient_off", "1", "distance of the gradient from the mean of 32 single ones, over it"
        ),
        Response(
            "step_off",
            "1",
            "distance of the weights' movement from that by the mean of 32 single gradients, over "
            "it",
        ),
    ),
    claims=CLAIMS,
)
