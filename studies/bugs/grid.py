"""The grid of trainings with and without zero_grad: tasks, settings, and what is watched.

The rules that several claims share stand here too: what it is to oscillate, to diverge, and to grow
in proportion to the steps. The simulator is judged by the same ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from harness import Arm, Block, Factor, Response, at_least, between
from harness.libraries import torch
from harness.workloads import Replicas
from harness.workloads.curves import Curves, exponent, rises, share_left, swings
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
    f"{name}, rate {lr:g}": Setting(name, lr, batch=BATCH)
    for name, rates in RATES.items()
    for lr in rates
}
TASKS = (LINEAR, LOGISTIC, DIGITS, SPIRAL_TANH, SPIRAL_RELU)
#: Where the correct loop itself has not lost a quarter of its loss in 1,000 steps: such a rate is
#: no usual one for the task. A control checks that it has wherever else losses are judged.
SLOW = {
    SPIRAL_TANH: (
        "SGD, rate 0.01",
        "SGD, rate 0.1",
        "momentum, rate 0.001",
        "momentum, rate 0.01",
        "Adam, rate 0.001",
        "AdamW, rate 0.001",
    ),
    SPIRAL_RELU: ("SGD, rate 0.01", "momentum, rate 0.001"),
}
CONVERGING = {
    task: tuple(setting for setting in SETTINGS if setting not in SLOW.get(task, ()))
    for task in TASKS
}
#: A learning rate of 0: every batch, or all rows in each step.
FROZEN, FROZEN_ALL = "frozen weights", "frozen weights, all rows"

TASK = Factor("task", TASKS)
SETTING = Factor("setting", (*SETTINGS, FROZEN, FROZEN_ALL))
GRADIENTS = Factor(
    "gradients",
    ("reset", "kept"),
    control="reset",
    words={"reset": "zero_grad in every step", "kept": "no zero_grad"},
)

STEP = 100  # the step that the documents speak of, and the end of what is called linear
DIVERGED = 10.0  # times the initial loss
SWING = 0.1  # of the initial loss: the least rise that counts
#: Steps at which the norm is written down, as far as the training goes.
LOOKS = (1, 2, 4, 8, 16, 32, 64, 100, 128, 256, 512, 1000, 2000)

DIVERGES, OSCILLATES, LINEARLY = at_least(DIVERGED), at_least(2), between(0.9, 1.1)
HUNDREDFOLD = between(80, 120)  # a single figure: 20 % to both sides
WORSE = at_least(1.05)  # a loss that is 5 % higher
OSCILLATES_READING = (
    "The loss oscillates wildly: before it passes ten times its initial value it rises at least "
    "twice by a tenth of the initial loss or more, with a fall of that size between."
)
DIVERGES_READING = (
    "Then it diverges: it ends at ten times the initial loss or more, or is no number."
)
LINEARLY_READING = (
    f"The norm of .grad grows in proportion to the steps: with a power of them between 0.9 and "
    f"1.1, over the first {STEP} steps."
)
SWINGS = Response(
    "swings",
    "1",
    "number of separate rises of the training loss by a tenth of its initial value or more, before "
    "it passes ten times that value",
)
SHARE_LEFT = Response(
    "share_left", "1", "training loss at the end over that at the beginning, a million at most"
)
EXPONENT = Response(
    "exponent", "1", f"power of the steps with which the norm of .grad grows up to step {STEP}"
)
MILLION = 1e6


@dataclass
class Accumulation:
    """Compares what has accumulated by one step with the gradients of the steps themselves.

    These are caught on their way to ``.grad``, before anything is added to them.

    Attributes:
        step: which.
        seen: steps done.
        own: the gradient of the latest step, by parameter.
        sums: of the gradients so far, in double precision.
        with_now: cosine between ``.grad`` and the step's own gradient, one a replica.
        with_mean: cosine between ``.grad`` and the mean of the gradients so far.
        times_own: norm of ``.grad`` over that of the step's own gradient, a million at most.
    """

    step: int
    seen: int = 0
    own: list[Tensor] = field(default_factory=list)
    sums: list[Tensor] = field(default_factory=list)
    hooks: list[torch.utils.hooks.RemovableHandle] = field(default_factory=list)
    with_now: Curves = field(default_factory=lambda: np.empty(0))
    with_mean: Curves = field(default_factory=lambda: np.empty(0))
    times_own: Curves = field(default_factory=lambda: np.empty(0))

    def __call__(self, log: Log) -> None:
        """Look at the gradients that a step has left behind."""
        self.seen += 1
        if self.seen > self.step:
            return
        if self.seen == 1:
            # The first gradient is what .grad holds, and is overwritten by what is added to it.
            self.own = [p.grad.clone() for p in log.nets.parameters() if p.grad is not None]
            self.sums = [torch.zeros_like(grad, dtype=torch.float64) for grad in self.own]
            self.hooks = [
                p.register_hook(self._catch(place)) for place, p in enumerate(log.nets.parameters())
            ]
        self.sums = [total + grad for total, grad in zip(self.sums, self.own, strict=True)]
        if self.seen == self.step:
            self._compare(all_gradients(log.nets))

    def _catch(self, place: int) -> Callable[[Tensor], None]:
        def catch(grad: Tensor) -> None:
            self.own[place] = grad.detach()

        return catch

    def _compare(self, kept: Tensor) -> None:
        for hook in self.hooks:
            hook.remove()
        own, mean = flat(self.own), flat(self.sums) / self.step
        # A gradient of exactly zero, where all rows are learnt, has a cosine of zero here.
        self.with_now = as_array(torch.cosine_similarity(own, kept, dim=1, eps=1e-30))
        self.with_mean = as_array(torch.cosine_similarity(mean, kept, dim=1, eps=1e-30))
        ratio = kept.norm(dim=1) / own.norm(dim=1)
        self.times_own = as_array(ratio.clamp(max=MILLION))


def flat(tensors: Sequence[Tensor]) -> Tensor:
    """Each replica's numbers in a row, in double precision; shape (replicas, numbers)."""
    return torch.cat([tensor.flatten(1) for tensor in tensors], dim=1).double()


