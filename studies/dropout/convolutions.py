"""What does dropout behind convolutions do to small image sets, whole maps against pixels?

A network of two convolutions trains on two sets of a few hundred real images (document D means
fewer than 10,000), with dropout behind both: of single pixels (``nn.Dropout``) or of whole maps
(``nn.Dropout2d``), at rates of 0.1, 0.3 and 0.5, or without any. Weights and batches are the same
in all arms. Accuracy is that on images that no choice has seen, at the epoch with the lowest
validation loss.

*Whole maps work significantly better* is a point of accuracy, at each rate and with each kind at
the rate of its own that validates best. *Destabilises* is the largest rise of the validation loss
from one epoch to the next, in eval mode: at a rate of 0.5 it must be half as large again as without
dropout, where rises of less than 0.05 nat count as 0.05. *Slows convergence without improving* is
two things at a rate of 0.5: 1.2 times as many epochs until the validation accuracy, in eval mode,
reaches nine tenths of what the network without dropout ends with, and less than a point of accuracy
gained; a set of images counts for the claim where both are so. A run that does not get there counts
as all of its epochs, a lower bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    at_least,
    at_most,
)
from harness.figures import BLACK, BLUE, ORANGE, median_interval, told
from harness.workloads.fitting import History, Recipe, fit
from studies.dropout.images import FEW, PHOTOGRAPHS, SETS, convolutional, draw_images

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from harness.workloads.samples import Sample

NONE, PIXELS, MAPS = "none", "pixels", "maps"
RATES = (0.1, 0.3, 0.5)
BEST = "best"
OF_PIXELS = tuple(f"{PIXELS} {rate:g}" for rate in RATES)
OF_MAPS = tuple(f"{MAPS} {rate:g}" for rate in RATES)
BEST_PIXELS, BEST_MAPS = f"{PIXELS} {BEST}", f"{MAPS} {BEST}"
HEAVY_PIXELS, HEAVY_MAPS = OF_PIXELS[-1], OF_MAPS[-1]
DROPOUT = Factor(
    "dropout",
    (NONE, *OF_PIXELS, BEST_PIXELS, *OF_MAPS, BEST_MAPS),
    control=NONE,
    words={
        NONE: "no dropout",
        **{f"{PIXELS} {rate:g}": f"pixels dropped at {rate:g}" for rate in RATES},
        **{f"{MAPS} {rate:g}": f"maps dropped at {rate:g}" for rate in RATES},
        BEST_PIXELS: "pixels dropped at the rate that validates best",
        BEST_MAPS: "maps dropped at the rate that validates best",
    },
)
IMAGES = Factor("images", (FEW, PHOTOGRAPHS))
LR, BATCH = 3e-3, 32
POINT, SLOWER, RISE, SMALLEST_RISE, REACHED = 0.01, 1.2, 1.5, 0.05, 0.9

BETTER = "Significantly better: accuracy on unseen images is at least one point higher {}."
SLOWS = (
    "Slows convergence: it takes at least 1.2 times as many epochs to nine tenths of the accuracy "
    "that the network without dropout ends with."
)
NO_GAIN = "Without improving generalisation: accuracy on unseen images gains less than a point."
SLOWER_FOR_NOTHING = "slower without gain"
UNSTEADY = (
    "Destabilises: the largest rise of the validation loss in one epoch is at least one and a half "
    "times that without dropout (rises below 0.05 nat count as 0.05)."
)

CLAIMS: tuple[Claim | Beyond, ...] = (
    *(
        Claim(
            "D-drop-9",
            Difference("accuracy", DROPOUT).at(dropout=maps).against(pixels),
            at_least(POINT),
            reading=BETTER.format(f"with whole maps dropped {how}"),
            headline={"images": FEW} if maps == BEST_MAPS else False,
        )
        for maps, pixels, how in (
            *zip(OF_MAPS, OF_PIXELS, ("than with pixels at the same rate",) * 3, strict=True),
            (BEST_MAPS, BEST_PIXELS, "than with pixels, each at its own best rate"),
        )
    ),
    Beyond(
        "D-drop-9",
        Difference("last", DROPOUT).at(dropout=BEST_MAPS).against(BEST_PIXELS),
        at_least(POINT),
        why="the last epoch, where the verdict is on the epoch that validates best",
        reading=BETTER.format("with whole maps dropped than with pixels"),
    ),
    Beyond(
        "D-drop-9",
        Difference("accuracy", DROPOUT).at(dropout=(BEST_MAPS, BEST_PIXELS)),
        at_least(POINT),
        why="against no dropout at all",
        reading=BETTER.format("with dropout behind convolutions than without"),
    ),
    Claim(
        "D-hurts-1",
        Ratio("rise", DROPOUT).at(dropout=HEAVY_PIXELS),
        at_least(RISE),
        reading=UNSTEADY,
        headline={"images": FEW},
    ),
    Beyond(
        "D-hurts-1",
        Ratio("rise", DROPOUT).at(dropout=(*OF_PIXELS[:-1], *OF_MAPS)),
        at_least(RISE),
        why="lower rates, and maps, which the passage calls safer",
        reading=UNSTEADY,
    ),
    Claim(
        "D-hurts-2",
        Ratio("epochs_to", DROPOUT).at(dropout=HEAVY_PIXELS),
        at_least(SLOWER),
        reading=SLOWS,
        headline={"images": FEW},
        jointly=SLOWER_FOR_NOTHING,
    ),
    Claim(
        "D-hurts-2",
        Difference("accuracy", DROPOUT).at(dropout=HEAVY_PIXELS),
        at_most(POINT),
        reading=NO_GAIN,
        jointly=SLOWER_FOR_NOTHING,
    ),
    Beyond(
        "D-hurts-2",
        Ratio("epochs_to", DROPOUT).at(dropout=HEAVY_MAPS),
        at_least(SLOWER),
        why="whole maps, where the passage means standard dropout",
        reading=SLOWS,
    ),
    Beyond(
        "D-hurts-2",
        Difference("accuracy", DROPOUT).at(dropout=HEAVY_MAPS),
        at_most(POINT),
        why="whole maps, where the passage means standard dropout",
        reading=NO_GAIN,
    ),
)


@dataclass
class Trained:
    """Blocks that train together, their images and the fits that have been asked for."""

    blocks: tuple[Block, ...]
    _samples: dict[str, Sample] = field(default_factory=dict)
    _fits: dict[tuple[str, str], History] = field(default_factory=dict)

    def sample(self, images: str) -> Sample:
        """The images of each block."""
        if images not in self._samples:
            seeds = tuple(block.seed for block in self.blocks)
            self._samples[images] = draw_images(images, seeds, self.blocks[0].device)
        return self._samples[images]

    def fit(self, images: str, dropout: str) -> History:
        """A training at one rate."""
        if (images, dropout) not in self._fits:
            kind, _, rate = dropout.partition(" ")
            each, epochs = SETS[images], self.blocks[0].effort
            self._fits[images, dropout] = fit(
                lambda: convolutional(each, float(rate or 0), spatial=kind == MAPS),
                self.sample(images),
                Recipe(min(epochs, each.epochs), batch=BATCH, lr=LR),
            )
        return self._fits[images, dropout]


def measure(trained: Trained, arm: Arm) -> Sequence[Responses]:
    """Train at the arm's rate, or at all of them where the best one is asked for."""
    images, dropout = arm[IMAGES], arm[DROPOUT]
    plain = trained.fit(images, NONE)
    if dropout.endswith(BEST):
        levels = OF_PIXELS if dropout == BEST_PIXELS else OF_MAPS
        found = [told_of(trained.fit(images, level), plain) for level in levels]
        chosen = np.argmin([each["validation"] for each in found], axis=0)
        columns = {name: np.choose(chosen, [each[name] for each in found]) for name in found[0]}
    else:
        columns = told_of(trained.fit(images, dropout), plain)
    names = [response.name for response in EXPERIMENT.responses]
    return [
        {name: float(columns[name][place]) for name in names}
        for place in range(len(trained.blocks))
    ]


