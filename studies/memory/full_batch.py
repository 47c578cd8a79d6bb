"""Is descent on the full batch slow and hungry for memory?

A perceptron is trained with plain gradient descent, on mini-batches of 32 or on all training rows
at once, until its loss on the training rows is below a bound. Each way takes the best of five
learning rates, since a larger batch allows a larger step; a rate with which the loss is no better
than chance after ten passes is given up. Compared are the bytes that a step keeps for backward, and
the passes over the data; what is not learnt in 150 passes counts as 150.

Passes are what training costs in rows, not in seconds: a machine works on one large batch faster
than on the same rows in small ones. The verdict speaks for small classifiers on two real data sets.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from harness import (
    Arm,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    at_least,
    equals,
)
from harness.libraries import functional, torch
from harness.meters import saved_tensors
from harness.workloads import Split, load_split, mlp_for

MINI, BOUND, MOST_PASSES, TRIAL_PASSES = 32, 0.05, 150, 10
#: The greatest first: whoever has learnt soon bounds the passes of those that come after.
LEARNING_RATES = (10.0, 3.0, 1.0, 0.3, 0.1)

DATA = Factor("data", ("breast_cancer", "digits"))
BATCH = Factor("batch", ("mini", "full"), control="mini")

CLAIMS = (
    Claim(
        "C0.10",
        Ratio("saved_per_row", BATCH).always(),
        equals(1.0, within=0.01),
        reading="Hungry for memory: what a step keeps for backward grows with the batch, from 32 "
        "to all rows, to within 1 % of proportion.",
    ),
    Claim(
        "C0.10",
        Ratio("passes", BATCH),
        at_least(2.0),
        reading="Slow: with its best learning rate it takes at least twice as many passes over the "
        f"data until the training loss is below {BOUND}.",
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
    return {
        "saved_per_row": saved_in_a_step(split, seed, rows) / rows,
        "passes": float(fewest),
        "best_lr": best,
    }


def saved_in_a_step(split: Split, seed: int, rows: int) -> int:
    """The bytes that a step on so many rows keeps for backward, beside the parameters and rows."""
    model = mlp_for(split, seed)
    x, y = split.train_x[:rows], split.train_y[:rows]
    with saved_tensors([*model.parameters(), x, y]) as saved:
        functional.cross_entropy(model(x), y).backward()
    return saved.bytes


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
    for done in range(1, most):
        for batch in torch.randperm(len(x), generator=order).to(x.device).split(rows):
            optimiser.zero_grad()
            functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimiser.step()
        with torch.no_grad():
            loss = functional.cross_entropy(model(x), y).item()
        if loss < BOUND:
            return done
        if not math.isfinite(loss) or (done >= TRIAL_PASSES and loss > math.log(split.classes)):
            return most
    return most


EXPERIMENT = Experiment(
    question="Is descent on the full batch slow and hungry for memory?",
    factors=(DATA, BATCH),
    blocks=PerProfile(1, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=(
        Response("saved_per_row", "B", "saved per row"),
        Response("passes", "passes", "passes"),
        Response("best_lr", "1", "best lr"),
    ),
    claims=CLAIMS,
)
