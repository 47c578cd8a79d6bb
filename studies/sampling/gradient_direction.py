"""Do shuffled batches point nearer to the direction of the full gradient?

At one and the same weights the gradient of a batch is compared with that of the whole training
set, by the cosine of the angle between them: for batches cut class by class from the set as it is
stored, and for batches of as many rows cut from a shuffled one. The weights are those of the start
and after one and three epochs of Adam, reached in shuffled order or class by class, since whoever
does not shuffle meets the latter. After ten epochs the full gradient is small, and most of a
batch's gradient is its own: that is shown beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.figures import BLUE, ORANGE, draw_blocks, told
from harness.libraries import functional, torch
from studies.sampling.classes import DIGITS, HALVES, PATTERNS, class_task
from studies.sampling.orders import SHUFFLED, STORED, batches_in_order, train

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

    from harness.workloads import Replicas
    from studies.sampling.classes import ClassTask

TASK = Factor("task", (PATTERNS, HALVES, DIGITS))
PATH = Factor(
    "path",
    (SHUFFLED, STORED),
    words={SHUFFLED: "trained shuffled", STORED: "trained class by class"},
)
EPOCHS = Factor(
    "epochs",
    (0, 1, 3, 10),
    words={0: "at the start", 1: "after one epoch", 3: "after 3 epochs", 10: "after 10 epochs"},
)
EARLY, LATE = (0, 1, 3), 10
WHOLE = "the whole set"
CUT = Factor(
    "cut",
    (STORED, SHUFFLED, WHOLE),
    control=STORED,
    words={STORED: "batches cut class by class", SHUFFLED: "shuffled batches"},
)
BATCHES, CLOSER = 50, 0.1  # batches of an arm; by so much the cosine is larger

CLOSENESS = Difference("cosine", CUT).at(cut=SHUFFLED)
CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C2.04",
        CLOSENESS.at(epochs=EARLY),
        at_least(CLOSER),
        reading="A more representative direction: at the same weights the cosine between the "
        "gradient of a batch and that of the whole set is larger by 0.1 for shuffled batches.",
        headline={"task": DIGITS, "path": SHUFFLED, "epochs": 1},
    ),
    Beyond(
        "C2.04",
        CLOSENESS.at(epochs=LATE),
        at_least(CLOSER),
        why="after ten epochs, when the full gradient is small",
    ),
    Control(
        "the gradient of the whole set points where it points",
        Value("cosine").at(cut=WHOLE),
        equals(1.0, within=1e-4),
    ),
)


@dataclass(frozen=True)
class Trained:
    """The blocks, their tasks, and the networks' weights by task, path and epoch."""

    blocks: tuple[Block, ...]
    tasks: dict[str, ClassTask]
    weights: dict[tuple[str, str, int], list[Tensor]]


def prepare(blocks: tuple[Block, ...]) -> Trained:
    """Train on every set both ways, and keep the weights on the way."""
    tasks = {name: class_task(name, blocks) for name in TASK.levels}
    weights = {
        (name, path, epoch): kept
        for name, task in tasks.items()
        for path in PATH.levels
        for epoch, kept in weights_on_the_way(task, path).items()
    }
    return Trained(blocks, tasks, weights)


def weights_on_the_way(task: ClassTask, path: str) -> dict[int, list[Tensor]]:
    """The weights after so many epochs, those of all replicas in each tensor."""
    kept: dict[int, list[Tensor]] = {}

    def keep(step: int, nets: Replicas) -> None:
        epoch, rest = divmod(step, task.steps)
        if not rest and epoch in EPOCHS.levels:
            kept[epoch] = [p.detach().clone() for p in nets.parameters()]

    keep(0, stacked(task))
    epochs = LATE if path == SHUFFLED else max(EARLY)
    train(task, batches_in_order(task, path, epochs), "Adam", keep)
    return kept


def stacked(task: ClassTask) -> Replicas:
    """The task's networks as they are at the start, without a gradient."""
    from harness.workloads import Replicas as Stack

    return Stack(task.networks)


