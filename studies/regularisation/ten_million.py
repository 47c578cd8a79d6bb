"""Does a perceptron of ten million parameters generalise from 5,000 rows?

Rows are generated as the document's third listing generates its own: 50 normal features, of which
the first ten decide on one of four classes. A perceptron of two hidden layers, with no regulariser,
is trained by Adam on 5,000 of them until it has all but learnt them by heart, and tested on 2,000
fresh ones. That it "cheats" is read as the gap that the document itself calls over-fitting: ten
points or more between the accuracies on training and on test rows. Beside it stands a network of
about 8,000 parameters, for the claim names the number of parameters as the reason.

A network takes a quarter of a minute on one core, so that there are eight blocks, as few as a 99 %
interval can be made of. Real text, and labels of which a fifth is wrong, are asked in
``ten_million_lines``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Unmeasurable,
    Value,
    at_least,
)
from harness.libraries import functional, nn, torch
from harness.workloads import mlp

if TYPE_CHECKING:
    from torch import Tensor

FEATURES, INFORMATIVE, CLASSES = 50, 10, 4
FRESH, BATCH, EPOCHS = 2000, 250, 5
LARGE, SMALL = "10 million parameters", "8,000 parameters"
WIDTHS = {LARGE: 3150, SMALL: 64}
SIZE = Factor("size", tuple(WIDTHS), control=SMALL)
#: The small network needs more passes to learn as much.
PASSES = {LARGE: 1, SMALL: 20}

CHEATS = (
    "It cheats and does not generalise: its accuracy on the training rows is at least ten points "
    "above that on fresh rows, the gap that the document calls over-fitting."
)
STORY = (
    "a gap of 31 points or more (98 % against 67 %) by over-fitting alone: that there can be one, "
    "where the passage tells a story"
)

CLAIMS = (
    Claim("D-intro-3", Value("gap").at(size=LARGE), at_least(10.0), CHEATS, headline=True),
    Beyond(
        "D-intro-3",
        Difference("fresh", SIZE),
        at_least(-2.0),
        why="the distance to a small network, which the passage does not make",
        reading="It generalises no worse than a small network: its accuracy on fresh rows is at "
        "most two points lower.",
    ),
    Beyond("D-intro-1", Value("gap").at(size=LARGE), at_least(31.0), why=STORY),
    Unmeasurable(
        "D-intro-1",
        needs="records of models in the field",
        why="How often a production model hits 98 % in training and 67 % on real data is no "
        "property of PyTorch; a gap by over-fitting alone is shown beside.",
    ),
)


class Rows(NamedTuple):
    """Features and classes."""

    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Problem:
    """Rows to train on, fresh rows, and for how many epochs."""

    train: Rows
    fresh: Rows
    epochs: int
    seed: int


def prepare(block: Block) -> Problem:
    """Generate rows; ``block.effort`` is how many thousand to train on."""
    stream = torch.Generator().manual_seed(block.seed)
    truth = torch.zeros(FEATURES, CLASSES)
    truth[:INFORMATIVE] = torch.randn(INFORMATIVE, CLASSES, generator=stream)

    def draw(count: int) -> Rows:
        x = torch.randn(count, FEATURES, generator=stream)
        return Rows(x.to(block.device), (x @ truth).argmax(dim=1).to(block.device))

    epochs = EPOCHS if block.effort > 1 else 2
    return Problem(draw(1000 * block.effort), draw(FRESH), epochs, block.seed)


def measure(problem: Problem, arm: Arm) -> Responses:
    """Train one network, and compare its two accuracies."""
    torch.manual_seed(problem.seed)
    net = mlp(FEATURES, CLASSES, hidden=WIDTHS[arm[SIZE]]).to(problem.train.x.device)
    train(net, problem, problem.epochs * PASSES[arm[SIZE]])
    seen, fresh = (100 * accuracy(net, rows) for rows in (problem.train, problem.fresh))
    return {"seen": seen, "fresh": fresh, "gap": seen - fresh}


def train(net: nn.Module, problem: Problem, epochs: int) -> None:
    """Train in batches, by Adam without any regulariser."""
    stream = torch.Generator().manual_seed(problem.seed)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    net.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(problem.train.x), generator=stream).split(BATCH):
            optimiser.zero_grad()
            outputs = net(problem.train.x[rows])
            functional.cross_entropy(outputs, problem.train.y[rows]).backward()
            optimiser.step()


def accuracy(net: nn.Module, rows: Rows) -> float:
    """The share of rows classified right in eval mode."""
    net.eval()
    with torch.no_grad():
        hits = net(rows.x).argmax(dim=1) == rows.y
    return float(hits.double().mean())


EXPERIMENT: Experiment[Problem] = Experiment(
    question="Does a perceptron of ten million parameters generalise from 5,000 rows?",
    factors=(SIZE,),
    responses=(
        Response("seen", "%", "accuracy on the training rows"),
        Response("fresh", "points", "accuracy on fresh rows"),
        Response("gap", "points", "accuracy on the training rows less that on fresh rows"),
    ),
    blocks=PerProfile(1, 8, 10),
    effort=PerProfile(1, 5, 5),  # thousand rows
    prepare=prepare,
    measure=measure,
    claims=CLAIMS,
)