def told_of(history: History, plain: History) -> dict[str, NDArray[np.float64]]:
    """What is read of a training, one number a replica.

    Args:
        history: of it.
        plain: of that without dropout.
    """
    best = history.best()
    return {
        "accuracy": history.at("test_score", best),
        "last": history.last("test_score"),
        "validation": history.at("val_loss", best),
        "rise": np.maximum(largest_rise(history.val_loss), SMALLEST_RISE),
        "epochs_to": epochs_to(history.val_score, REACHED * plain.last("val_score")),
    }


def largest_rise(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest rise from one epoch to the next; shape (replicas,), 0 where all fall.

    Args:
        losses: shape (epochs, replicas).
    """
    rises: NDArray[np.float64] = np.diff(losses, axis=0, prepend=losses[:1]).max(axis=0)
    return rises


def epochs_to(scores: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """When curves first reach their targets, between two epochs in a straight line.

    Args:
        scores: shape (epochs, replicas); before the first epoch they are 0.
        targets: one a replica.

    Returns:
        Epochs, shape (replicas,); all of them where a curve does not get there.
    """
    curves = np.concatenate([np.zeros_like(scores[:1]), scores])
    found = np.full(len(targets), float(len(scores)))
    for replica, (curve, target) in enumerate(zip(curves.T, targets, strict=True)):
        there = np.flatnonzero(curve[1:] >= target)
        if len(there):
            at = int(there[0])
            found[replica] = at + (target - curve[at]) / (curve[at + 1] - curve[at])
    return found


def accuracy_by_rate(table: pd.DataFrame) -> Figure:
    """Accuracy against the rate, pixels and maps, on each set of images."""
    return _by_rate(table, "accuracy", "accuracy on unseen images (%)", _accuracy_title(table))


def epochs_by_rate(table: pd.DataFrame) -> Figure:
    """Epochs to nine tenths of the plain network's accuracy, against the rate."""
    return _by_rate(table, "epochs_to", "epochs to nine tenths of\nplain accuracy", _slow(table))


def _by_rate(table: pd.DataFrame, response: str, label: str, title: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, len(IMAGES.levels))
    scale = 100 if response == "accuracy" else 1
    for axes, images in zip(panels, IMAGES.levels, strict=True):
        rows = table[(table["images"] == images) & (table["response"] == response)]
        for kind, levels, colour in ((PIXELS, OF_PIXELS, ORANGE), (MAPS, OF_MAPS, BLUE)):
            values = {
                level: scale * rows[rows["dropout"] == level]["value"].to_numpy(np.float64)
                for level in (NONE, *levels)
            }
            _line(axes, values, colour, f"{kind} dropped")
        axes.set_title(images, fontsize=17)
        axes.set_xticks((0, *RATES), ["0", *(f"{rate:g}" for rate in RATES)])
        axes.set_xlabel("dropout rate")
    panels[0].set_ylabel(label)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=17
    )
    figure.suptitle(title, fontsize=18)
    return figure


