"""Does a cosine schedule end lower than a constant rate, at what cost early, and in what minimum?

Two trainings of one network on the same batches: a constant rate, and the same rate falling along a
cosine to nothing at the end of the training, by PyTorch's scheduler, once an epoch. The simulator's
500 points and batches, its rate of 0.01 for 10, 20 and 60 epochs and rates three times higher and
lower for 20, with Adam and with plain SGD, since the passage names no optimiser. Shown beside are
twice as long a training with Adam, and a rate with which SGD learns.

All losses are those of all training rows. Lower and higher mean by 5 % of the constant run's loss,
or by 0.005 where that is below 0.1: near nothing a share says nothing. That cosine wastes capacity
early is read as a loss that is higher on average over the first half of the epochs.

One premise holds for all of it: a training has got somewhere, the loss with a constant rate having
fallen by half. Where a run keeps nine tenths of the untrained loss, no schedule could end 5 % lower
or cost 5 % early, and nothing has settled. Where that is so is known from earlier runs, on other
seeds; the rest is measured alike and decides nothing. It leaves Adam: at the simulator's rates
plain SGD gets nowhere on this spiral.

A minimum is sharper where the largest eigenvalue of the Hessian is 1.2 times as large or more. The
curvature of cross-entropy vanishes with the loss, so that whichever run ends lower looks flatter,
and whichever ends higher sharper, for that alone. So it is judged at equal loss, where each run
first gets as low as both do; the ratio at the end is shown beside. Neither says that the one is the
cause of the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    Level,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    cross,
    less_than,
)
from harness.libraries import torch
from harness.workloads import Replicas
from harness.workloads.loop import evaluate
from harness.workloads.tasks import SPIRAL_POINTS, SPIRAL_RELU, SPIRAL_TANH
from studies.optimisers.cosine_figures import cosine_against_constant
from studies.optimisers.curvature import Weights, top_eigenvalues, weights_of
from studies.optimisers.descent import Recipe, as_numbers, descend, train_loss
from studies.optimisers.spirals import BATCH, POINTS, RATE, TASK, whole_spiral

if TYPE_CHECKING:
    from harness.workloads.tasks import TrainingTask
    from studies.optimisers.descent import Numbers

OPTIMISER = Factor("optimiser", ("Adam", "SGD"))
LEARNING_RATE = Factor("rate", (0.003, RATE, 0.03, 0.5))
NEAR = LEARNING_RATE.levels[:3]
FAR = LEARNING_RATE.levels[3]
EPOCHS = Factor("epochs", (10, 20, 60, 120))
JUDGED, LONG = EPOCHS.levels[:3], EPOCHS.levels[3]
USUAL = 20

SHARE, NEARLY_NOTHING = at_least(0.05), 0.1
SHARPER = at_least(1.2)
LATE, EARLY = "helps at the end", "wastes capacity early"
LEAST_CURVATURE = 1e-9
LOWER_READING = (
    "Cosine ends lower: by 5 % or more of the loss with a constant rate (by 0.005 where that is "
    "below 0.1), on all training rows."
)
HEADLINE: dict[str, Level] = {
    "task": SPIRAL_RELU,
    "points": SPIRAL_POINTS,
    "optimiser": "Adam",
    "rate": RATE,
    "epochs": USUAL,
}
EARLY_READING = (
    "Wastes early capacity: over the first half of the epochs the loss is higher on average, by "
    "5 % of that with a constant rate or more (by 0.005 where that is below 0.1)."
)
FAR_OFF = "a rate fifty times the simulator's"
LONGER = "a longer training than the passage means"


def needed(arm: Arm) -> bool:
    """The simulator's own rate for each length; the longest for Adam, a rate far off for SGD."""
    if arm[LEARNING_RATE] == FAR:
        return arm[EPOCHS] == USUAL and arm[OPTIMISER] == "SGD"
    if arm[EPOCHS] == LONG:
        return arm[LEARNING_RATE] == RATE and arm[OPTIMISER] == "Adam"
    return arm[LEARNING_RATE] == RATE or arm[EPOCHS] == USUAL


