"""What a training run with bugs shows: its curves, and a number for each symptom of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness import Block, Response, Responses
from harness.libraries import torch
from harness.workloads.loop import evaluate
from studies.bugs.cases import CASES, FROZEN, make_case, shortened, switches_of, train_and_weigh
from studies.bugs.curve_features import logarithm

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads.loop import Log
    from harness.workloads.switches import Switches
    from harness.workloads.tasks import TrainingTask

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


class Run(NamedTuple):
    """A training run of all blocks, and what was weighed and seen besides its log."""

    log: Log
    kept_bytes: NDArray[np.float64]
    repeats_differ: NDArray[np.bool_]
    frozen_with_gradient: int


@dataclass(frozen=True)
class Cohort:
    """Some blocks, and the training loss of loops that others are compared with.

    Attributes:
        blocks: all of them.
        losses: of shape (steps, replicas), by case and bug.
    """

    blocks: tuple[Block, ...]
    losses: Mapping[tuple[str, str], Tensor]

    @classmethod
    def train(cls, blocks: tuple[Block, ...], kinds: Sequence[str]) -> Cohort:
        """Train every case with each of these alone."""
        losses = {
            (case, kind): train_case(blocks, case, kind).log.steps["loss"]
            for case in CASES
            for kind in kinds
        }
        return cls(blocks, losses)

    def same_steps(self, run: Run, case: str, kind: str) -> list[float]:
        """For each replica, whether the run's loss is that loop's at every step: 1, else 0."""
        same = (run.log.steps["loss"] == self.losses[case, kind]).all(dim=0)
        found: list[float] = same.double().tolist()
        return found


def train_case(blocks: tuple[Block, ...], case: str, *kinds: str) -> Run:
    """Train a case with some bugs; dropout starts from the same stream in every arm."""
    torch.manual_seed(blocks[0].seed)
    task, switches = make_case(case, blocks), switches_of(*kinds)
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
