"""What does each bug do to the curves of a training run, against document C's table of signatures?

Perceptrons with dropout and batch norm learn four data sets, correct and with each bug alone, from
the same weights, on the same batches. Rounds of a response are epochs. The figures are a gallery,
correct and bugged curves over all seeds for each bug, and the symptoms that the document names: how
often a bugged run shows more of them than the correct run of its seed.

Whether bugs can be told by what they show is judged in ``signatures.py``; single symptoms have
claims, and modules, of their own. Here is shown what the document invites to look at: whether the
training loss of a bugged run is another than the correct run's, at any step, to the last bit. It
promises signatures elsewhere too (in memory, in metrics), so that this decides nothing. The wrong
device is left out, for on a CPU that run is the correct one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
    Beyond,
    Block,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.libraries import torch
from harness.workloads.loop import evaluate
from studies.bugs.cases import (
    CASES,
    FROZEN,
    KINDS,
    NAMES,
    NONE,
    make_case,
    shortened,
    switches_of,
    train_and_weigh,
)
from studies.bugs.curve_features import logarithm
from studies.bugs.gallery_figures import gallery, symptoms

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads.loop import Log
    from harness.workloads.switches import Switches
    from harness.workloads.tasks import TrainingTask

BUG = Factor("bug", KINDS, control=NONE, words=NAMES)
CASE = Factor("case", tuple(CASES))
REPEATS = 5

#: By epoch.
CURVES = (
    Response("train_loss", "nat", "mean training loss of an epoch"),
    Response("val_loss", "nat", "validation loss, as the loop evaluates"),
    Response("val_score", "1", "validation accuracy, as the loop evaluates"),
    Response("production_score", "1", "accuracy on rows that stand for production"),
    Response("gradient_norm", "1", "norm of the gradient, the mean over an epoch's steps"),
    Response("kept_bytes", "B", "memory held by stored outputs at the end of an epoch"),
)
SYMPTOMS = (
    Response(
        "last_loss",
        "1",
        "decimal logarithm of the last epoch's training loss over the first step's",
    ),
    Response("roughness", "1", "mean size of the change of the loss's logarithm from step to step"),
    Response(
        "gradient_growth",
        "1",
        "decimal logarithm of the last epoch's mean gradient norm over the first's",
    ),
    Response("last_val_score", "1", "validation accuracy at the end"),
    Response(
        "val_scatter",
        "1",
        "mean size of the change of validation accuracy from epoch to epoch, second half",
    ),
    Response("repeats_differ", "yes/no", "repeated evaluations of the end differ"),
    Response("behind_training", "1", "training less validation accuracy at the end"),
    Response("val_less_production", "1", "validation less production accuracy at the end"),
    Response("stored_bytes", "B", "memory held by stored outputs at the end"),
    Response("frozen_with_gradient", "parameters", "number of frozen parameters with a gradient"),
)
SAME_LOSS = Response(
    "same_loss", "yes/no", "the training loss is the correct run's at every step, bit for bit"
)

CLAIMS = (
    Beyond(
        "C5.33",
        Value(SAME_LOSS.name).at(bug=KINDS[1:]).always(),
        equals(0),
        why="the training loss alone, where the document speaks of memory and metrics too",
        reading="A signature in the loss curve takes a loss that differs: at some step the "
        "training loss is not that of the correct run, bit for bit.",
    ),
    Control(
        "a correct run repeats to the last bit",
        Value(SAME_LOSS.name).at(bug=NONE).always(),
        equals(1),
    ),
)


class Run(NamedTuple):
    """A training run of all blocks, and what was weighed and seen besides its log."""

    log: Log
    kept_bytes: NDArray[np.float64]
    repeats_differ: NDArray[np.bool_]
    frozen_with_gradient: int


@dataclass(frozen=True)
class Cohort:
    """Some blocks, and the training loss of their correct runs, (steps, replicas) by case."""

    blocks: tuple[Block, ...]
    correct_loss: Mapping[str, Tensor]


def prepare(blocks: tuple[Block, ...]) -> Cohort:
    """Train every case as it should be."""
    runs = {case: train_case(blocks, case, NONE) for case in CASES}
    return Cohort(blocks, {case: run.log.steps["loss"] for case, run in runs.items()})


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train with the arm's bug and compare with the correct run."""
    run = train_case(cohort.blocks, arm[CASE], arm[BUG])
    same = (run.log.steps["loss"] == cohort.correct_loss[arm[CASE]]).all(dim=0).tolist()
    return [
        {SAME_LOSS.name: float(same[place]), **curves(run, place), **symptoms_of(run, place)}
        for place in range(len(cohort.blocks))
    ]


