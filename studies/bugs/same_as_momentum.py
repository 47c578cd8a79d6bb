"""Is training without zero_grad the same as some known optimiser, bit for bit?

Without ``zero_grad`` an optimiser finds the sum of all gradients so far in ``.grad``. The buffer of
SGD with momentum m is b' = m b + g, and w' = w - r b'. With m = 1 it is that sum, added up in the
same order: so SGD that is never reset should be SGD with momentum 1, to the last bit. With any
other optimiser it should be that optimiser, reset as it should be, and given the running sum in the
place of the gradient: momentum 1 that goes before it.

Each optimiser trains without ``zero_grad``, and beside it a twin that should be the same, or should
not: weight decay, for one, is added to the gradient after it is accumulated, and is not accumulated
itself. After every step all weights are compared bit by bit. In the for-loop, foreach and fused
implementations of torch.optim; digits, a perceptron with two hidden layers, 100 steps.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    more_than,
)
from harness.libraries import torch
from harness.workloads import Replicas
from harness.workloads.tasks import DIGITS, make_task

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads.tasks import TrainingTask

BATCH, LEARNING_RATE = 32, 0.01

#: By name, the class in torch.optim and its settings.
OPTIMISERS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {}),
    "SGD, momentum 0.9": ("SGD", {"momentum": 0.9}),
    "SGD, weight decay": ("SGD", {"weight_decay": 0.1}),
    "Adam": ("Adam", {}),
    "AdamW": ("AdamW", {}),
    "RMSprop": ("RMSprop", {}),
}
OTHERS = ("SGD, momentum 0.9", "SGD, weight decay")
OPTIMISER = Factor("optimiser", tuple(OPTIMISERS))
IMPLEMENTATION = Factor(
    "implementation",
    ("for-loop", "foreach", "fused"),
    words={
        "for-loop": "one parameter after the other",
        "foreach": "all parameters at once",
        "fused": "fused",
    },
)
SUM, MOMENTUM, RESET = "given the running sum", "momentum 1", "the same with zero_grad"
TWIN = Factor(
    "twin",
    (SUM, MOMENTUM, RESET),
    words={
        SUM: "twin with zero_grad, given the running sum",
        MOMENTUM: "twin with zero_grad and momentum 1",
        RESET: "twin with zero_grad",
    },
)

CLAIMS: tuple[Claim | Control, ...] = (
    *(
        Claim(
            name,
            Value("apart").at(twin=SUM).always(),
            equals(0),
            reading="What the optimiser works with is the sum of all gradients: it trains, bit for "
            "bit, like a twin that calls zero_grad and is given a running sum added up apart.",
        )
        for name in ("C5.02", "C3.17")
    ),
    Control(
        "SGD without zero_grad is SGD with momentum 1",
        Value("apart").at(twin=MOMENTUM, optimiser="SGD").always(),
        equals(0),
    ),
    Control(
        "with momentum or weight decay of its own it is not",
        Value("apart").at(twin=MOMENTUM, optimiser=OTHERS).always(),
        more_than(0),
    ),
    Control(
        "with zero_grad it is another training",
        Value("apart").at(twin=RESET).always(),
        more_than(0),
    ),
)


def in_the_design(arm: Arm) -> bool:
    """Only SGD has momentum; SGD and Adam are tried in every implementation."""
    if arm[TWIN] == MOMENTUM and not arm[OPTIMISER].startswith("SGD"):
        return False
    everywhere = arm[OPTIMISER] in ("SGD", "Adam") and arm[TWIN] != RESET
    return everywhere or arm[IMPLEMENTATION] == "for-loop"


@dataclass(frozen=True)
class Digits:
    """The blocks of a cohort and their task, which training leaves as it was."""

    blocks: tuple[Block, ...]
    task: TrainingTask


def prepare_digits(blocks: tuple[Block, ...]) -> Digits:
    """Digits, with a network for each block."""
    return Digits(blocks, make_task(DIGITS, blocks))


def measure(digits: Digits, arm: Arm) -> Sequence[Responses]:
    """Train both side by side, and count the steps after which the weights differ."""
    blocks, task = digits.blocks, digits.task
    unreset, twin = (Replicas(copy.deepcopy(task.networks)) for _ in range(2))
    momentum = {"momentum": 1.0} if arm[TWIN] == MOMENTUM else {}
    optimiser, other = new_optimiser(arm, unreset), new_optimiser(arm, twin, **momentum)
    sums: list[Tensor] = []
    apart = torch.zeros(len(blocks))
    for x, y in batches(task, blocks[0].effort):
        unreset.each(task.loss, unreset(x), y).sum().backward()
        optimiser.step()
        other.zero_grad()
        twin.each(task.loss, twin(x), y).sum().backward()
        if arm[TWIN] == SUM:
            sums = replace_by_sums(twin, sums)
        other.step()
        apart += (all_weights(unreset) != all_weights(twin)).any(dim=1).cpu()
    distance = (all_weights(unreset) - all_weights(twin)).norm(dim=1) / twin.parameter_norms()
    return [
        {"apart": steps, "distance": far}
        for steps, far in zip(apart.tolist(), distance.tolist(), strict=True)
    ]


def new_optimiser(arm: Arm, nets: Replicas, **changed: float) -> torch.optim.Optimizer:
    """The arm's optimiser in the arm's implementation."""
    name, settings = OPTIMISERS[arm[OPTIMISER]]
    form: dict[str, Any] = {} if arm[IMPLEMENTATION] == "fused" else {"foreach": False}
    if arm[IMPLEMENTATION] != "for-loop":
        form[arm[IMPLEMENTATION]] = True
    made: torch.optim.Optimizer = getattr(torch.optim, name)(
        list(nets.parameters()), lr=LEARNING_RATE, **(settings | changed | form)
    )
    return made


def batches(task: TrainingTask, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows drawn for each replica from its own seed, the same at each call."""
    x, y = task.train.x, task.train.y
    streams = [torch.Generator().manual_seed(seed) for seed in task.seeds]
    drawn = [torch.randint(x.shape[1], (steps, BATCH), generator=stream) for stream in streams]
    replica = torch.arange(len(streams), device=x.device)[:, None]
    for chosen in torch.stack(drawn, dim=1).to(x.device):
        yield x[replica, chosen], y[replica, chosen]


def replace_by_sums(nets: Replicas, sums: list[Tensor]) -> list[Tensor]:
    """Put the sum of all gradients so far in the place of each, and return the sums."""
    parameters = list(nets.parameters())
    own = [p.grad for p in parameters if p.grad is not None]
    new = [old + grad for old, grad in zip(sums, own, strict=True)] if sums else own
    for parameter, total in zip(parameters, new, strict=True):
        parameter.grad = total.clone()
    return new


def all_weights(nets: Replicas) -> Tensor:
    """Each replica's weights in a row; shape (replicas, numbers)."""
    return torch.cat([p.detach().flatten(1) for p in nets.parameters()], dim=1)


EXPERIMENT: Experiment[Digits] = Experiment(
    question="Is training without zero_grad the same as some known optimiser, bit for bit?",
    factors=(OPTIMISER, IMPLEMENTATION, TWIN),
    only=in_the_design,
    on_cpu=True,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(20, 100, 100),  # steps
    prepare_together=prepare_digits,
    measure_together=measure,
    responses=(
        Response(
            "apart", "steps", "number of steps after which the weights differ from the twin's"
        ),
        Response(
            "distance", "1", "distance of the weights from the twin's at the end, over their norm"
        ),
    ),
    claims=CLAIMS,
)
