"""Is listing 4's validation loss the mean over rows?

The listing sums the losses of every batch and divides by the number of rows. A network is trained
for an epoch on the rows of listing 3, and that number, from batches of 64 (the last one has 24
rows) and from one batch of all 600, is compared with the mean over rows worked out in float64 from
the network's logits. The mean of the batches' means, which gives the rows of a short batch more
weight, shows that the comparison sees a difference; a loader that drops its short batch is shown
beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_most,
    more_than,
)
from harness.libraries import functional, nn, torch
from harness.workloads.six_strategies import BATCH, Rows, Strategy, draw_rows, fit, loader, network
from studies.listings.search import validation_loss

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCHES, ALL, DROPPED = "batches of 64", "one batch of all rows", "the short batch dropped"
LOADER = Factor("loader", (BATCHES, ALL, DROPPED))
SAME = 1e-6

CLAIMS = (
    Claim(
        "D-list4-3",
        Value("off").at(loader=(BATCHES, ALL)).always(),
        at_most(SAME),
        reading="The validation loss is the mean over rows, to 0.000001.",
        headline={"loader": BATCHES},
    ),
    Beyond(
        "D-list4-3",
        Value("off").at(loader=DROPPED).always(),
        at_most(SAME),
        why="a loader that leaves rows out, of which the listing does not speak",
    ),
    Control(
        "the mean of the batches' means is another number",
        Value("means_off").at(loader=BATCHES).always(),
        more_than(SAME),
    ),
)

RESPONSES = (
    Response("off", "nat", "distance of the validation loss from the mean over rows"),
    Response("means_off", "nat", "distance of the mean of batches' means from the mean over rows"),
)


class Cell(NamedTuple):
    """What the arms of a block share."""

    net: nn.Module
    held_out: Rows


def prepare(block: Block) -> Cell:  # noqa: ARG001 - torch's stream starts from its seed
    """A network after one epoch, and the rows held out."""
    train, held_out = draw_rows()
    net = network(Strategy())
    fit(net, loader(train, BATCH, shuffle=True), decay=0.0, epochs=1)
    return Cell(net, held_out)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Compare the listing's number with the mean over rows."""
    from torch.utils.data import DataLoader, TensorDataset

    rows = len(cell.held_out.y)
    batches = DataLoader(
        TensorDataset(*cell.held_out),
        batch_size=rows if arm[LOADER] == ALL else BATCH,
        drop_last=arm[LOADER] == DROPPED,
    )
    loss = validation_loss(cell.net, batches)
    with torch.no_grad():
        means = [functional.cross_entropy(cell.net(x), y).item() for x, y in batches]
        logits = cell.net(cell.held_out.x).double().numpy()
    mean = mean_over_rows(logits, cell.held_out.y.numpy())
    return {"off": abs(loss - mean), "means_off": abs(sum(means) / len(means) - mean)}


def mean_over_rows(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Cross-entropy by its definition.

    Args:
        logits: shape (rows, classes).
        labels: shape (rows,).
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return float(losses.mean())


EXPERIMENT: Experiment[Cell] = Experiment(
    question="Is listing 4's validation loss the mean over rows?",
    factors=(LOADER,),
    blocks=PerProfile(3, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
