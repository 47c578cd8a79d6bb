"""Is descent on the full batch slow and hungry for memory?

A perceptron is trained with plain gradient descent, on mini-batches of 32 or on all training rows
at once, until its loss on the training rows is below a bound. Each way takes the best of five
learning rates, since a larger batch allows a larger step; a rate with which the loss is no better
than chance after ten passes and a hundred updates is given up. Compared are the peak of a step,
weights and batch included, and the passes over the data. What is not learnt in 1,000 passes counts
as 1,000, which is then too few: the ratio is a lower bound, and how often that is so is shown.

Passes are what training costs in rows, not in seconds: a machine works on one large batch faster
than on the same rows in small ones. The verdict speaks for small classifiers on two real data sets
of 341 and 1,078 training rows. That nobody uses it is no matter for an experiment.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.libraries import functional, torch
from harness.meters import measured_memory
from harness.workloads import Split, load_split, mlp_for

if TYPE_CHECKING:
    from torch import Tensor, nn

MINI, BOUND, MOST_PASSES = 32, 0.05, 1000
#: A rate has so many passes and updates to do better than chance.
TRIAL_PASSES, TRIAL_UPDATES = 10, 100
#: In an order that costs little: one that has learnt bounds the passes of those that come after.
LEARNING_RATES = (0.3, 1.0, 3.0, 10.0, 0.1)

DATA = Factor("data", ("breast_cancer", "digits"), words={"breast_cancer": "breast cancer"})
BATCH = Factor(
    "batch",
    ("mini", "full"),
    control="mini",
    words={"mini": "mini-batches of 32", "full": "the full batch"},
)

CLAIMS = (
    Claim(
        "C0.10",
        Ratio("passes", BATCH),
        at_least(1.2),
        reading="Slow: with its best learning rate it takes at least a fifth more passes over the "
        f"data until the training loss is below {BOUND}.",
        headline={"data": "digits"},
    ),
    Claim(
        "C0.10",
        Ratio("peak", BATCH).always(),
        at_least(2.0),
        reading="Hungry for memory: the peak of a step, weights and batch included, is at least "
        "twice that of a mini-batch.",
    ),
    Beyond(
        "C0.10",
        Ratio("saved_per_row", BATCH).always(),
        equals(1.0, within=0.01),
        why="arithmetic: what is kept for backward is the same for each row",
        reading="What a step keeps for backward grows in proportion to the batch, to within 1 %.",
    ),
    Beyond(
        "C0.10",
        Value("learnt").at(batch="full").frequency(),
        at_least(0.5),
        why="whether the passes counted are all that it takes, or a lower bound",
        reading="It learns within 1,000 passes in at least half of the blocks.",
    ),
)


class Cell(NamedTuple):
    """What the arms of a block share."""

    block: Block
    splits: dict[str, Split]


def prepare(block: Block) -> Cell:
    """Split the data anew for every block."""
    return Cell(
        block,
        {
            "breast_cancer": load_split("breast_cancer", block.seed, block.device),
            "digits": load_split("digits", block.seed, block.device),
        },
    )


def measure(cell: Cell, arm: Arm) -> Responses:
    """Count what a step keeps, and the passes with the best learning rate."""
    split, seed = cell.splits[arm[DATA]], cell.block.seed
    rows = len(split.train_x) if arm[BATCH] == "full" else MINI
    fewest, best = MOST_PASSES, 0.0
    for lr in LEARNING_RATES:
        passes = passes_until_learnt(split, seed, rows, lr, most=fewest)
        if passes < fewest:
            fewest, best = passes, lr
    saved, peak = memory_of_a_step(split, seed, rows)
    return {
        "saved_per_row": saved / rows,
        "peak": peak / 1e3,
        "passes": float(fewest),
        "learnt": float(fewest < MOST_PASSES),
        "best_lr": best,
    }


def memory_of_a_step(split: Split, seed: int, rows: int) -> tuple[int, int]:
    """The bytes that a step on so many rows keeps for backward, beside what is there, and its peak.

    The peak includes parameters and rows.
    """

    def build() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
        return mlp_for(split, seed), (split.train_x[:rows].clone(), split.train_y[:rows].clone())

    def step(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
        functional.cross_entropy(model(batch[0]), batch[1]).backward()

    found = measured_memory(build, step, device=split.train_x.device.type)
    return found.saved_bytes, found.peak_bytes


def passes_until_learnt(split: Split, seed: int, rows: int, lr: float, most: int) -> int:
    """How many passes gradient descent takes, or ``most`` if it is not done before.

    Args:
        split: trained on its training part.
        seed: of the weights and of the order of the rows.
        rows: of a batch.
        lr: the learning rate.
        most: where to give up.
    """
    model = mlp_for(split, seed)
    optimiser = torch.optim.SGD(model.parameters(), lr=lr)
    order = torch.Generator().manual_seed(seed)
    x, y = split.train_x, split.train_y
    trial = max(TRIAL_PASSES, math.ceil(TRIAL_UPDATES * rows / len(x)))
    for done in range(1, most):
        for batch in torch.randperm(len(x), generator=order).to(x.device).split(rows):
            optimiser.zero_grad()
            functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimiser.step()
        with torch.no_grad():
            loss = functional.cross_entropy(model(x), y).item()
        if loss < BOUND:
            return done
        if not math.isfinite(loss) or (done >= trial and loss > math.log(split.classes)):
            return most
    return most


EXPERIMENT = Experiment(
    question="Is descent on the full batch slow and hungry for memory?",
    factors=(DATA, BATCH),
    blocks=PerProfile(1, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("saved_per_row", "B", "memory kept for backward for each row"),
        Response("peak", "kB", "peak of a step"),
        Response("passes", "passes", f"passes until the training loss is below {BOUND}"),
        Response("learnt", "yes/no", f"the training loss falls below {BOUND} in 1,000 passes"),
        Response("best_lr", "1", "learning rate that takes the fewest passes"),
    ),
    claims=CLAIMS,
)
