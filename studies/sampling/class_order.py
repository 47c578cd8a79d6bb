"""What does it do to training when classes come one after the other?

Small perceptrons are trained on sets that are stored class by class (``classes``): read as they are
stored in every epoch, or shuffled; with SGD, SGD with momentum and Adam, for as many epochs. A
network without a state cannot learn that dogs follow cats; what it can take from the order is what
came last. So after each run of one class it is asked of held-out images, half of which are of
either class, how many it takes for the class just shown.

Wild is a loss that jumps, where the class changes, by twice the range that the batches of a
shuffled epoch have at all; without the first epoch, in which the losses of both fall most, that is
shown beside. Smoother is a shuffled epoch whose batches range over 20 % less, from the second epoch
on. Faster is one that is at half of the loss of knowing nothing after 20 % fewer steps, measured on
a sample of the training images every five steps: the first time counts, however soon the loss rises
again, which favours the order of classes.

C9.07 advises shuffling for training, which is what C2.05 claims it does: they share these
conditions. What it advises for evaluation is in ``evaluation_order``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    between,
    equals,
)
from harness.libraries import functional, torch
from studies.sampling.class_order_figures import lean_by_order, loss_by_order
from studies.sampling.classes import BLOCK, DIGITS, HALVES, PATTERNS, class_task, half_of_chance
from studies.sampling.orders import (
    INDEPENDENT,
    ONCE,
    RATES,
    REVERSED,
    SHUFFLED,
    STORED,
    batches_in_order,
    train,
)

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads import Replicas
    from studies.sampling.classes import ClassTask

TASK = Factor("task", (PATTERNS, HALVES, DIGITS))
PAIRS = (PATTERNS, HALVES)
OPTIMISER = Factor("optimiser", tuple(RATES), words={"momentum": "SGD with momentum"})
READ = Factor("read", (STORED, REVERSED, SHUFFLED, ONCE, INDEPENDENT))

EVERY, SAMPLE = 5, 320  # steps between two looks at the training loss, and at how many images
LEANS, WILD, LESS = 0.2, 2.0, 0.8

SWING, RANGE, SOONER = (
    Ratio("swing", READ).at(read=STORED).against(SHUFFLED),
    Ratio("range_of_losses", READ).at(read=SHUFFLED).against(STORED),
    Ratio("steps_to_half", READ).at(read=SHUFFLED).against(STORED),
)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C2.01",
        Value("lean").at(read=STORED, task=PAIRS),
        at_least(LEANS),
        reading="Overfits to what it sees: after a run of one class the network takes 20 points "
        "more of the held-out images for it than are of it.",
        headline={"task": PATTERNS, "optimiser": "Adam"},
    ),
    Beyond(
        "C2.01",
        Value("lean").at(read=REVERSED, task=PAIRS),
        at_least(LEANS),
        why="the other order of the two classes, which tells what came last from what is learnt",
    ),
    Claim(
        "C2.02",
        SWING.at(task=PAIRS),
        at_least(WILD),
        reading="Oscillates wildly: where the class changes the loss of a batch jumps by twice "
        "the range of a shuffled epoch's losses or more.",
        headline={"task": PATTERNS, "optimiser": "Adam"},
    ),
    Beyond(
        "C2.02", SWING.at(task=DIGITS), at_least(WILD), why="ten classes, each for seven batches"
    ),
    Beyond(
        "C2.02",
        Ratio("late_swing", READ).at(read=STORED, task=PAIRS).against(SHUFFLED),
        at_least(WILD),
        why="without the first hundred batches, of which the passage speaks",
    ),
    *(
        Claim(
            claim,
            contrast,
            at_most(LESS),
            reading=reading,
            headline={"task": DIGITS, "optimiser": "Adam"} if contrast is SOONER else False,
        )
        for claim in ("C2.05", "C9.07")
        for contrast, reading in (
            (
                RANGE,
                (
                    "Smoother: the losses of a shuffled epoch's batches range over 20 % less than "
                    "those of an epoch class by class."
                ),
            ),
            (
                SOONER,
                (
                    "Faster: shuffled, training needs 20 % fewer steps to half of the loss of a "
                    "network that knows nothing."
                ),
            ),
        )
    ),
    *(
        Beyond(
            claim,
            Difference("accuracy", READ).at(read=SHUFFLED).against(STORED),
            at_least(0.01),
            why="the accuracy at the end, which is neither smooth nor fast",
            reading="Held-out accuracy after the last epoch is higher by 1 point.",
        )
        for claim in ("C2.05", "C9.07")
    ),
    *(
        Beyond(
            "C2.05",
            Ratio("steps_to_half", READ).at(read=read).against(STORED),
            at_most(LESS),
            why=why,
        )
        for read, why in (
            (ONCE, "shuffled once, before the first epoch"),
            (INDEPENDENT, "drawn with replacement"),
        )
    ),
    Beyond(
        "C9.07",
        Ratio("steps_to_half", READ).at(read=SHUFFLED).against(ONCE),
        at_most(LESS),
        why="data that lie in a random order already",
    ),
    Control(
        "shuffled, a network leans to neither class",
        Value("lean").at(read=SHUFFLED, task=PAIRS),
        between(-LEANS / 2, LEANS / 2),
    ),
    Control(
        "shuffled, training gets to half of the loss",
        Value("reached").at(read=SHUFFLED).always(),
        equals(1),
    ),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train ``effort`` epochs in the arm's order."""
    task = class_task(arm[TASK], blocks)
    batches = batches_in_order(task, arm[READ], blocks[0].effort)
    watch = Watch(task, first=1 if arm[READ] == REVERSED else 0)
    nets, losses = train(task, batches, arm[OPTIMISER], watch)
    found = describe(task, batches, losses, watch, stored=arm[READ] in (STORED, REVERSED))
    found["accuracy"] = accuracy(nets, task)
    drawn = arm[TASK] == PATTERNS and arm[OPTIMISER] == "Adam" and arm[READ] in (STORED, SHUFFLED)
    return [
        {
            **{name: float(value[place]) for name, value in found.items()},
            "batch_loss": losses[:, place].tolist() if drawn else [float("nan")],
        }
        for place in range(len(blocks))
    ]


