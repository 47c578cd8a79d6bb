"""Does training gain from a new permutation before every batch?

C2.09 calls that wasteful and unnecessary; this is the second half. A perceptron is trained on
10,000 images, the chapter's size, in batches of 32 for three epochs: on the slices of one
permutation an epoch, and on the beginning of a new permutation before every batch, from the same
weights and for as many steps. Nothing is gained where new images are recognised as often, within 1
point, and with the same loss, within 5 %: both, in one setting. A new permutation each time also
changes which images are seen: some never, some several times, as in draws with replacement, which
stand beside. What a permutation costs is asked in ``reshuffling_cost``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    between,
    equals,
)
from harness.libraries import functional, torch
from harness.workloads.tasks import Part
from studies.sampling.classes import PIXELS, ClassTask, network, patterns
from studies.sampling.orders import INDEPENDENT, SHUFFLED, batches_in_order, train

if TYPE_CHECKING:
    from torch import Tensor

ROWS, BATCH, NEW = 10_000, 32, 10_000
TWO, TEN = "two patterns", "ten patterns"
EACH_BATCH = "before every batch"
TASK = Factor("task", (TWO, TEN))
SHUFFLE = Factor(
    "shuffle",
    (SHUFFLED, EACH_BATCH, INDEPENDENT),
    control=SHUFFLED,
    words={SHUFFLED: "once an epoch", EACH_BATCH: "a new permutation before every batch"},
)

ALIKE = "as often right, with the same loss"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C2.09",
        Difference("accuracy", SHUFFLE).at(shuffle=EACH_BATCH),
        equals(0.0, within=0.01),
        reading="Unnecessary: with a new permutation before every batch new images are recognised "
        "as often as with one an epoch, within 1 point.",
        jointly=ALIKE,
        half="unnecessary",
    ),
    Claim(
        "C2.09",
        Ratio("loss", SHUFFLE).at(shuffle=EACH_BATCH),
        between(0.95, 1.05),
        reading="Unnecessary: with a new permutation before every batch the loss on new images is "
        "that with one an epoch, within 5 %.",
        jointly=ALIKE,
        half="unnecessary",
    ),
    Beyond(
        "C2.09",
        Difference("accuracy", SHUFFLE).at(shuffle=INDEPENDENT),
        equals(0.0, within=0.01),
        why="independent draws with replacement",
    ),
    Control("the networks learn", Value("accuracy"), at_least(0.6)),
)


@dataclass(frozen=True)
class Cell:
    """How many epochs to train, and on what."""

    epochs: int
    tasks: dict[str, ClassTask]


def prepare(blocks: tuple[Block, ...]) -> Cell:
    """Both sets, with a network for each block; ``effort`` is the number of epochs."""
    return Cell(blocks[0].effort, {name: task_of(name, blocks) for name in TASK.levels})


def task_of(name: str, blocks: tuple[Block, ...]) -> ClassTask:
    """A set of 10,000 images of two or ten patterns, stored class by class."""
    seen, new = (
        Part(*(torch.stack(side).to(blocks[0].device) for side in zip(*drawn, strict=True)))
        for drawn in (
            [images(name, rows, block.seed, stream) for block in blocks]
            for rows, stream in ((ROWS, 0), (NEW, 1))
        )
    )
    networks = tuple(network(block, 10 if name == TEN else 2) for block in blocks)
    return ClassTask(networks, seen, new, BATCH, tuple(block.seed for block in blocks))


def images(name: str, rows: int, seed: int, stream: int) -> tuple[Tensor, Tensor]:
    """Noisy images of two patterns, told apart four times in five at best, or of ten."""
    if name == TWO:
        return patterns((rows // 2, rows // 2), 0.8, seed, stream)
    of_class = torch.randn(10, PIXELS, generator=torch.Generator().manual_seed(seed))
    of_class *= 2.5 / of_class.norm(dim=1, keepdim=True)
    noise = torch.Generator().manual_seed((seed + 7919 * (stream + 1)) % 2**63)
    y = torch.arange(10).repeat_interleave(rows // 10)
    return of_class[y] + torch.randn(rows, PIXELS, generator=noise), y


def measure(cell: Cell, arm: Arm) -> Sequence[Responses]:
    """Train for some epochs, and try the networks on new images."""
    task = cell.tasks[arm[TASK]]
    if arm[SHUFFLE] == EACH_BATCH:
        batches = beginnings(task, cell.epochs)
    else:
        batches = batches_in_order(task, arm[SHUFFLE], cell.epochs)
    nets, _ = train(task, batches, "Adam")
    with torch.no_grad():
        outputs = nets(task.val.x)
        losses = nets.each(functional.cross_entropy, outputs, task.val.y)
        right = (outputs.argmax(-1) == task.val.y).double().mean(1)
    return [
        {"accuracy": each, "loss": loss}
        for each, loss in zip(right.tolist(), losses.tolist(), strict=True)
    ]


def beginnings(task: ClassTask, epochs: int) -> Tensor:
    """The first rows of a new permutation for every batch; shape (steps, replicas, batch)."""
    rows, streams = task.train.x.shape[1], [torch.Generator().manual_seed(s) for s in task.seeds]
    drawn = [
        torch.stack([torch.randperm(rows, generator=stream)[: task.batch] for stream in streams])
        for _ in range(epochs * task.steps)
    ]
    return torch.stack(drawn).to(task.train.x.device)


EXPERIMENT: Experiment[Cell] = Experiment(
    question="Does training gain from a new permutation before every batch?",
    factors=(TASK, SHUFFLE),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(1, 3, 3),  # epochs
    prepare_together=prepare,
    measure_together=measure,
    responses=(
        Response("accuracy", "1", "accuracy on new images"),
        Response("loss", "nat", "loss on new images"),
    ),
    claims=CLAIMS,
)