def train_case(blocks: tuple[Block, ...], case: str, kind: str) -> Run:
    """Train a case with a bug; dropout starts from the same stream in every arm."""
    torch.manual_seed(blocks[0].seed)
    task, switches = make_case(case, blocks), switches_of(kind)
    setting = shortened(CASES[case], blocks[0].effort)
    log, kept = train_and_weigh(task, setting, switches)
    with_gradient = sum(
        name.startswith(FROZEN) and parameter.grad is not None
        for name, parameter in log.nets.named_parameters()
    )
    return Run(log, kept, evaluations_differ(log, task, switches), with_gradient)


def evaluations_differ(log: Log, task: TrainingTask, switches: Switches) -> NDArray[np.bool_]:
    """Whether evaluating the end again and again gives a replica different losses."""
    log.nets.train(switches.evaluate_in_train_mode)
    losses = []
    for repeat in range(REPEATS):
        torch.manual_seed(repeat)  # an evaluation leaves the stream as it was
        losses.append(evaluate(log.nets, task, task.val)[0])
    differ: NDArray[np.bool_] = (torch.stack(losses) != losses[0]).any(dim=0).cpu().numpy()
    return differ


def curves(run: Run, place: int) -> Responses:
    """What one replica's run shows, epoch by epoch."""
    epochs = {name: run.log.epochs[name][:, place].tolist() for name in LOGGED}
    count = len(run.log.epochs["train_loss"])
    norms = np.array_split(run.log.steps["gradient_norm"][:, place].cpu().numpy(), count)
    ends = np.array([part[-1] for part in np.array_split(run.kept_bytes, count)])
    return {
        **epochs,
        "gradient_norm": [float(part.mean()) for part in norms],
        "kept_bytes": ends.tolist(),
    }


LOGGED = ("train_loss", "val_loss", "val_score", "production_score")


def symptoms_of(run: Run, place: int) -> Responses:
    """One number for each symptom; what overflowed counts as the largest number looked at."""
    steps = {name: curve[:, place].double().cpu().numpy() for name, curve in run.log.steps.items()}
    epochs = {
        name: curve[:, place].double().cpu().numpy() for name, curve in run.log.epochs.items()
    }
    loss, norm = logarithm(steps["loss"]), logarithm(steps["gradient_norm"])
    epoch_steps = len(loss) // len(epochs["train_loss"])
    late = epochs["val_score"][len(epochs["val_score"]) // 2 :]
    last = float(epochs["val_score"][-1])
    return {
        "last_loss": float(loss[-epoch_steps:].mean() - loss[0]),
        "roughness": float(np.abs(np.diff(loss)).mean()),
        "gradient_growth": float(norm[-epoch_steps:].mean() - norm[:epoch_steps].mean()),
        "last_val_score": last,
        "val_scatter": float(np.abs(np.diff(late)).mean()),
        "repeats_differ": float(run.repeats_differ[place]),
        "behind_training": float(epochs["true_train_score"][-1]) - last,
        "val_less_production": last - float(epochs["production_score"][-1]),
        "stored_bytes": float(run.kept_bytes[-1]),
        "frozen_with_gradient": float(run.frozen_with_gradient),
    }


EXPERIMENT: Experiment[Cohort] = Experiment(
    question="What does each bug do to the curves of a training run?",
    factors=(BUG, CASE),
    responses=(SAME_LOSS, *CURVES, *SYMPTOMS),
    on_cpu=True,
    blocks=PerProfile(2, 20, 60),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(40, 100, 100),  # per cent of the epochs
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(gallery, symptoms),
)