class Watch:
    """Looks at the networks during training: the loss on a sample, and what they lean to.

    Attributes:
        losses: on the sample, every five steps; each of shape (replicas,).
        leans: after each run of one class, the share of held-out images taken for the class of that
            run, less the half that are of it.
    """

    def __init__(self, task: ClassTask, first: int = 0) -> None:
        """``first`` is the class that an epoch begins with."""
        self.task, self.first = task, first
        self.losses: list[Tensor] = []
        self.leans: list[Tensor] = []
        every = max(1, task.train.x.shape[1] // SAMPLE)  # of rows stored by class: a fair sample
        self.x, self.y = task.train.x[:, ::every], task.train.y[:, ::every]

    def __call__(self, step: int, nets: Replicas) -> None:
        """Look, after so many steps."""
        with torch.no_grad():
            if step % EVERY == 0:
                self.losses.append(nets.each(functional.cross_entropy, nets(self.x), self.y))
            if step % BLOCK == 0 and self.task.steps == 2 * BLOCK:
                shown = 1 - self.first if step % (2 * BLOCK) == 0 else self.first
                taken = (nets(self.task.val.x).argmax(-1) == shown).float().mean(1)
                self.leans.append(taken - 0.5)


def describe(
    task: ClassTask, batches: Tensor, losses: Tensor, watch: Watch, *, stored: bool
) -> dict[str, Tensor]:
    """What of a training is judged; each of shape (replicas,).

    Args:
        task: trained on.
        batches: the rows of every batch, shape (steps, replicas, batch).
        losses: of every batch, shape (steps, replicas).
        watch: what was seen on the way.
        stored: whether the classes came one after the other.
    """
    by_epoch = losses.view(-1, task.steps, losses.shape[1])
    ranges = by_epoch.amax(1) - by_epoch.amin(1)
    late = ranges[1:].mean(0)
    nothing = torch.full_like(late, float("nan"))
    replica = torch.arange(len(late), device=batches.device)[:, None]
    classes = task.train.y[replica, batches].mode(-1).values
    levels = torch.stack(watch.losses) <= half_of_chance(int(task.val.y.max()) + 1)
    reached = levels.any(0)
    first = (levels.float().argmax(0) + 1) * EVERY
    # What is never reached counts as if it were at the next look: a lower bound.
    return {
        "lean": torch.stack(watch.leans).mean(0) if watch.leans else nothing,
        "swing": jumps(classes, losses) if stored else ranges.mean(0),
        "late_swing": jumps(classes[task.steps - 1 :], losses[task.steps - 1 :])
        if stored
        else late,
        "range_of_losses": late,
        "reached": reached.float(),
        "steps_to_half": torch.where(reached, first, (len(levels) + 1) * EVERY),
    }


def jumps(classes: Tensor, losses: Tensor) -> Tensor:
    """The mean jump of the loss from one batch to the next where the class changes.

    Args:
        classes: the most frequent class of every batch, shape (steps, replicas).
        losses: of every batch, shape (steps, replicas).
    """
    changes = classes[1:] != classes[:-1]
    return ((losses[1:] - losses[:-1]) * changes).sum(0) / changes.sum(0)


def accuracy(nets: Replicas, task: ClassTask) -> Tensor:
    """Of each replica on its held-out images."""
    with torch.no_grad():
        return (nets(task.val.x).argmax(-1) == task.val.y).float().mean(1)


def in_the_design(arm: Arm) -> bool:
    """What is shown beside is tried without momentum, and reversed with two classes."""
    beside = arm[READ] not in (STORED, SHUFFLED)
    if beside and arm[OPTIMISER] == "momentum":
        return False
    return arm[READ] != REVERSED or arm[TASK] in PAIRS


EXPERIMENT: Experiment[tuple[Block, ...]] = Experiment(
    question="What does it do to training when classes come one after the other?",
    factors=(TASK, OPTIMISER, READ),
    only=in_the_design,
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(2, 5, 10),  # epochs
    measure_together=measure,
    responses=(
        Response(
            "lean",
            "1",
            "share of held-out images taken for the class just shown, less the share that is",
        ),
        Response(
            "swing",
            "nat",
            "swing of a batch's loss (class by class: the jump at a change of class; else the "
            "range of an epoch)",
        ),
        Response("late_swing", "nat", "swing of a batch's loss from the second epoch on"),
        Response(
            "range_of_losses", "nat", "range of an epoch's batch losses, from the second epoch on"
        ),
        Response(
            "steps_to_half", "steps", "steps to half of the loss of a network that knows nothing"
        ),
        Response("reached", "yes/no", "training gets to half of the loss of knowing nothing"),
        Response("accuracy", "1", "accuracy on held-out images at the end"),
        Response("batch_loss", "nat", "loss of every batch"),
    ),
    claims=CLAIMS,
    figures=(loss_by_order, lean_by_order),
)
