"""The grid of trainings with and without zero_grad: tasks, settings, and what is watched."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from harness import Arm, Block, Factor
from harness.libraries import torch
from harness.workloads import Replicas
from harness.workloads.curves import Curves, exponent, rises, share_left, straightness
from harness.workloads.loop import Log, Setting, evaluate, train
from harness.workloads.switches import CORRECT, Switches
from harness.workloads.tasks import (
    DIGITS,
    LINEAR,
    LOGISTIC,
    SPIRAL_RELU,
    SPIRAL_TANH,
    Part,
    make_task,
)

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads.tasks import TrainingTask

#: Two rates for each optimiser, ten times apart; momentum 0.9 makes steps ten times as long.
RATES = {
    "SGD": (0.01, 0.1),
    "momentum": (0.001, 0.01),
    "Adam": (0.001, 0.01),
    "AdamW": (0.001, 0.01),
}
BATCH = 32
SETTINGS = {
    f"{name}, {lr:g}": Setting(name, lr, batch=BATCH)
    for name, rates in RATES.items()
    for lr in rates
}
TASKS = (LINEAR, LOGISTIC, DIGITS, SPIRAL_TANH, SPIRAL_RELU)
#: A learning rate of 0: every batch, or all rows in each step.
FROZEN, FROZEN_ALL = "frozen weights", "frozen weights, all rows"
#: Stands for all tasks, and for all of SETTINGS.
GRID = "the whole grid"

TASK = Factor("task", (*TASKS, GRID))
SETTING = Factor("setting", (*SETTINGS, FROZEN, FROZEN_ALL, GRID))
GRADIENTS = Factor("gradients", ("reset", "kept"), control="reset")

STEP = 100  # the step that the documents speak of
DIVERGED = 10.0  # times the initial loss
MARGIN = 0.01  # of the initial loss: by how much final losses must differ
#: Steps at which the norm is written down, as far as the training goes.
LOOKS = (1, 2, 4, 8, 16, 32, 64, 100, 128, 256, 512, 1000, 2000)


@dataclass
class Turning:
    """Finds the cosine between the gradient of one step and all that is accumulated by then.

    Attributes:
        step: which.
        seen: steps done.
        before: what was accumulated a step earlier, shape (replicas, numbers).
        cosine: one a replica, once the step is done.
    """

    step: int
    seen: int = 0
    before: list[Tensor] = field(default_factory=list)
    cosine: list[float] = field(default_factory=list)

    def __call__(self, log: Log) -> None:
        """Look at the gradients that a step has left behind."""
        self.seen += 1
        if self.seen == self.step - 1:
            self.before = [all_gradients(log.nets)]
        elif self.seen == self.step:
            now = all_gradients(log.nets)
            own = now - self.before.pop()
            # A gradient of exactly zero, where all rows are learnt, has a cosine of zero here.
            self.cosine = torch.cosine_similarity(own, now, dim=1, eps=1e-30).tolist()


def all_gradients(nets: Replicas) -> Tensor:
    """Each replica's gradients in a row, in double precision; shape (replicas, numbers)."""
    gradients = [p.grad.flatten(1) for p in nets.parameters() if p.grad is not None]
    return torch.cat(gradients, dim=1).double()


@lru_cache(maxsize=len(TASKS))
def task_of(name: str, blocks: tuple[Block, ...]) -> TrainingTask:
    """A task with a replica for each block; training leaves it as it was.

    What is not trained on is cut down to a few rows: nobody looks at them, and the loop does so
    after every epoch.
    """
    task = make_task(name, blocks)
    few = Part(task.val.x[:, :BATCH], task.val.y[:, :BATCH])
    return replace(task, val=few, production=few)


@lru_cache(maxsize=128)  # all cells of a cohort, for the whole grid is made of them
def trained(blocks: tuple[Block, ...], arm: Arm) -> Mapping[str, Curves]:
    """Train a cell of the grid.

    Args:
        blocks: one a replica; their effort is the number of steps, unless weights are frozen.
        arm: levels of ``TASK``, ``SETTING`` and ``GRADIENTS``, other than the whole grid.

    Returns:
        Of shape (replicas,): "growth" and "cosine" at step 100, "exponent" and "straightness" of
        the norm, "share" of the initial loss that is left, "rises" as a share of the epochs; of
        shape (looks, replicas): "norm", relative to that of the first step.
    """
    task = task_of(arm[TASK], blocks)
    rows = task.train.x.shape[1]
    moving = arm[SETTING] in SETTINGS
    setting = SETTINGS[arm[SETTING]] if moving else Setting("SGD", lr=0.0, batch=BATCH)
    batch = rows if arm[SETTING] == FROZEN_ALL else BATCH
    steps = blocks[0].effort if moving else STEP
    epochs = math.ceil(steps / (rows // batch))
    kept = arm[GRADIENTS] == "kept"
    turning = Turning(STEP)
    log = train(
        task,
        replace(setting, batch=batch, epochs=epochs),
        Switches(keep_gradients=True) if kept else CORRECT,
        after_step=turning if kept else None,
    )
    norms = as_array(log.steps["gradient_norm"])[:steps]
    initial, _ = evaluate(Replicas(task.networks), task, task.train)
    losses = np.stack([as_array(loss) for loss in (initial, *log.epochs["true_train_loss"])])
    return {
        "norm": norms[[step - 1 for step in LOOKS if step <= steps]] / norms[0],
        "growth": norms[STEP - 1] / norms[0],
        "cosine": np.array(turning.cosine) if kept else np.ones(len(blocks)),
        "exponent": exponent(norms),
        "straightness": straightness(norms),
        "share": share_left(losses[0], losses[1:]),
        "rises": rises(losses) / epochs,
    }


def as_array(tensor: Tensor) -> Curves:
    """The numbers of a tensor in double precision."""
    array: Curves = tensor.detach().double().cpu().numpy()
    return array
