"""How much noisier are the gradients of batches of 8 than those of 64?

The weights stand still: at the start, and after 200 steps of training with Adam. The rows are
shuffled and cut into batches of 8 and of 64, pass after pass; the noise is the root mean square
distance of a batch's gradient from the gradient of all rows. Spread from step to step while the
weights move would mix it with progress. By arithmetic the ratio is the root of eight, a little more
where 64 rows are a good part of all; the passage says noisier and gives no number, so that a fifth
is enough. Networks without batch norm, whose batches change what is computed.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

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
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    between,
    less_than,
)
from harness.libraries import torch
from harness.workloads import Replicas
from harness.workloads.loop import Setting, train
from harness.workloads.tasks import DIGITS, LINEAR, LOGISTIC, SPIRAL_RELU, TrainingTask
from studies.bugs.grid import all_gradients, as_array, task_of

if TYPE_CHECKING:
    from torch import Tensor

TASK = Factor("task", (DIGITS, LOGISTIC, LINEAR, SPIRAL_RELU))
AT_START, LATER = "at the start", "after training"
WHEN = Factor("when", (AT_START, LATER))
BATCH = Factor("batch", (8, 64), control=64, words={size: f"batches of {size}" for size in (8, 64)})
STEPS = 200
TYPICAL: dict[str, Level] = {"task": DIGITS, "when": LATER}

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C7.17",
        Ratio("noise", BATCH).at(batch=8),
        at_least(1.2),
        reading="Noisier: at the same weights the gradients of batches of 8 lie at least a fifth "
        "further from the gradient of all rows than those of batches of 64.",
        headline=TYPICAL,
    ),
    Beyond(
        "C7.17",
        Ratio("noise_by_root", BATCH).at(batch=8),
        between(0.9, 1.1),
        why="a law, which the passage does not give: noise as one over the root of the batch size",
        reading="As the root of the batch size: 2.83 times as noisy, by a tenth more or less.",
    ),
    Control(
        "the mean over a pass is the gradient of all rows",
        Value("bias"),
        less_than(0.1),
    ),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """The noise of the gradients at one place."""
    task = task_of(arm[TASK], blocks)
    nets = Replicas(copy.deepcopy(task.networks))
    if arm[WHEN] == LATER:
        epochs = -(-STEPS // (task.train.x.shape[1] // 32))
        nets = train(task, Setting("Adam", 1e-3, epochs=epochs, batch=32)).nets
    noise, bias = noise_of(nets, task, arm[BATCH], blocks[0].effort)
    root = arm[BATCH] ** 0.5
    return [
        {"noise": n, "noise_by_root": n * root, "bias": b} for n, b in zip(noise, bias, strict=True)
    ]


def noise_of(
    nets: Replicas, task: TrainingTask, size: int, passes: int
) -> tuple[list[float], list[float]]:
    """Root mean square distance of batch gradients from that of all rows, and that of their mean.

    The second is in units of the first: what is left of the noise in the mean over all batches.
    """
    x, y = task.train.x, task.train.y
    rows = x.shape[1]
    whole = gradient(nets, task, x, y)
    replica = torch.arange(nets.count)[:, None]
    orders = [torch.Generator().manual_seed(seed) for seed in task.seeds]
    squares = whole.new_zeros(nets.count)
    total, count = torch.zeros_like(whole), 0
    for _ in range(passes):
        order = torch.stack([torch.randperm(rows, generator=g) for g in orders])
        for chosen in order[:, : rows - rows % size].split(size, dim=1):
            own = gradient(nets, task, x[replica, chosen], y[replica, chosen])
            squares += (own - whole).square().sum(dim=1)
            total += own
            count += 1
    noise = (squares / count).sqrt()
    bias = (total / count - whole).norm(dim=1) / noise
    return as_array(noise).tolist(), as_array(bias).tolist()


def gradient(nets: Replicas, task: TrainingTask, x: Tensor, y: Tensor) -> Tensor:
    """Each replica's gradient over some of its rows, as a row of numbers."""
    for parameter in nets.parameters():
        parameter.grad = None
    nets.each(task.loss, nets(x), y).sum().backward()
    return all_gradients(nets)


EXPERIMENT: Experiment[tuple[Block, ...]] = Experiment(
    question="How much noisier are the gradients of batches of 8 than those of 64?",
    factors=(TASK, WHEN, BATCH),
    on_cpu=True,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(2, 16, 32),  # passes over the rows
    measure_together=measure,
    responses=(
        Response("noise", "1", "distance of a batch's gradient from that of all rows"),
        Response(
            "noise_by_root",
            "1",
            "distance of a batch's gradient from that of all rows, times the root of its size",
        ),
        Response("bias", "1", "distance of their mean from it, over the noise"),
    ),
    claims=CLAIMS,
)
