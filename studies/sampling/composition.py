"""What do batches hold of 900 dogs and 100 cats: in order, shuffled, weighted?

The chapter's set, stored one class after the other, is read by three samplers: in order, shuffled,
and weighted as the chapter lists it, a thousand draws with replacement and weights of one over the
size of the class. Every full batch is counted. The chances are known exactly: the cats of a
shuffled batch are hypergeometric (100 of 1,000), those of a weighted one binomial with probability
one half; how far what is drawn lies from them is shown beside what is claimed of it.

C2.06 and C2.16 speak of the same batches: one says what most of them are, the other how many dogs
and cats they hold on average. The rows are the same, and each has the rule of its own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    at_least,
    at_most,
    between,
    equals,
)
from harness.figures import BLUE, ORANGE, told
from studies.sampling.drawing import CATS, DOGS, IN_ORDER, SHUFFLED, WEIGHTED, loader_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

ROWS, LISTED = DOGS + CATS, 32
LOADER = Factor(
    "loader",
    (IN_ORDER, SHUFFLED, WEIGHTED),
    words={SHUFFLED: "shuffled batches", WEIGHTED: "weighted batches", IN_ORDER: "in order"},
)
BATCH = Factor("batch", (16, 32, 64), words={size: f"batches of {size}" for size in (16, 32, 64)})

MOSTLY = 0.8  # dogs among the rows of a batch, for "overwhelmingly"
MOST = 0.75  # of the batches
NEAR = 0.5  # images: what rounds to the number
CLOSE = at_most(0.05)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C2.06",
        Value("mostly_dogs").at(loader=SHUFFLED),
        at_least(MOST),
        reading="Most batches are overwhelmingly dogs: three of four shuffled batches or more hold "
        "at least 80 % dogs.",
        headline={"batch": LISTED},
    ),
    Claim(
        "C2.16",
        Value("dogs").at(loader=SHUFFLED, batch=LISTED),
        equals(29, within=NEAR),
        reading="About 29 dogs: on average, to whole images, in a shuffled batch of 32.",
        headline=True,
    ),
    Claim(
        "C2.16",
        Value("cats").at(loader=SHUFFLED, batch=LISTED),
        equals(3, within=NEAR),
        reading="About 3 cats: on average, to whole images, in a shuffled batch of 32.",
    ),
    Claim(
        "C2.19",
        Value("cats").at(loader=WEIGHTED, batch=LISTED),
        equals(16, within=NEAR),
        reading="About 16 cats, and so 16 dogs: on average, to whole images, in a full batch of "
        "32 of the sampler as it is listed.",
        headline=True,
    ),
    Beyond(
        "C2.19",
        Value("sd").at(loader=WEIGHTED, batch=LISTED),
        between(0.95 * 8**0.5, 1.05 * 8**0.5),
        why="how far single batches scatter, which about leaves open",
        reading="Cats scatter as in 32 throws of a coin: by 2.83, within 5 %.",
    ),
    *(
        Beyond(
            claim,
            Value("off_exact").at(loader=loader, batch=LISTED),
            CLOSE,
            why="the whole distribution of cats, where the passage gives its middle",
        )
        for claim, loader in (("C2.16", SHUFFLED), ("C2.19", WEIGHTED))
    ),
    Control(
        "in order batches are one class or the other",
        Value("off_exact").at(loader=IN_ORDER, batch=LISTED),
        at_least(0.5),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Read ``effort`` epochs, and count the cats of every full batch."""
    batch = arm[BATCH]
    (loader,) = loader_of(arm[LOADER], ROWS, batch)
    epochs = [cats_of([*loader.batch_sampler], batch) for _ in range(block.effort)]  # type: ignore[misc]
    cats = np.concatenate(epochs)
    chances = exact_chances(batch, weighted=arm[LOADER] == WEIGHTED)
    shares = np.bincount(cats, minlength=batch + 1) / len(cats)
    return {
        "cats": float(cats.mean()),
        "dogs": float((batch - cats).mean()),
        "sd": float(cats.std(ddof=1)),
        "mostly_dogs": float((batch - cats >= MOSTLY * batch).mean()),
        "off_exact": float(np.abs(shares - chances).sum() / 2),
        "one_epoch": epochs[0].tolist(),
    }


