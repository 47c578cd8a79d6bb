"""Does a text classifier of ten million parameters generalise from 5,000 lines?

Real rows: lines of the standard library's source code, of eight packages, and the question which
package a line is from. The classifier is the usual bag of words and pairs of words, hashed into
65,536 places of 153 numbers each, their mean and a linear read-out: 10.03 million parameters, most
of them in a table, as in the large models of language. It is trained without any regulariser on 625
lines of each package, once with the labels as they are and once with a fifth of them wrong, and
tested on lines that it has not seen, with their true labels. The rule is that of ``ten_million``: a
gap of ten points or more between the accuracies on training and on test rows.

Lines of one file resemble each other, so that a test line may well have a near twin among those
trained on: that makes the gap smaller than between files.
"""

from __future__ import annotations

import re
import sysconfig
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
)
from harness.figures import BLUE, ORANGE, draw_blocks, told
from harness.libraries import functional, nn, torch
from harness.workloads.texts import AREAS
from studies.regularisation.ten_million import CHEATS, STORY

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

    from harness.workloads.deep_nets import BagOfWords

PLACES, WIDTH = 65_536, 153
TRAIN, TEST = 625, 175  # lines of each package
FEWEST_WORDS = 4
BATCH, EPOCHS, RATE = 500, 10, 0.01
RIGHT, FIFTH_WRONG = "labels as they are", "a fifth of the labels wrong"
WRONG = {RIGHT: 0.0, FIFTH_WRONG: 0.2}
LABELS = Factor("labels", tuple(WRONG))

CLAIMS = (
    Claim("D-intro-3", Value("gap"), at_least(10.0), CHEATS),
    Beyond("D-intro-1", Value("gap"), at_least(31.0), why=STORY),
)


@lru_cache(maxsize=1)
def lines_of_packages() -> tuple[tuple[str, ...], ...]:
    """For each package its lines of four words or more, each once, and none of two packages."""
    root = Path(sysconfig.get_path("stdlib"))
    found = [dict.fromkeys(_lines(root / area)) for area in AREAS]
    seen: dict[str, int] = {}
    for lines in found:
        for line in lines:
            seen[line] = seen.get(line, 0) + 1
    return tuple(tuple(line for line in lines if seen[line] == 1) for lines in found)


def _lines(package: Path) -> list[str]:
    files = sorted(package.rglob("*.py"))
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in files]
    lines = [" ".join(line.split()) for text in texts for line in text.splitlines()]
    return [line for line in lines if len(line.split()) >= FEWEST_WORDS]


def tokens(line: str) -> list[int]:
    """The places of a line's words and of its pairs of neighbours."""
    words = re.findall(r"\w+|[^\w\s]", line)
    pairs = [" ".join(pair) for pair in pairwise(words)]
    return [zlib.crc32(each.encode()) % PLACES for each in (*words, *pairs)]


class Lines:
    """Lines as their places, with their packages."""

    def __init__(self, lines: Sequence[str], labels: Tensor) -> None:
        self.places = [torch.tensor(tokens(line)) for line in lines]
        self.labels = labels

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Places of all lines in a row, where each begins, and labels."""
        chosen = [self.places[row] for row in rows.tolist()]
        lengths = torch.tensor([len(each) for each in chosen])
        return torch.cat(chosen), lengths.cumsum(0) - lengths, self.labels[rows]


@dataclass(frozen=True)
class Problem:
    """Lines to train on and to test with, and for how many epochs."""

    train: Lines
    test: Lines
    epochs: int
    seed: int


def prepare(block: Block) -> Problem:
    """Draw lines; ``block.effort`` is percent of them, and of the epochs."""
    rng = np.random.default_rng(block.seed)
    train_on, test_on = (max(5, count * block.effort // 100) for count in (TRAIN, TEST))
    train: list[str] = []
    test: list[str] = []
    for lines in lines_of_packages():
        drawn = [lines[at] for at in rng.permutation(len(lines))[: train_on + test_on]]
        train += drawn[:train_on]
        test += drawn[train_on:]
    labels = [torch.arange(len(AREAS)).repeat_interleave(count) for count in (train_on, test_on)]
    epochs = max(1, EPOCHS * block.effort // 100)
    return Problem(Lines(train, labels[0]), Lines(test, labels[1]), epochs, block.seed)


def measure(problem: Problem, arm: Arm) -> Responses:
    """Train, and compare accuracies on the labels trained on and on those of fresh lines."""
    torch.manual_seed(problem.seed)
    labels = with_wrong(problem.train.labels, WRONG[arm[LABELS]], problem.seed)
    from harness.workloads.deep_nets import BagOfWords  # a class of torch's, which loads it

    net = BagOfWords(PLACES, WIDTH, len(AREAS))
    train(net, problem, labels)
    every = torch.arange(len(labels))
    seen = 100 * accuracy(net, problem.train, every, labels)
    fresh = 100 * accuracy(net, problem.test, torch.arange(len(problem.test.labels)))
    return {"seen": seen, "fresh": fresh, "gap": seen - fresh}


def with_wrong(labels: Tensor, share: float, seed: int) -> Tensor:
    """Labels of which a share is another package's."""
    stream = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(labels), generator=stream)[: round(share * len(labels))]
    found = labels.clone()
    others = torch.randint(1, len(AREAS), (len(rows),), generator=stream)
    found[rows] = (found[rows] + others) % len(AREAS)
    return found


