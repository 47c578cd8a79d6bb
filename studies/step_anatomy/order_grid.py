"""Which of the six operations can be left out or swapped, and does training break without a word?

Chapter 3 lists six operations and says that whoever leaves one out or swaps two breaks the training
silently. That is tried with the loop of its own listing (a linear classifier of 784 pixels, one
epoch of 313 batches, SGD at 0.01 and StepLR(100) after every batch), with Adam beside SGD, and for
the scheduler with a cosine too: every single operation left out, every two neighbours swapped.
What gradients that are never zeroed do depends on the rate: ten times the listing's is shown beside
it.

The two words are judged apart. *Silently*: no exception ends the loop. *Breaks*: the network that
the loop leaves behind, however it ended, is worse on images held out than that of the listed order,
by 5 % of its loss or a point of accuracy. All loops start from the same weights and see the same
batches; the listed order, run once more, shows that nothing else differs.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Noted,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    equals,
    less_than,
)
from harness.libraries import functional, torch
from harness.workloads import Replicas
from harness.workloads.loop import OPTIMISERS
from studies.step_anatomy.listing import (
    BATCH,
    RATE,
    Images,
    prepare_images,
)
from studies.step_anatomy.order_figure import what_breaks
from studies.step_anatomy.orders import (
    EARLY_SCHEDULE,
    ERASING,
    JUDGED,
    LISTED,
    NO_SCHEDULE,
    NO_ZERO,
    OPERATIONS,
    ORDERS,
    ZERO_FIRST,
    Loop,
)
from studies.step_anatomy.rates import cosine, step_lr

if TYPE_CHECKING:
    from torch import Tensor

ORDER = Factor("sequence", tuple(ORDERS), label="order")
OPTIMISER = Factor("optimiser", ("SGD", "Adam"))
STEPS_DOWN, COSINE = "StepLR", "cosine"
SCHEDULER = Factor(
    "scheduler",
    (STEPS_DOWN, COSINE),
    words={STEPS_DOWN: "", COSINE: "a cosine in place of StepLR"},
)
TIMES = Factor("times", (1, 10), words={1: "", 10: "ten times the rate"})
#: The listing's rate, and that of the document's Adam.
RATES = {"SGD": RATE, "Adam": 0.001}
MUCH_LOSS, MUCH_ACCURACY = 0.05, 0.01
LEARNS = at_most(0.95)

SILENT = "Silently: the loop runs to the end, and no exception stops it."
BREAKS = (
    "Breaks: the network left behind has, on images held out, a loss at least 5 % above that of "
    "the listed order, or an accuracy at least a point below it."
)
CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C3.02", Value("raised").at(sequence=JUDGED, times=1).always(), equals(0), reading=SILENT
    ),
    Claim(
        "C3.02",
        Value("harm").at(sequence=JUDGED, times=1),
        at_least(1),
        reading=BREAKS,
        headline={"sequence": ERASING, "optimiser": "SGD", "scheduler": STEPS_DOWN},
    ),
    Beyond(
        "C3.02",
        Value("harm").at(sequence=ZERO_FIRST),
        at_least(1),
        why="zero_grad moved from the fifth place to the first, which the passage itself allows",
    ),
    Beyond(
        "C3.02",
        Value("harm").at(sequence=EARLY_SCHEDULE),
        at_least(1),
        why="the scheduler's step moved before the optimiser's: no neighbours in chapter 3's list",
    ),
    Beyond(
        "C3.02",
        Value("harm").at(sequence=NO_ZERO, times=10),
        at_least(1),
        why="ten times the rates that the document gives, 0.01 for SGD and 0.001 for Adam",
    ),
    Beyond(
        "C3.02",
        Value("warned").at(sequence=JUDGED, times=1).always(),
        equals(0),
        why="a warning of PyTorch, which stops nothing",
        reading="Silently, taken to mean that PyTorch gives no warning either.",
    ),
    Beyond(
        "C3.21",
        Value("harm").at(sequence=EARLY_SCHEDULE, optimiser=OPTIMISER.levels),
        less_than(1),
        why="what the early rate does to the network at the end, which the passage calls subtle",
        reading="Subtly: on images held out the network is less than 5 % of its loss and less than "
        "a point of accuracy worse than with the listed order.",
    ),
    Control(
        "the listed order, run again, gives the same weights bit for bit",
        Value("same").at(sequence=LISTED).always(),
        equals(1),
    ),
    Control(
        "the listed order learns",
        Value("loss_left").at(sequence=LISTED).always(),
        LEARNS,
    ),
)


@dataclass(frozen=True)
class Ended:
    """How a training ended.

    Attributes:
        nets: the networks it left behind.
        error: the exception that stopped it; empty where none did.
        warned: how many warnings there were.
    """

    nets: Replicas
    error: str
    warned: int


@dataclass(frozen=True)
class Reference:
    """The images, the untrained networks' loss, and the listed order's outcome in each setting."""

    images: Images
    loss_before: Tensor
    listed: dict[tuple[str, str, int], Ended]


def prepare(blocks: tuple[Block, ...]) -> Reference:
    """Train in the listed order, with each optimiser and scheduler."""
    images = prepare_images(blocks)
    before, _ = judged_on(Replicas(copy.deepcopy(images.networks)), *images.validation())
    settings = {(arm[OPTIMISER], arm[SCHEDULER], arm[TIMES]) for arm in EXPERIMENT.arms()}
    listed = {setting: train(images, OPERATIONS, *setting) for setting in settings}
    return Reference(images, before, listed)


def measure(reference: Reference, arm: Arm) -> Sequence[Responses]:
    """Train in the arm's order, and compare with the listed one."""
    images, setting = reference.images, (arm[OPTIMISER], arm[SCHEDULER], arm[TIMES])
    ended, listed = train(images, ORDERS[arm[ORDER]], *setting), reference.listed[setting]
    held = images.validation()
    loss, accuracy = judged_on(ended.nets, *held)
    best_loss, best_accuracy = judged_on(listed.nets, *held)
    over, lost = loss / best_loss - 1, best_accuracy - accuracy
    harm = torch.maximum(over / MUCH_LOSS, lost / MUCH_ACCURACY)
    found = {
        "harm": harm,
        "loss_over": 1 + over,
        "points_lost": 100 * lost,
        "loss_left": loss / reference.loss_before,
        "same": same_weights(ended.nets, listed.nets),
    }
    shown = {name: values.tolist() for name, values in found.items()}
    raised = Noted(float(bool(ended.error)), ended.error or "no exception")
    return [
        {
            "raised": raised,
            "warned": ended.warned,
            **{name: values[place] for name, values in shown.items()},
        }
        for place in range(len(images.blocks))
    ]


