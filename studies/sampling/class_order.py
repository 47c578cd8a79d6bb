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
from studies.sampling.class_order_figures import lean_by_order, loss_by_order
from studies.sampling.classes import DIGITS, HALVES, PATTERNS, class_task
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
from studies.sampling.watching import Watch, accuracy, describe

TASK = Factor("task", (PATTERNS, HALVES, DIGITS))
PAIRS = (PATTERNS, HALVES)
OPTIMISER = Factor("optimiser", tuple(RATES), words={"momentum": "SGD with momentum"})
READ = Factor("read", (STORED, REVERSED, SHUFFLED, ONCE, INDEPENDENT))

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
    effort=PerProfile(2, 5, 5),  # epochs
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