def cats_of(batches: list[list[int]], batch: int) -> NDArray[np.int64]:
    """The number of cats in each full batch; cats are the last rows of the set."""
    return np.array([sum(row >= DOGS for row in rows) for rows in batches if len(rows) == batch])


def exact_chances(batch: int, *, weighted: bool) -> NDArray[np.float64]:
    """The chances of 0, 1, 2, ... cats in a batch: hypergeometric, or binomial at one half."""
    from scipy import stats

    law = stats.binom(batch, 0.5) if weighted else stats.hypergeom(ROWS, CATS, batch)
    chances: NDArray[np.float64] = law.pmf(np.arange(batch + 1))
    return chances


def batches_of_an_epoch(table: pd.DataFrame) -> Figure:
    """The dogs and cats of every batch of one epoch, for the three samplers."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(len(LOADER.levels), 1, sharex=True)
    listed = table[table["batch"] == LISTED]
    first = listed["block"].min()
    for axes, loader in zip(panels, LOADER.levels, strict=True):
        mine = listed[listed["loader"] == loader]
        epoch = mine[(mine["response"] == "one_epoch") & (mine["block"] == first)]
        cats = epoch.sort_values("round")["value"].to_numpy(np.float64)
        places = np.arange(1, len(cats) + 1)
        axes.bar(places, LISTED - cats, color=BLUE, width=0.8, label="dogs")
        axes.bar(places, cats, bottom=LISTED - cats, color=ORANGE, width=0.8, label="cats")
        scatter = mine[mine["response"] == "sd"]["value"].median()
        mean = told(_medians(table, loader), ".1f", "cats a batch", interval=False)
        axes.set_title(f"{loader}: {mean} on average, sd {scatter:.1f}", loc="left", fontsize=18)
        axes.set_ylabel("images")
        axes.set_ylim(0, LISTED)
        axes.set_yticks([0, 16, 32])
        axes.grid(visible=False, axis="x")
    panels[-1].set_xlabel("full batch of one epoch")
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower right", ncols=2, fontsize=16
    )
    shuffled, weighted = (
        told(_medians(table, loader), ".1f", interval=False) for loader in (SHUFFLED, WEIGHTED)
    )
    figure.suptitle(
        f"Of 900 dogs and 100 cats a shuffled batch of {LISTED} holds {shuffled} cats, a weighted "
        f"one {weighted}\n(bars: one seed; averages: all batches, n = {table['block'].nunique()} "
        "seeds, CPU)",
        fontsize=20,
    )
    return figure


def _medians(table: pd.DataFrame, loader: str) -> NDArray[np.float64]:
    """The mean number of cats in a batch of 32, a value a block."""
    mine = table[(table["loader"] == loader) & (table["batch"] == LISTED)]
    return mine[mine["response"] == "cats"]["value"].to_numpy(np.float64)


EXPERIMENT = Experiment(
    question="What do batches hold of 900 dogs and 100 cats: in order, shuffled, weighted?",
    factors=(LOADER, BATCH),
    blocks=PerProfile(1, 20, 40),
    effort=PerProfile(20, 100, 400),  # epochs
    measure=measure,
    responses=(
        Response("cats", "images", "mean number of cats in a full batch"),
        Response("dogs", "images", "mean number of dogs in a full batch"),
        Response("sd", "images", "standard deviation of the cats over batches"),
        Response("mostly_dogs", "1", "share of the batches that hold at least 80 % dogs"),
        Response(
            "off_exact",
            "1",
            "distance of the numbers of cats from their exact chances, in total variation",
        ),
        Response("one_epoch", "images", "cats in each full batch of the first epoch"),
    ),
    claims=CLAIMS,
    figures=(batches_of_an_epoch,),
)