def all_gradients(nets: Replicas) -> Tensor:
    """What each replica's ``.grad`` hold, in a row; shape (replicas, numbers)."""
    return flat([p.grad for p in nets.parameters() if p.grad is not None])


@dataclass(frozen=True)
class Grid:
    """The blocks of a cohort and their tasks, which training leaves as they were."""

    blocks: tuple[Block, ...]
    tasks: Mapping[str, TrainingTask]


def prepare_grid(blocks: tuple[Block, ...]) -> Grid:
    """Every task with a replica for each block."""
    return Grid(blocks, {name: task_of(name, blocks) for name in TASKS})


def task_of(name: str, blocks: tuple[Block, ...]) -> TrainingTask:
    """A task whose loop looks only at the rows it trains on.

    The others are cut down to a few: the loop evaluates them after every epoch, for nobody.
    """
    task = make_task(name, blocks)
    few = Part(task.val.x[:, :BATCH], task.val.y[:, :BATCH])
    return replace(task, val=few, production=few)


def trained(grid: Grid, arm: Arm) -> Mapping[str, Curves]:
    """Train a cell of the grid.

    Args:
        grid: of blocks whose effort is the number of steps, unless weights are frozen.
        arm: levels of ``TASK``, ``SETTING`` and ``GRADIENTS``.

    Returns:
        Of shape (replicas,), at step 100: "norm_at_step" of .grad, "growth" since the first step,
        and what ``Accumulation`` finds; of the whole training: "exponent_whole", "share_left" of
        the initial loss, "swings", and "rises" as a share of the epochs. Of shape (looks,
        replicas): "norm", relative to that of the first step.
    """
    blocks, task = grid.blocks, grid.tasks[arm[TASK]]
    rows = task.train.x.shape[1]
    moving = arm[SETTING] in SETTINGS
    setting = SETTINGS[arm[SETTING]] if moving else Setting("SGD", lr=0.0, batch=BATCH)
    batch = rows if arm[SETTING] == FROZEN_ALL else BATCH
    steps = blocks[0].effort if moving else STEP
    epochs = math.ceil(steps / (rows // batch))
    kept = arm[GRADIENTS] == "kept"
    accumulation = Accumulation(STEP)
    log = train(
        task,
        replace(setting, batch=batch, epochs=epochs),
        Switches(keep_gradients=True) if kept else CORRECT,
        after_step=accumulation if kept else None,
    )
    norms = as_array(log.steps["gradient_norm"])[:steps]
    losses = losses_of(task, log)
    alone = np.ones(len(blocks))  # with zero_grad .grad is the step's own gradient
    return {
        "norm": norms[[step - 1 for step in LOOKS if step <= steps]] / norms[0],
        "norm_at_step": norms[STEP - 1],
        "growth": norms[STEP - 1] / norms[0],
        "times_own": accumulation.times_own if kept else alone,
        "with_now": accumulation.with_now if kept else alone,
        "with_mean": accumulation.with_mean if kept else alone,
        "exponent": exponent(norms[:STEP]),
        "exponent_whole": exponent(norms),
        "share_left": np.minimum(share_left(losses[0], losses[1:]), MILLION),
        "swings": swings(before_divergence(losses), SWING * losses[0]),
        "rises": rises(losses) / epochs,
    }


def losses_of(task: TrainingTask, log: Log) -> Curves:
    """The loss over the training set, before the first epoch and after each."""
    initial, _ = evaluate(Replicas(task.networks), task, task.train)
    return np.stack([as_array(loss) for loss in (initial, *log.epochs["true_train_loss"])])


def before_divergence(losses: Curves) -> Curves:
    """Losses up to the first that is ten times the initial one; from there on no numbers.

    Args:
        losses: shape (epochs, replicas).
    """
    with np.errstate(invalid="ignore"):
        within = np.logical_and.accumulate(losses < DIVERGED * losses[0], axis=0)
    return np.where(within, losses, np.nan)


def as_array(tensor: Tensor) -> Curves:
    """The numbers of a tensor in double precision."""
    array: Curves = tensor.detach().double().cpu().numpy()
    return array
