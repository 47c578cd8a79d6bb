"""Does Adam's loss become no number at once at a rate of 1.0, and do the weights overflow?

The simulator's first experiment again with the rate at 1.0: one epoch, which of 500 points in
batches of 16 is 32 steps, with PyTorch's own cross-entropy. Looked at are the losses, and the
largest weight before a loss is no number: weights that are no numbers after such a loss have not
overflowed. A step of Adam is bounded by a few times its rate whatever the gradient, so that 32
steps at 1.0 lead some hundred away from the start at most, and 3.4e38 is where float32 ends; SGD
has no such bound.

Rates of 10 and 100, SGD, and losses written by hand (the logarithm of a softmax, exponentials over
their sum) are shown beside: one can make a loss that is no number with them, and would say nothing
of the passage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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
    equals,
)
from harness.libraries import functional
from harness.workloads.tasks import SPIRAL_RELU
from studies.optimisers.descent import Recipe, Step, as_numbers, descend, train_loss
from studies.optimisers.spirals import BATCH, POINTS, RATE, TASK, whole_spiral

if TYPE_CHECKING:
    from torch import Tensor

    from studies.optimisers.descent import Numbers

STEPS = 32  # an epoch of 500 points in batches of 16
LIBRARY, LOG_SOFTMAX, EXPONENTIALS = "cross-entropy", "log of softmax", "exponentials by hand"

OPTIMISER = Factor("optimiser", ("Adam", "SGD"))
LEARNING_RATE = Factor("rate", (RATE, 1.0, 10.0, 100.0))
LOSS = Factor("loss", (LIBRARY, LOG_SOFTMAX, EXPONENTIALS), words={LIBRARY: ""})
#: In so many of all trainings at least, for what happens "always".
NEARLY_ALL = at_least(0.95)
AT_ONCE = "At once: in 95 of 100 trainings or more a loss within the first epoch is no number."
OVERFLOWS = (
    "In 95 of 100 trainings or more a weight passes 3.4e38, where float32 ends, before a loss is "
    "no number."
)


def beside(response: str) -> tuple[tuple[Value, str], ...]:
    """What is shown of a response beside the passage's own setting, and why only shown."""
    of = Value(response)
    return (
        (of.at(optimiser="Adam", rate=(10.0, 100.0), loss=LIBRARY), "a rate of 10 or 100"),
        (of.at(optimiser="SGD", rate=(1.0, 10.0, 100.0)), "the passage speaks of Adam"),
        (
            of.at(optimiser="Adam", rate=(1.0, 10.0, 100.0), loss=(LOG_SOFTMAX, EXPONENTIALS)),
            "a loss written by hand, where PyTorch has its own",
        ),
    )


CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            claim,
            Value(event).at(optimiser="Adam", rate=1.0, loss=LIBRARY).frequency(),
            NEARLY_ALL,
            reading=reading,
            headline={"task": SPIRAL_RELU},
        )
        for claim, event, reading in (
            ("C6.03", "no_number", AT_ONCE),
            ("C6.04", "overflows", OVERFLOWS),
        )
    ),
    *(
        Beyond(claim, contrast.frequency(), NEARLY_ALL, why=why)
        for claim, event in (("C6.03", "no_number"), ("C6.04", "overflows"))
        for contrast, why in beside(event)
    ),
    Beyond(
        "C6.04",
        Value("largest_weight").at(optimiser="Adam", rate=1.0, loss=LIBRARY),
        at_least(3.4e38),
        why="how far the weights get, as a number",
        reading="The largest weight passes 3.4e38.",
    ),
    Control(
        "at a rate of 0.01 every loss is a number",
        Value("no_number").at(rate=RATE).always(),
        equals(0.0),
    ),
)


def log_of_softmax(outputs: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
    """Cross-entropy as the logarithm of a softmax that has been worked out before."""
    chosen = functional.softmax(outputs, dim=-1).gather(-1, targets[..., None])[..., 0]
    return _reduced(-chosen.log(), reduction)


def exponentials_by_hand(outputs: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
    """Cross-entropy with exponentials over their sum, nothing taken off first."""
    exponentials = outputs.exp()
    chosen = exponentials.gather(-1, targets[..., None])[..., 0]
    return _reduced(-(chosen / exponentials.sum(dim=-1)).log(), reduction)


def _reduced(terms: Tensor, reduction: str) -> Tensor:
    return terms if reduction == "none" else terms.mean()


def loss_of(name: str) -> Callable[..., Tensor]:
    """A loss by its name."""
    by_hand = {LOG_SOFTMAX: log_of_softmax, EXPONENTIALS: exponentials_by_hand}
    return by_hand.get(name, functional.cross_entropy)


@dataclass
class Watch:
    """What has happened to each replica so far; all arrays of shape (replicas,)."""

    no_number: Numbers
    overflows: Numbers
    largest_weight: Numbers
    largest_loss: Numbers

    @classmethod
    def of(cls, replicas: int) -> Watch:
        """Nothing has happened yet."""
        return cls(*(np.zeros(replicas) for _ in range(4)))

    def look(self, losses: Numbers, weights: Numbers) -> None:
        """Take in a step's losses, and the largest weights after it.

        Args:
            losses: before the update.
            weights: largest size of a weight after it, no number where a weight is none.
        """
        sound = np.isfinite(losses) & (self.no_number == 0)
        self.no_number[~np.isfinite(losses)] = 1.0
        self.overflows[sound & np.isinf(weights)] = 1.0
        for kept, seen in ((self.largest_weight, weights), (self.largest_loss, losses)):
            np.fmax(kept, np.where(np.isfinite(seen), seen, 0.0), out=kept)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train for an epoch and watch losses and weights at every step."""
    task, watch = whole_spiral(arm[TASK], blocks), Watch.of(len(blocks))
    recipe = Recipe(arm[OPTIMISER], arm[LEARNING_RATE], BATCH)
    for step in descend(task, recipe, loss=loss_of(arm[LOSS])):
        watch.look(as_numbers(step.losses), largest_weights(step))
        if step.done == STEPS:
            break
    watch.look(train_loss(task, step.nets), largest_weights(step))
    return [
        {name: float(values[place]) for name, values in vars(watch).items()}
        for place in range(len(blocks))
    ]


def largest_weights(step: Step) -> Numbers:
    """The largest size of a weight of each replica; no number where one is none."""
    sizes = [as_numbers(p.flatten(1).abs().amax(dim=1)) for p in step.nets.parameters()]
    largest: Numbers = np.max(sizes, axis=0)
    return largest


def _needed(arm: Arm) -> bool:
    """Losses by hand are tried with Adam alone."""
    return arm[LOSS] == LIBRARY or arm[OPTIMISER] == "Adam"


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does a rate of 1.0 make Adam's loss no number at once, and the weights overflow?",
    factors=(TASK, POINTS, OPTIMISER, LEARNING_RATE, LOSS),
    only=_needed,
    responses=(
        Response("no_number", "yes/no", "a loss within the first epoch is no number"),
        Response("overflows", "yes/no", "a weight overflows before a loss is no number"),
        Response("largest_weight", "1", "largest size of a weight that is a number"),
        Response("largest_loss", "nat", "largest loss of a step that is a number"),
    ),
    # 104 blocks are the fewest that can show an event in 95 of 100 at 99 % confidence.
    blocks=PerProfile(2, 120, 240),
    together=PerProfile(2, 20, 20),
    measure_together=measure,
    claims=CLAIMS,
)