def train(images: Images, order: Sequence[str], name: str, schedule: str, times: int = 1) -> Ended:
    """One epoch in an order of operations, as far as it gets."""
    nets = Replicas(copy.deepcopy(images.networks))
    optimiser = OPTIMISERS[name](nets.parameters(), times * RATES[name])
    steps = math.ceil(images.train.shape[1] / BATCH)
    make = step_lr if schedule == STEPS_DOWN else cosine(steps)
    loop = Loop(nets, functional.cross_entropy, optimiser, make(optimiser))
    error, iteration = "", 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            for done, (x, y) in enumerate(images.batches(), 1):
                iteration = done
                loop.iterate(order, x, y)
        except (NameError, RuntimeError) as stopped:
            error = f"{type(stopped).__name__} in iteration {iteration}: {stopped}"
    return Ended(nets, error, len(caught))


def judged_on(nets: Replicas, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Each network's loss and accuracy; a loss that is no number counts as a very large one."""
    with torch.no_grad():
        outputs = nets(x)
        loss = nets.each(functional.cross_entropy, outputs, y)
    large = torch.finfo(loss.dtype).max / 1e6
    accuracy = (outputs.argmax(-1) == y).float().mean(-1)
    return loss.nan_to_num(nan=large, posinf=large), accuracy


def same_weights(nets: Replicas, others: Replicas) -> Tensor:
    """Whether each network has the other's weights, bit for bit."""
    pairs = zip(nets.parameters(), others.parameters(), strict=True)
    equal = [(one == other).flatten(1).all(dim=1) for one, other in pairs]
    return torch.stack(equal).all(dim=0).float()


def in_the_design(arm: Arm) -> bool:
    """The cosine where the scheduler is left out, the higher rate where zero_grad is."""
    if arm[TIMES] > 1:
        return arm[SCHEDULER] == STEPS_DOWN and arm[ORDER] == NO_ZERO
    return arm[SCHEDULER] == STEPS_DOWN or arm[ORDER] == NO_SCHEDULE


EXPERIMENT: Experiment[Reference] = Experiment(
    question="Which of the six operations can be left out or swapped, and is that silent?",
    factors=(ORDER, OPTIMISER, SCHEDULER, TIMES),
    only=in_the_design,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(2_000, 10_000, 10_000),  # images
    prepare_together=prepare,
    measure_together=measure,
    responses=(
        Response("raised", "yes/no", "an exception stops the loop"),
        Response(
            "harm",
            "1",
            "harm to the network: by how many times 5 % its loss, or by how many points its "
            "accuracy, is worse than with the listed order, whichever is more",
        ),
        Response("warned", "warnings", "number of warnings while the loop runs"),
        Response("loss_over", "1", "loss on images held out over that of the listed order"),
        Response("points_lost", "points", "accuracy lost against the listed order"),
        Response("loss_left", "1", "loss on images held out over that before training"),
        Response("same", "yes/no", "the weights are those of the listed order, bit for bit"),
    ),
    claims=CLAIMS,
    figures=(what_breaks,),
)
