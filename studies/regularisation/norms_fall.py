"""Does AdamW with a ``weight_decay`` of 0.01 bring the norms of weights well down?

The document's debugging table sends readers of large models from Adam to AdamW with a decay of 0.01
and a rate of 0.001, and has them watch for norms that fall clearly. Decay alone shrinks a weight by
rate x decay = one part in 100,000 a step, and so takes 10,000 steps for a tenth; the large models
that the document names, BERT and ResNet-50, cannot be trained for as long here, and no small one
speaks for them. So the claim is not judged. Shown beside it are perceptrons of 1.1 million
parameters, the least that the document does not call small, and of 8,000, on the rows of listing 3:
by Adam without decay, by Adam with a decay of 0.01 and by AdamW with the same. Norms are compared
with those of the same network at the same step, for training makes all of them grow.

The small network is followed for 12,800 steps, to show what comes later. There are eight blocks, as
few as a 99 % interval can be made of, for the wide network is slow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
    Beyond,
    Block,
    Experiment,
    Factor,
    PerProfile,
    Ratio,
    Response,
    Responses,
    Unmeasurable,
    at_most,
)
from harness.figures import BLACK, BLUE, ORANGE, told
from harness.workloads import Replicas, mlp
from harness.workloads.fitting import Recipe, fit
from harness.workloads.samples import Sample, draw_sample
from harness.workloads.tasks import Part
from studies.regularisation.nets import by_block, norm_of, seeds_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATE, STRENGTH, BATCH = 1e-3, 1e-2, 14
STEPS_AN_EPOCH = 100  # of 1,400 rows
PLAIN, COUPLED, ADAMW = (
    "Adam without decay",
    "Adam with the same decay",
    "AdamW with a decay of 0.01",
)
TRAININGS = {PLAIN: ("Adam", 0.0), COUPLED: ("Adam", STRENGTH), ADAMW: ("AdamW", STRENGTH)}
WIDE, SMALL = "1.1 million parameters", "8,000 parameters"
WIDTHS = {WIDE: 1000, SMALL: 64}
NETWORK = Factor("network", tuple(WIDTHS))
TRAINING = Factor("training", tuple(TRAININGS), control=PLAIN)
STEPS = Factor(
    "steps",
    (100, 400, 1000, 12_800),
    words={100: "100 steps", 400: "400 steps", 1000: "1,000 steps", 12_800: "12,800 steps"},
)
LONGEST = STEPS.levels[-1]

FALLS = at_most(0.9)
READING = (
    "Well down: with AdamW and a decay of 0.01 the norm of all parameters is at least 10 % below "
    "that of the same network trained as long by Adam without decay."
)
AGAINST_COUPLED = (
    "Well down: with AdamW and a decay of 0.01 the norm of all parameters is at least 10 % below "
    "that of the same network trained as long by Adam with the same weight_decay."
)
NORM = Ratio("norm", TRAINING).at(training=ADAMW)

NOT_LARGE = "no model of the size of BERT or ResNet-50"

CLAIMS = (
    Unmeasurable(
        "D-adam-7",
        needs="a model of the size of BERT or ResNet-50, trained for ten thousand steps or more "
        "both ways",
        why="In fewer steps a decay of 0.01 at a rate of 0.001 does not by itself take a tenth "
        "off a norm, and a small network says nothing of a large one.",
    ),
    Beyond("D-adam-7", NORM, FALLS, why=NOT_LARGE, reading=READING),
    Beyond("D-adam-7", NORM.against(COUPLED), FALLS, why=NOT_LARGE, reading=AGAINST_COUPLED),
)


@dataclass(frozen=True)
class Norms:
    """The norm of every replica at the steps asked for, by network, training and steps."""

    found: Mapping[tuple[str, str, int], NDArray[np.float64]]


def prepare(blocks: Sequence[Block]) -> Norms:
    """Train all networks in all ways; ``block.effort`` is percent of the steps."""
    sample = draw_sample("listing 3", seeds_of(blocks), held_out=10)
    found: dict[tuple[str, str, int], NDArray[np.float64]] = {}
    for network in WIDTHS:
        for training in TRAININGS:
            norms = norms_along(sample, network, training, blocks[0].effort)
            found |= {(network, training, steps): norm for steps, norm in norms.items()}
    return Norms(found)


def norms_along(
    sample: Sample, network: str, training: str, effort: int
) -> dict[int, NDArray[np.float64]]:
    """Train one network in one way; its norms by the steps that the whole effort would take."""
    optimiser, decay = TRAININGS[training]
    steps_an_epoch = max(1, STEPS_AN_EPOCH * effort // 100)
    rows = BATCH * steps_an_epoch
    shorter = replace(sample, train=Part(sample.train.x[:, :rows], sample.train.y[:, :rows]))
    whole = longest(network, training) // STEPS_AN_EPOCH
    asked = [steps for steps in STEPS.levels if steps <= longest(network, training)]
    epochs = whole if effort == 100 else max(1, whole // 16)
    found: dict[int, NDArray[np.float64]] = {}

    def watch(nets: Replicas, epoch: int) -> None:
        norm = norm_of(list(nets.parameters()))
        for steps in asked:
            if min(steps // STEPS_AN_EPOCH, epochs) == epoch:
                found[steps] = norm

    recipe = Recipe(
        epochs=epochs, batch=BATCH, optimiser=optimiser, lr=RATE, decay=decay, watch_every=epochs
    )
    make = partial(mlp, sample.features, sample.classes, hidden=WIDTHS[network])
    fit(make, shorter, recipe, after_epoch=watch)
    return found


def measure(norms: Norms, arm: Arm) -> Sequence[Responses]:
    """Read what was watched."""
    return by_block({"norm": norms.found[arm[NETWORK], arm[TRAINING], arm[STEPS]]})


def in_the_design(arm: Arm) -> bool:
    """Each network is followed as long as is asked for."""
    return arm[STEPS] <= longest(arm[NETWORK], arm[TRAINING])


def longest(network: str, training: str) -> int:
    """How many steps a training takes: Adam with decay shows early where it goes."""
    if network == WIDE:
        return 400
    return 1000 if training == COUPLED else LONGEST


def norms_by_steps(table: pd.DataFrame) -> Figure:
    """Norms of both decays over those without, by steps."""
    from matplotlib.figure import Figure

    figure = Figure()
    for axes, network in zip(figure.subplots(1, 2, sharex=True, sharey=True), WIDTHS, strict=True):
        _draw_network(axes, table[table["network"] == network])
        axes.set_title(network, fontsize=18)
    figure.axes[0].set_ylabel("norm over that without decay")
    figure.axes[0].legend(loc="center right", bbox_to_anchor=(1, 0.62))
    figure.supxlabel("steps")
    at_the_end = table[(table["network"] == SMALL) & (table["steps"] == LONGEST)]
    ratio = told(_over_plain(at_the_end, ADAMW)[LONGEST], ".3f")
    figure.suptitle(
        f"After {LONGEST:,} steps AdamW's norm over that without decay is {ratio}\n(weight_decay "
        f"0.01, rate 0.001, {SMALL}, CPU; medians over {table['block'].nunique()} seeds, "
        "bands: all)",
        fontsize=18,
    )
    return figure


def _draw_network(axes: Axes, rows: pd.DataFrame) -> None:
    for training, colour in ((COUPLED, ORANGE), (ADAMW, BLUE)):
        ratios = _over_plain(rows, training)
        steps = np.array(sorted(ratios))
        values = [ratios[count] for count in steps]
        low, middle, high = (
            [_of_measured(how, each) for each in values] for how in (np.min, np.median, np.max)
        )
        axes.fill_between(steps, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(
            steps,
            middle,
            color=colour,
            marker="o",
            label=training,
        )
    steps = np.geomspace(STEPS.levels[0], rows["steps"].max())
    alone = np.exp(-RATE * STRENGTH * steps)
    axes.plot(steps, alone, color=BLACK, linestyle=":", label="decay alone")
    axes.axhline(0.9, color=BLACK, linewidth=1, linestyle="--")
    axes.set_xscale("log")


def _of_measured(how: Callable[[NDArray[np.float64]], float], values: NDArray[np.float64]) -> float:
    """A statistic of the values that there are; none where every cell failed."""
    there = values[np.isfinite(values)]
    return float(how(there)) if len(there) else float("nan")


def _over_plain(rows: pd.DataFrame, training: str) -> dict[int, NDArray[np.float64]]:
    """The ratio to the network without decay, block by block, for each number of steps."""
    found = {}
    for steps, of_steps in rows.groupby("steps"):
        norms = [
            of_steps[of_steps["training"] == name]
            .sort_values("block")["value"]
            .to_numpy(np.float64)
            for name in (training, PLAIN)
        ]
        if len(norms[0]):
            found[int(str(steps))] = norms[0] / norms[1]
    return found


EXPERIMENT: Experiment[Norms] = Experiment(
    question="Does AdamW with a weight_decay of 0.01 bring the norms of weights well down?",
    factors=(NETWORK, TRAINING, STEPS),
    only=in_the_design,
    responses=(Response("norm", "1", "norm of all parameters"),),
    blocks=PerProfile(2, 8, 10),
    together=PerProfile(2, 8, 10),
    effort=PerProfile(4, 100, 100),  # percent of the steps
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(norms_by_steps,),
)