def train(net: BagOfWords, problem: Problem, labels: Tensor) -> None:
    """Train in batches without any regulariser, by Adam, which skips places that no line has."""
    stream = torch.Generator().manual_seed(problem.seed)
    optimisers: tuple[Any, ...] = (
        torch.optim.SparseAdam(net.table.parameters(), lr=RATE),
        torch.optim.Adam(net.read_out.parameters(), lr=RATE),
    )
    net.train()
    for _ in range(problem.epochs):
        for rows in torch.randperm(len(labels), generator=stream).split(BATCH):
            places, begins, _ = problem.train.batch(rows)
            net.zero_grad()
            functional.cross_entropy(net(places, begins), labels[rows]).backward()
            for optimiser in optimisers:
                optimiser.step()


def accuracy(net: nn.Module, lines: Lines, rows: Tensor, labels: Tensor | None = None) -> float:
    """The share of lines classified as labelled, in eval mode."""
    net.eval()
    places, begins, own = lines.batch(rows)
    with torch.no_grad():
        hits = net(places, begins).argmax(dim=1) == (own if labels is None else labels)
    return float(hits.double().mean())


def gaps(table: pd.DataFrame) -> Figure:
    """Accuracies on the lines trained on and on fresh lines."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    for place, labels in enumerate(WRONG):
        mine = table[table["labels"] == labels]
        for response, colour, shift in (("seen", ORANGE, -0.15), ("fresh", BLUE, 0.15)):
            values = mine[mine["response"] == response]["value"].to_numpy(np.float64)
            name = "lines trained on" if response == "seen" else "fresh lines"
            draw_blocks(
                axes,
                place + shift,
                values,
                colour=colour,
                width=0.08,
                label=name if place == 0 else None,
            )
    axes.set_xticks(range(len(WRONG)), list(WRONG))
    axes.set_xlim(-0.5, len(WRONG) - 0.5)
    axes.set_ylabel("accuracy (%)")
    axes.set_ylim(0, 104)
    axes.legend(loc="lower left")
    of_right = table[(table["labels"] == RIGHT) & (table["response"] == "gap")]
    gap = told(of_right["value"].to_numpy(np.float64), ".0f", "points")
    figure.suptitle(
        f"Ten million parameters and 5,000 lines of code: a gap of {gap}\nBag of words, 8 classes, "
        f"Adam, CPU; dots: {table['block'].nunique()} draws of lines",
        fontsize=18,
    )
    return figure


EXPERIMENT: Experiment[Problem] = Experiment(
    question="Does a text classifier of ten million parameters generalise from 5,000 lines?",
    factors=(LABELS,),
    responses=(
        Response("seen", "%", "accuracy on the lines and labels trained on"),
        Response("fresh", "%", "accuracy on fresh lines"),
        Response("gap", "points", "accuracy on the lines trained on less that on fresh lines"),
    ),
    blocks=PerProfile(2, 20, 20),
    effort=PerProfile(10, 100, 100),  # percent of lines and epochs
    prepare=prepare,
    measure=measure,
    claims=CLAIMS,
    figures=(gaps,),
)