ARMS = cross((TASK, POINTS, OPTIMISER, LEARNING_RATE, EPOCHS), needed)
#: Where the loss with a constant rate falls by half or more, as earlier runs have shown on other
#: seeds and a condition shows again: tasks, rates and epochs, with Adam.
SETTLED = (
    *((SPIRAL_RELU, rate, USUAL) for rate in NEAR),
    *((SPIRAL_RELU, RATE, epochs) for epochs in JUDGED),
    (SPIRAL_TANH, RATE, JUDGED[-1]),
    (SPIRAL_TANH, NEAR[-1], USUAL),
)
UNSETTLED = "the loss has not fallen by half: there is little to win and nothing to settle in"


def settles(arm: Arm) -> bool:
    """Whether a run of the arm gets somewhere, so that what the claims say can be so or not."""
    return arm[OPTIMISER] == "Adam" and (arm[TASK], arm[LEARNING_RATE], arm[EPOCHS]) in SETTLED


def why_beyond(arm: Arm) -> str:
    """Why the claims are not judged in an arm."""
    if arm[LEARNING_RATE] == FAR:
        return FAR_OFF
    return LONGER if arm[EPOCHS] == LONG else UNSETTLED


def judged(arm: Arm) -> tuple[Claim, ...]:
    """What is judged where a training has got somewhere."""
    at, leads = arm.as_dict(), arm.as_dict() == HEADLINE
    return (
        Claim("C6.14", Value("gain").at(**at), SHARE, reading=LOWER_READING, headline=leads),
        Claim(
            "C8.04",
            Value("gain").at(**at),
            SHARE,
            reading=LOWER_READING,
            headline=leads,
            half=LATE,
        ),
        Claim("C8.04", Value("early_cost").at(**at), SHARE, reading=EARLY_READING, half=EARLY),
        Claim(
            "C6.15",
            Value("sharper_at_equal_loss").at(**at),
            SHARPER,
            reading="Sharper: where each run first gets as low as both do, the largest eigenvalue "
            "of the Hessian of the training loss is 1.2 times that with a constant rate or more.",
            headline=leads,
        ),
    )


def beside(arm: Arm) -> Iterator[Beyond]:
    """The same of the other arms, and everywhere the ratio at the end."""
    at, why = arm.as_dict(), why_beyond(arm)
    if not settles(arm):
        yield Beyond("C6.14", Value("gain").at(**at), SHARE, why)
        yield Beyond("C8.04", Value("gain").at(**at), SHARE, why)
        yield Beyond("C8.04", Value("early_cost").at(**at), SHARE, why, EARLY_READING)
        if arm[OPTIMISER] == "Adam":
            yield Beyond("C6.15", Value("sharper_at_equal_loss").at(**at), SHARPER, why)
    yield Beyond(
        "C6.15",
        Value("sharper").at(**at),
        SHARPER,
        why="at the end, where the curvature hangs on how low each run has got",
        reading="At the end the largest eigenvalue is 1.2 times that with a constant rate or more.",
    )
    if settles(arm):
        # No control: how far a training gets is not known beforehand.
        yield Beyond(
            "C6.15",
            Value("left").at(**at),
            less_than(0.5),
            why="not what cosine does but whether the loss has fallen by half, as it should have "
            "where C6.14, C6.15 and C8.04 are judged",
            reading="With a constant rate less than half of the untrained network's loss is left.",
        )


CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(claim for arm in ARMS if settles(arm) for claim in judged(arm)),
    *(shown for arm in ARMS for shown in beside(arm)),
    Beyond(
        "C6.14",
        Value("val_gain").at(rate=NEAR),
        SHARE,
        why="the validation loss; the passage compares what training reaches",
        reading="The validation loss ends lower by 5 % or more.",
    ),
    Control(
        "the rate falls along the cosine as it is written out",
        Value("off_schedule").always(),
        at_most(1e-9),
    ),
)


@dataclass
class Run:
    """One training, epoch by epoch.

    Attributes:
        losses: on all training rows, shape (epochs, replicas).
        weights: of all replicas after each epoch.
        rates: each epoch's.
        val_loss: at the end, shape (replicas,).
    """

    losses: Numbers
    weights: Sequence[Weights]
    rates: list[float]
    val_loss: Numbers