def _line(axes: Axes, values: dict[str, NDArray[np.float64]], colour: str, label: str) -> None:
    """Medians with their intervals, from no dropout on; values by level, one a block."""
    places = (0.0, *RATES)
    found = [median_interval(each) for each in values.values()]
    # Below 8 blocks the interval is infinite, and the whole axis would follow it.
    edges = [
        (np.nanmin(each), np.nanmax(each)) if np.isfinite(each).any() else (np.nan, np.nan)
        for each in values.values()
    ]
    low = [max(one.low, edge[0]) for one, edge in zip(found, edges, strict=True)]
    high = [min(one.high, edge[1]) for one, edge in zip(found, edges, strict=True)]
    middles = [each.estimate for each in found]
    axes.plot(places, middles, "o-", color=colour, label=label)
    axes.fill_between(places, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(places[:1], middles[:1], "o", color=BLACK)


def pair(
    table: pd.DataFrame, response: str, images: str, level: str, other: str
) -> NDArray[np.float64]:
    """Two arms' values, shape (2, blocks), block by block."""
    rows = table[(table["images"] == images) & (table["response"] == response)]
    wide = rows.pivot_table(index="block", columns="dropout", values="value", dropna=False)
    if not {level, other} <= set(wide.columns):
        return np.full((2, 1), np.nan)
    return wide[[level, other]].to_numpy(np.float64).T


def _accuracy_title(table: pd.DataFrame) -> str:
    maps, pixels = pair(table, "accuracy", FEW, BEST_MAPS, BEST_PIXELS)
    return (
        f"Maps dropped in place of pixels, each at its best rate, gain\n"
        f"{told(100 * (maps - pixels), '.1f', 'points')} on {FEW}\n({_marks(table)})"
    )


def _slow(table: pd.DataFrame) -> str:
    heavy, plain = pair(table, "epochs_to", FEW, HEAVY_PIXELS, NONE)
    return (
        f"Pixels dropped at 0.5 take {told(heavy / plain, '.1f')}\ntimes as many epochs as no "
        f"dropout on {FEW}\n({_marks(table)})"
    )


def _marks(table: pd.DataFrame) -> str:
    return (
        f"CPU; lines: medians of {table['block'].nunique()} seeds, bands: 99 % intervals; black: "
        "no dropout"
    )


EXPERIMENT: Experiment[Block] = Experiment(
    question="What does dropout behind convolutions do to small image sets, maps against pixels?",
    factors=(DROPOUT, IMAGES),
    responses=(
        Response("accuracy", "1", "accuracy on unseen images at the epoch that validates best"),
        Response("last", "1", "accuracy on unseen images after the last epoch"),
        Response("rise", "nat", "largest rise of the validation loss in one epoch, at least 0.05"),
        Response(
            "epochs_to",
            "epochs",
            "epochs to nine tenths of the accuracy that the network without dropout ends with",
        ),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(2, 30, 30),  # epochs at most
    prepare_together=Trained,
    measure_together=measure,
    claims=CLAIMS,
    figures=(accuracy_by_rate, epochs_by_rate),
)
