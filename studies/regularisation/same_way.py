"""Is ``weight_decay`` a penalty in the loss, with SGD, with Adam, with AdamW?

The same network, in double precision, is trained for a hundred steps on the same batches, once with
a strength times the sum of squares in the loss, once with the optimiser's ``weight_decay``. A fair
comparison has two traps: the gradient of the penalty has a factor of two that ``weight_decay`` has
not, and the document's penalty leaves the biases out. So the decay is twice the strength, and both
sides have the same parameters in it, all of them or the weights alone. What comes of forgetting
either is shown beside it.

AdamW is compared with Adam and the penalty in the loss, which is what the passage offers it in
place of; at twice the strength, and at the best of nine decays from a tenth to a thousand times the
strength.

The document says both, that Adam's ``weight_decay`` is the penalty and that it is not. The same
rows judge both statements, and at most one of them can hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
    at_least,
    at_most,
    more_than,
)
from harness.libraries import torch
from harness.workloads.samples import Sample, draw_sample
from studies.regularisation.nets import RATE, batch_losses, by_block, in_double, seeds_of

if TYPE_CHECKING:
    from torch import Tensor

STRENGTH = 1e-3  # the document's
SGD, MOMENTUM, NESTEROV = "SGD", "SGD with momentum", "SGD with Nesterov momentum"
ADAM, ADAMW = "Adam", "AdamW"
PLAIN = (SGD, MOMENTUM, NESTEROV)
OPTIMISERS: dict[str, tuple[str, dict[str, Any]]] = {
    SGD: ("SGD", {"lr": 0.01}),
    MOMENTUM: ("SGD", {"lr": 0.01, "momentum": 0.9}),
    NESTEROV: ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    ADAM: ("Adam", {"lr": RATE}),
    ADAMW: ("AdamW", {"lr": RATE}),
}
TWICE, ONCE, BEST = "twice the strength", "the strength", "the best of nine decays"
NOTHING = "no decay"
TIMES: dict[str, tuple[float, ...]] = {
    TWICE: (2.0,),
    ONCE: (1.0,),
    NOTHING: (0.0,),
    BEST: (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0),
}
ALL, WEIGHTS, MIXED = "all parameters", "weights alone", "decay of all, penalty of weights alone"

TASKS = {"sine": "the document's sine", "digits": "digits"}
TASK = Factor("task", tuple(TASKS), words=TASKS)
OPTIMISER = Factor("optimiser", tuple(OPTIMISERS))
DECAY = Factor("decay", tuple(TIMES), words={TWICE: ""}, label="weight_decay")
PARAMETERS = Factor("parameters", (ALL, WEIGHTS, MIXED), words={ALL: ""})

APART = Value("apart").always()
SAME, MATCHES, DIFFERS = at_most(1e-9), at_most(1e-6), at_least(1e-3)
FAIR = (ALL, WEIGHTS)
IS_THE_PENALTY = (
    "After a hundred steps in double precision the weights are those of the penalty in the loss, "
    "to a billionth of their way; the decay is twice the strength, for the same parameters."
)
IS_NOT = (
    "After a hundred steps the weights are at least a thousandth of their way from those of the "
    "penalty in the loss; the decay is twice the strength, for the same parameters."
)
AS_GOOD = (
    "Both are offered as the same thing: after a hundred steps AdamW's weights are those of Adam "
    "with the penalty in the loss, to a millionth of their way."
)
FORGOTTEN = "a translation that forgets the penalty's factor of two, or the biases it leaves out"


def rules() -> list[Claim | Beyond | Control]:
    """Who says what of which optimiser."""
    plain = APART.at(optimiser=PLAIN, decay=TWICE, parameters=FAIR)
    adam = APART.at(optimiser=ADAM, decay=TWICE, parameters=FAIR)
    adamw = APART.at(optimiser=ADAMW, decay=(TWICE, BEST), parameters=ALL)
    lead = {"task": "sine", "parameters": WEIGHTS}
    found: list[Claim | Beyond | Control] = [
        Claim("D-adam-3", plain, SAME, IS_THE_PENALTY, headline={**lead, "optimiser": SGD}),
        Claim("D-list1-9", plain, SAME, IS_THE_PENALTY),
        Claim("D-list1-9", adam, SAME, IS_THE_PENALTY, headline=lead),
        Claim("D-adam-1", adam, DIFFERS, IS_NOT, headline=lead),
        Claim("D-quick-3", adam, DIFFERS, IS_NOT, headline=lead),
    ]
    leading = {"task": "sine", "decay": BEST}
    found += [
        Claim(claim, adamw, MATCHES, AS_GOOD, headline=leading if claim == "D-adam-2" else False)
        for claim in ("D-adam-2", "D-quick-3")
    ]
    found += [
        Beyond("D-adam-2", APART.at(optimiser=ADAMW, decay=ONCE), MATCHES, FORGOTTEN, AS_GOOD),
        *(
            Beyond("D-list1-9", APART.at(optimiser=(SGD, ADAM), **at), SAME, FORGOTTEN)
            for at in ({"decay": ONCE}, {"parameters": MIXED})
        ),
        Control(
            "the penalty itself moves the weights",
            APART.at(optimiser=(SGD, ADAM), decay=NOTHING),
            more_than(1e-4),
        ),
    ]
    return found


def in_the_design(arm: Arm) -> bool:
    """Every comparison that is asked for: what is forgotten, once for SGD and Adam."""
    optimiser, decay, parameters = arm[OPTIMISER], arm[DECAY], arm[PARAMETERS]
    if optimiser == ADAMW:
        return decay != NOTHING and parameters == ALL
    if decay == TWICE:
        return parameters in FAIR or optimiser in (SGD, ADAM)
    return decay != BEST and parameters == ALL and optimiser in (SGD, ADAM)


@dataclass(frozen=True)
class Course:
    """What all arms of some blocks share; trainings with the penalty are kept once run."""

    samples: dict[str, Sample]
    steps: int
    kept: dict[tuple[str, str, bool], list[Tensor]]


def prepare(blocks: Sequence[Block]) -> Course:
    """Rows for every task; ``block.effort`` is how many steps."""
    seeds = seeds_of(blocks)
    samples = {task: draw_sample(task, seeds) for task in ("sine", "digits")}
    return Course(samples, blocks[0].effort, {})


def measure(course: Course, arm: Arm) -> Sequence[Responses]:
    """How far the weights of both ways end from each other."""
    task, optimiser = arm[TASK], arm[OPTIMISER]
    reference = ADAM if optimiser == ADAMW else optimiser
    biases = arm[PARAMETERS] == ALL
    key = (task, reference, biases)
    if key not in course.kept:
        course.kept[key] = train(course, task, reference, penalised=True, biases=biases)
    found = [
        distance(
            train(
                course, task, optimiser, decay=times * STRENGTH, biases=arm[PARAMETERS] != WEIGHTS
            ),
            course.kept[key],
            start(course, task),
        )
        for times in TIMES[arm[DECAY]]
    ]
    return by_block({"apart": np.min(found, axis=0)})


def start(course: Course, task: str) -> list[Tensor]:
    """The parameters before the first step."""
    return [each.detach() for each in in_double(course.samples[task], task).parameters()]


def train(
    course: Course,
    task: str,
    optimiser: str,
    *,
    penalised: bool = False,
    decay: float = 0.0,
    biases: bool = True,
) -> list[Tensor]:
    """Train all replicas; the parameters at the end.

    Args:
        course: rows, and how many steps.
        task: whose rows and network.
        optimiser: one of ``OPTIMISERS``.
        penalised: whether the penalty is in the loss.
        decay: the optimiser's ``weight_decay``.
        biases: whether penalty or decay is for the biases too.
    """
    sample = course.samples[task]
    nets = in_double(sample, task)
    regularised = [p for name, p in nets.named_parameters() if biases or name.endswith("weight")]
    free = [p for name, p in nets.named_parameters() if not (biases or name.endswith("weight"))]
    name, options = OPTIMISERS[optimiser]
    groups = [{"params": regularised, "weight_decay": decay}]
    groups += [{"params": free, "weight_decay": 0.0}] if free else []
    stepper = getattr(torch.optim, name)(groups, **options)
    orders = [torch.Generator().manual_seed(seed) for seed in sample.seeds]
    for _ in range(course.steps):
        stepper.zero_grad()
        total = batch_losses(nets, sample, orders).sum()
        if penalised:
            total = total + STRENGTH * sum((p**2).sum() for p in regularised)
        total.backward()
        stepper.step()
    return [each.detach() for each in nets.parameters()]


def distance(
    found: Sequence[Tensor], expected: Sequence[Tensor], began: Sequence[Tensor]
) -> NDArray[np.float64]:
    """How far apart two ends are, over the length of the expected way; shape (replicas,)."""
    off, way = (
        torch.cat([(a - b).flatten(1) for a, b in zip(one, other, strict=True)], dim=1).norm(dim=1)
        for one, other in ((found, expected), (expected, began))
    )
    return np.asarray(off / way, np.float64)


EXPERIMENT: Experiment[Course] = Experiment(
    question="Is weight_decay a penalty in the loss, with SGD, with Adam, with AdamW?",
    factors=(TASK, OPTIMISER, DECAY, PARAMETERS),
    only=in_the_design,
    responses=(
        Response(
            "apart",
            "1",
            "distance of the weights from those of the penalty in the loss, over the length of "
            "their way, {optimiser}",
        ),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(10, 100, 100),  # steps
    prepare_together=prepare,
    measure_together=measure,
    claims=tuple(rules()),
)