def run(task: TrainingTask, recipe: Recipe, epochs: int) -> Run:
    """Train, and keep what is compared."""
    losses, weights, rates = [], [], []
    for step in descend(task, recipe):
        if step.ends_epoch:
            losses.append(train_loss(task, step.nets))
            weights.append(weights_of(step.nets))
            rates.append(step.lr)
        if len(losses) == epochs:
            break
    end = as_numbers(evaluate(step.nets, task, task.val)[0])
    return Run(np.stack(losses), weights, rates, end)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Both schedules of one setting, and what the one gains and costs against the other."""
    task, epochs = whole_spiral(arm[TASK], blocks), max(1, arm[EPOCHS] // blocks[0].effort)
    constant, cosine = (
        run(task, Recipe(arm[OPTIMISER], arm[LEARNING_RATE], BATCH, anneal), epochs)
        for anneal in (None, epochs)
    )
    half = max(1, epochs // 2)
    early = [each.losses[:half].mean(axis=0) for each in (constant, cosine)]
    found = {
        "gain": -relative(cosine.losses[-1], constant.losses[-1]),
        "val_gain": -relative(cosine.val_loss, constant.val_loss),
        "early_cost": relative(early[1], early[0]),
        "sharper": sharpness(task, cosine.weights[-1]) / sharpness(task, constant.weights[-1]),
        "sharper_at_equal_loss": at_equal_loss(task, cosine, constant)
        if arm[OPTIMISER] == "Adam"
        else np.full(len(blocks), math.nan),
        "left": constant.losses[-1] / train_loss(task, Replicas(task.networks)),
        "off_schedule": np.full(len(blocks), off_schedule(cosine.rates)),
        "constant": constant.losses,
        "cosine": cosine.losses,
    }
    return [
        {name: values[..., place].tolist() for name, values in found.items()}
        for place in range(len(blocks))
    ]


def relative(cosine: Numbers, constant: Numbers) -> Numbers:
    """By how much one loss is above the other, as a share of it or, where it is small, of 0.1."""
    return (cosine - constant) / np.maximum(constant, NEARLY_NOTHING)


def sharpness(task: TrainingTask, weights: Weights) -> Numbers:
    """The largest eigenvalue of the Hessian, never quite nothing."""
    return np.maximum(top_eigenvalues(task, weights), LEAST_CURVATURE)


def at_equal_loss(task: TrainingTask, cosine: Run, constant: Run) -> Numbers:
    """The ratio of sharpness where each run first gets as low as both do."""
    common = np.maximum(cosine.losses.min(axis=0), constant.losses.min(axis=0))
    sharp = [
        sharpness(task, picked(each.weights, (each.losses <= common).argmax(axis=0)))
        for each in (cosine, constant)
    ]
    ratio: Numbers = sharp[0] / sharp[1]
    return ratio


def picked(weights: Sequence[Weights], epochs: NDArray[np.int64]) -> Weights:
    """The weights that each replica had after an epoch of its own."""
    chosen = list(enumerate(epochs.tolist()))
    return {
        name: torch.stack([weights[epoch][name][replica] for replica, epoch in chosen])
        for name in weights[0]
    }


def off_schedule(rates: Sequence[float]) -> float:
    """How far the rates of the epochs are from the cosine written out, as a share of the first."""
    written = [rates[0] * (1 + math.cos(math.pi * t / len(rates))) / 2 for t in range(len(rates))]
    return max(abs(a - b) for a, b in zip(rates, written, strict=True)) / rates[0]


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does cosine end lower than a constant rate, at what cost, in what minimum?",
    factors=(TASK, POINTS, OPTIMISER, LEARNING_RATE, EPOCHS),
    only=needed,
    responses=(
        Response("gain", "1", "share by which cosine ends at a lower loss than a constant rate"),
        Response("val_gain", "1", "share by which cosine ends at a lower validation loss"),
        Response(
            "early_cost",
            "1",
            "share by which the loss with cosine is higher over the first half of the epochs",
        ),
        Response(
            "sharper",
            "1",
            "largest eigenvalue of the Hessian at the end, cosine over a constant rate",
        ),
        Response(
            "sharper_at_equal_loss",
            "1",
            "largest eigenvalue of the Hessian at equal loss, cosine over a constant rate",
        ),
        Response(
            "off_schedule", "1", "distance of a rate from the cosine written out, over the first"
        ),
        Response("left", "1", "loss at the end with a constant rate over the untrained network's"),
        Response("constant", "nat", "loss on all training rows after an epoch, constant rate"),
        Response("cosine", "nat", "loss on all training rows after an epoch, cosine"),
    ),
    blocks=PerProfile(2, 40, 80),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(10, 1, 1),  # epochs are divided by it
    measure_together=measure,
    claims=CLAIMS,
    figures=(cosine_against_constant,),
)