def measure(trained: Trained, arm: Arm) -> Sequence[Responses]:
    """Compare batches of an epoch, evenly spaced, with the whole set."""
    task = trained.tasks[arm[TASK]]
    nets = stacked(task)
    with torch.no_grad():
        at = trained.weights[arm[TASK], arm[PATH], arm[EPOCHS]]
        for parameter, value in zip(nets.parameters(), at, strict=True):
            parameter.copy_(value)
    everything = torch.arange(task.train.x.shape[1], device=task.train.x.device)
    everything = everything.expand(nets.count, -1)
    whole = gradients(nets, task, everything)
    if arm[CUT] == WHOLE:
        chosen = everything[None]
    else:
        batches = batches_in_order(task, arm[CUT], 1)
        spaced = np.linspace(0, len(batches) - 1, BATCHES).round().astype(int)
        chosen = batches[spaced.tolist()]
    cosines = [
        functional.cosine_similarity(gradients(nets, task, rows), whole, dim=1) for rows in chosen
    ]
    return [{"cosine": value} for value in torch.stack(cosines).mean(0).tolist()]


def gradients(nets: Replicas, task: ClassTask, rows: Tensor) -> Tensor:
    """The gradient of each replica on some of its rows; shape (replicas, weights)."""
    replica = torch.arange(nets.count, device=rows.device)[:, None]
    outputs = nets(task.train.x[replica, rows])
    losses = nets.each(functional.cross_entropy, outputs, task.train.y[replica, rows])
    found = torch.autograd.grad(losses.sum(), list(nets.parameters()))
    return torch.cat([each.flatten(1) for each in found], dim=1)


def cosine_by_epoch(table: pd.DataFrame) -> Figure:
    """The cosine of both kinds of batches, for each set and epoch, trained shuffled."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, len(TASK.levels), sharey=True)
    for axes, task in zip(panels, TASK.levels, strict=True):
        for cut, colour, shift in ((SHUFFLED, BLUE, 0.15), (STORED, ORANGE, -0.15)):
            for place, epochs in enumerate(EPOCHS.levels):
                found = _cosines(table, task, epochs, cut)
                label = CUT.say(cut) if place == 0 else None
                draw_blocks(axes, place + shift, found, colour=colour, width=0.08, label=label)
        axes.set_title(task, fontsize=18)
        axes.set_xticks(range(len(EPOCHS.levels)), [str(each) for each in EPOCHS.levels])
        axes.set_xlabel("epochs trained")
    panels[0].set_ylabel("cosine with the full gradient")
    panels[0].set_ylim(top=1.02)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    after = {cut: _cosines(table, DIGITS, 1, cut) for cut in (SHUFFLED, STORED)}
    figure.suptitle(
        f"After an epoch a shuffled batch's gradient has a cosine of {told(after[SHUFFLED])}\n"
        f"with the full gradient, one cut class by class {told(after[STORED])} (ten digits;\n"
        f"trained shuffled; dots: n = {table['block'].nunique()} trainings, CPU)",
        fontsize=19,
    )
    return figure


def _cosines(table: pd.DataFrame, task: str, epochs: int, cut: str) -> NDArray[np.float64]:
    mine = table[(table["task"] == task) & (table["epochs"] == epochs) & (table["cut"] == cut)]
    return mine[mine["path"] == SHUFFLED]["value"].to_numpy(np.float64)


def in_the_design(arm: Arm) -> bool:
    """At the start both paths are one, and only one is followed to the end."""
    return arm[PATH] == SHUFFLED or arm[EPOCHS] in (1, 3)


EXPERIMENT: Experiment[Trained] = Experiment(
    question="Do shuffled batches point nearer to the direction of the full gradient?",
    factors=(TASK, PATH, EPOCHS, CUT),
    only=in_the_design,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    prepare_together=prepare,
    measure_together=measure,
    responses=(Response("cosine", "1", "cosine between a batch's gradient and the full one"),),
    claims=CLAIMS,
    figures=(cosine_by_epoch,),
)
