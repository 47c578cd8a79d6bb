"""Does weighted sampling need replacement, and what does an epoch of it hold?

The chapter's sampler makes 1,000 draws from 900 dogs and 100 cats with weights of one over the size
of the class. With replacement half of the draws are cats and many examples come again. Without it
all 1,000 draws have to be different examples, so that an epoch holds every one of them, whatever
its weight. That the sampler takes ``replacement=False`` without a word is not the point: asked is
whether the weights still change which classes an epoch holds. With fewer draws than examples they
do, which the passage's listing does not speak of: 200 are shown beside.
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
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE, told
from harness.libraries import torch
from studies.sampling.drawing import CATS, DOGS, class_weights

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

ROWS, LISTED, BATCH = DOGS + CATS, DOGS + CATS, 32
REPLACEMENT = Factor(
    "replacement",
    (True, False),
    words={True: "with replacement", False: "without replacement"},
)
DRAWS = Factor("draws", (LISTED, 200), words={LISTED: "1,000 draws", 200: "200 draws"})

BALANCED, AS_STORED, MARGIN = 0.5, CATS / ROWS, 0.05
#: Distinct examples that 1,000 draws with replacement are expected to hold: each class has half of
#: the draws, and an example is missed by all of them.
EXPECTED = sum(size * (1 - (1 - 0.5 / size) ** LISTED) for size in (DOGS, CATS))

CLAIMS = (
    Claim(
        "C2.20",
        Value("as_said").at(replacement=True, draws=LISTED).always(),
        equals(1),
        reading="1,000 draws an epoch, and at least one example among them comes twice.",
        headline=True,
    ),
    Beyond(
        "C2.20",
        Value("distinct").at(replacement=True, draws=LISTED),
        equals(EXPECTED, within=0.01 * ROWS),
        why="how many duplicates there are",
        reading="An epoch holds as many distinct examples as the chances say, within 1 % of the "
        "data.",
    ),
    Claim(
        "C2.21",
        Value("cats").at(replacement=True, draws=LISTED),
        equals(BALANCED, within=MARGIN),
        reading="With replacement the weights work: half of an epoch's draws are cats.",
    ),
    Claim(
        "C2.21",
        Value("cats").at(replacement=False, draws=LISTED),
        equals(AS_STORED, within=MARGIN),
        reading="It must be True: without replacement the weights do not change the classes of an "
        "epoch, which stay at 10 % cats.",
        headline=True,
    ),
    Beyond(
        "C2.21",
        Value("cats").at(replacement=False, draws=200),
        equals(AS_STORED, within=MARGIN),
        why="fewer draws than examples, where the listing has as many",
    ),
    Beyond(
        "C2.21",
        Value("accepted").at(replacement=False, draws=LISTED).always(),
        equals(0),
        why="whether the sampler refuses it, where the passage asks what is needed for weighting",
        reading="It must be True: the sampler refuses replacement=False.",
    ),
    Control(
        "without replacement nothing comes twice",
        Value("distinct").at(replacement=False, draws=LISTED).always(),
        equals(LISTED),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Draw ``effort`` epochs of the sampler."""
    sampler = torch.utils.data.WeightedRandomSampler
    try:
        made = sampler(class_weights(ROWS), arm[DRAWS], replacement=arm[REPLACEMENT])
        epochs = np.array([[*made] for _ in range(block.effort)])
    except (TypeError, ValueError, RuntimeError):
        nothing = {response.name: float("nan") for response in RESPONSES}
        return {**nothing, "accepted": 0.0}
    return {"accepted": 1.0, **described(epochs, arm[DRAWS])}


def described(epochs: NDArray[np.int64], draws: int) -> Responses:
    """What epochs hold.

    Args:
        epochs: the examples drawn, shape (epochs, draws); cats are the last of the set.
        draws: how many an epoch should have.
    """
    distinct = np.array([len(np.unique(epoch)) for epoch in epochs])
    cats = epochs >= DOGS
    full = cats[:, : cats.shape[1] // BATCH * BATCH].reshape(len(epochs), -1, BATCH)
    return {
        "as_said": float(epochs.shape[1] == draws and (distinct < draws).all()),
        "distinct": float(distinct.mean()),
        "cats": float(cats.mean()),
        "cats_by_batch": full.mean(axis=(0, 2)).tolist(),
    }


RESPONSES = (
    Response("accepted", "yes/no", "the sampler takes the setting"),
    Response("as_said", "yes/no", "every epoch has 1,000 draws and an example that comes twice"),
    Response("distinct", "examples", "number of distinct examples in an epoch"),
    Response("cats", "1", "share of cats in an epoch"),
    Response("cats_by_batch", "1", "share of cats in each batch of 32, over epochs"),
)


def cats_along_the_epoch(table: pd.DataFrame) -> Figure:
    """The share of cats batch by batch, with and without replacement."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    listed = table[(table["draws"] == LISTED) & (table["response"] == "cats_by_batch")]
    for replacement, colour in ((True, BLUE), (False, ORANGE)):
        mine = listed[listed["replacement"] == replacement].dropna(subset=["value"])
        if mine.empty:
            continue
        shares = mine.pivot_table(index="round", columns="block", values="value")
        batches = shares.index.to_numpy() + 1
        low, middle, high = (100 * shares.quantile(q, axis=1) for q in (0.1, 0.5, 0.9))
        axes.fill_between(batches, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(batches, middle, color=colour, label=REPLACEMENT.say(replacement))
    axes.axhline(100 * AS_STORED, color=BLACK, linestyle="--", linewidth=1.5, label="in the data")
    axes.set_ylim(0, 60)
    axes.set_xlabel("batch of an epoch")
    axes.set_ylabel("cats in the batch, %")
    axes.legend(loc="upper right", bbox_to_anchor=(1, 0.82))
    shares_of = {
        replacement: 100
        * table[
            (table["draws"] == LISTED)
            & (table["response"] == "cats")
            & (table["replacement"] == replacement)
        ]["value"].to_numpy(np.float64)
        for replacement in (True, False)
    }
    figure.suptitle(
        f"Over 1,000 draws the weights make {told(shares_of[True], '.1f', '%', interval=False)} "
        f"cats with replacement, {told(shares_of[False], '.1f', '%', interval=False)} without:\n"
        "there they only decide what comes first (lines and bands: median and middle 80 %, "
        f"n = {table['block'].nunique()} seeds, CPU)",
        fontsize=18,
    )
    return figure


EXPERIMENT = Experiment(
    question="Does weighted sampling need replacement, and what does an epoch of it hold?",
    factors=(REPLACEMENT, DRAWS),
    blocks=PerProfile(1, 20, 40),
    effort=PerProfile(10, 50, 50),  # epochs
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(cats_along_the_epoch,),
)
