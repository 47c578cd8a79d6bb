"""One training loop and one evaluation loop, correct as written, with every bug as a switch.

All replicas of a task train at once. Arms that differ in switches share weights, data, the order of
batches and the random stream of training: an evaluation has a stream of its own, so that one more
dropout mask drawn there changes no step.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.libraries import nn, torch
from harness.workloads.replicas import Replicas
from harness.workloads.switches import CORRECT, Switches
from harness.workloads.tasks import Part, TrainingTask

if TYPE_CHECKING:
    from torch import Tensor

MakeOptimiser = Callable[[Iterable["nn.Parameter"], float], "torch.optim.Optimizer"]

#: Optimisers by name; each works element by element, so that replicas train independently. Fused:
#: one call for all parameters, which of small networks halves the time of Adam's step.
OPTIMISERS: dict[str, MakeOptimiser] = {
    "SGD": lambda parameters, lr: torch.optim.SGD(parameters, lr=lr),
    "momentum": lambda parameters, lr: torch.optim.SGD(parameters, lr=lr, momentum=0.9),
    "Adam": lambda parameters, lr: torch.optim.Adam(parameters, lr=lr, fused=True),
    "AdamW": lambda parameters, lr: torch.optim.AdamW(parameters, lr=lr, fused=True),
}


@dataclass(frozen=True)
class Setting:
    """How to train, whatever the bugs.

    Attributes:
        optimiser: one of ``OPTIMISERS``.
        lr: its learning rate.
        epochs: passes over the rows to train on.
        batch: rows a step; what is left over at the end of an epoch is left out.
        freeze_after: after so many epochs ``frozen`` parameters are; None freezes none.
        frozen: beginnings of the names of the parameters that are frozen then.
    """

    optimiser: str = "SGD"
    lr: float = 0.1
    epochs: int = 10
    batch: int = 32
    freeze_after: int | None = None
    frozen: tuple[str, ...] = ()


@dataclass
class Log:
    """What a training run recorded; shapes (steps, replicas) and (epochs, replicas).

    Attributes:
        steps: by name "loss", "gradient_norm" (after backward), "parameter_norm" (after the step)
            and "lr".
        epochs: by name "train_loss" (mean over the epoch's steps, as a loop prints it); as the loop
            evaluates, "val_loss" and "val_score"; and in eval mode, whatever the loop does,
            "true_train_loss", "true_train_score", "true_val_loss", "true_val_score",
            "production_loss" and "production_score". A score is the accuracy, or for regression the
            share of variance explained.
        kept: the outputs that the loop stored, (replicas, batch, outputs) a step.
        nets: the networks as they are at the end.
        optimiser: the optimiser as it is at the end.
    """

    nets: Replicas
    optimiser: torch.optim.Optimizer
    steps: dict[str, Tensor] = field(default_factory=dict)
    epochs: dict[str, Tensor] = field(default_factory=dict)
    kept: list[Tensor] = field(default_factory=list)


def train(
    task: TrainingTask,
    setting: Setting,
    switches: Switches = CORRECT,
    after_step: Callable[[Log], None] | None = None,
) -> Log:
    """Train all replicas of a task, and evaluate them after every epoch.

    Args:
        task: is left as it was.
        setting: how to train.
        switches: what is done wrong.
        after_step: called after every step, to watch more than the log has.

    Raises:
        HarnessError: an optimiser of another name.
    """
    if switches.leak:
        task = task.with_leak()
    nets = Replicas(copy.deepcopy(task.networks))
    log = Log(nets, _optimiser(setting, nets))
    orders = [torch.Generator().manual_seed(seed) for seed in task.seeds]
    steps: list[dict[str, Tensor]] = []
    epochs: list[dict[str, Tensor]] = []
    nets.train()
    for epoch in range(setting.epochs):
        if epoch == setting.freeze_after:
            freeze(log, setting, switches)
        nets.train(not switches.train_in_eval_mode)
        first = len(steps)
        for x, y in _batches(task.train, setting.batch, orders):
            steps.append(_step(log, task, x, y, switches))
            if after_step:
                after_step(log)
        mean = torch.stack([step["loss"] for step in steps[first:]]).mean(0)
        epochs.append({"train_loss": mean, **_evaluate(nets, task, switches)})
    log.steps, log.epochs = _stacked(steps), _stacked(epochs)
    return log


def _optimiser(setting: Setting, nets: Replicas) -> torch.optim.Optimizer:
    if setting.optimiser not in OPTIMISERS:
        raise HarnessError(f"There is no optimiser {setting.optimiser!r}: {', '.join(OPTIMISERS)}.")
    trainable = [p for p in nets.parameters() if p.requires_grad]
    return OPTIMISERS[setting.optimiser](trainable, setting.lr)


def freeze(log: Log, setting: Setting, switches: Switches) -> None:
    """Freeze parameters, and make an optimiser of those that are left, unless it stays stale.

    What the old optimiser knew of them (momentum, moments) goes on: the only difference between the
    two arms is that a stale optimiser still has the frozen ones.
    """
    for name, parameter in log.nets.named_parameters():
        if name.startswith(setting.frozen):
            parameter.requires_grad = False
    if switches.stale_optimiser:
        return
    known = log.optimiser.state
    log.optimiser = _optimiser(setting, log.nets)
    for parameter in log.nets.parameters():
        if parameter.requires_grad and parameter in known:
            log.optimiser.state[parameter] = known[parameter]


def _batches(
    part: Part, size: int, orders: list[torch.Generator]
) -> Iterator[tuple[Tensor, Tensor]]:
    """An epoch: rows in an order of each replica's own."""
    rows = part.x.shape[1]
    order = torch.stack([torch.randperm(rows, generator=g) for g in orders]).to(part.x.device)
    replica = torch.arange(len(orders), device=part.x.device)[:, None]
    for chosen in order[:, : rows - rows % size].split(size, dim=1):
        yield part.x[replica, chosen], part.y[replica, chosen]


def _step(
    log: Log, task: TrainingTask, x: Tensor, y: Tensor, switches: Switches
) -> dict[str, Tensor]:
    """One training step."""
    if not switches.keep_gradients:
        log.optimiser.zero_grad()
    outputs = log.nets(x)
    if switches.keep_outputs:
        log.kept.append(outputs)
    if switches.loss_on_cpu:
        outputs, y = outputs.cpu(), y.cpu()
    losses = log.nets.each(task.loss, outputs, y)
    losses.sum().backward()
    gradient_norm = log.nets.gradient_norms()
    log.optimiser.step()
    return {
        "loss": losses.detach().to(x.device),
        "gradient_norm": gradient_norm,
        "parameter_norm": log.nets.parameter_norms(),
        "lr": torch.full_like(gradient_norm, log.optimiser.param_groups[0]["lr"]),
    }


def _evaluate(nets: Replicas, task: TrainingTask, switches: Switches) -> dict[str, Tensor]:
    """Validate as the loop does, then as it should be; the mode is what it was before."""
    training = nets.training
    # As it should be comes first: batch norm in train mode changes what it would see.
    nets.eval()
    true = {}
    for name, part in (
        ("true_train", task.train),
        ("true_val", task.val),
        ("production", task.production),
    ):
        true[f"{name}_loss"], true[f"{name}_score"] = evaluate(nets, task, part)
    nets.train(switches.evaluate_in_train_mode)
    loss, score = evaluate(nets, task, task.val)
    nets.train(training)
    return {"val_loss": loss, "val_score": score, **true}


def evaluate(nets: Replicas, task: TrainingTask, part: Part) -> tuple[Tensor, Tensor]:
    """Loss and score of each replica on a part, in the mode the networks are in.

    Dropout draws from a stream of its own, so that the training's goes on as if nothing had been.

    Returns:
        Both of shape (replicas,).
    """
    devices = [part.x.device] if part.x.is_cuda else []
    with torch.no_grad(), torch.random.fork_rng(devices):
        outputs = nets(part.x)
        loss = nets.each(task.loss, outputs, part.y)
        if task.classifies:
            return loss, (outputs.argmax(-1) == part.y).float().mean(-1)
        return loss, 1 - loss / part.y.var(dim=1, correction=0).mean(-1)


def _stacked(records: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    if not records:
        return {}
    return {name: torch.stack([record[name] for record in records]) for name in records[0]}
