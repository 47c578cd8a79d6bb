"""Do larger batches converge more smoothly?

One network at one rate, on batches of 8 and 16 rows and on batches eight times as large. Looked at
is the loss on all training rows after every step: the losses of the batches themselves would waver
less for larger ones by averaging alone. A curve is rough where one change of the loss is unlike the
change before: smoother is one whose second differences have a standard deviation that is a fifth
smaller or more, over as many steps. The standard deviation of the changes themselves is shown
beside; it takes a steep fall that levels off for roughness, however even. So are as many passes,
where the larger batch makes an eighth of the steps.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    Ratio,
    Response,
    Responses,
    Value,
    at_most,
    more_than,
)
from harness.figures import BLUE, ORANGE, told
from harness.workloads import Replicas
from harness.workloads.tasks import SPIRAL_RELU, make_task
from studies.optimisers.descent import Recipe, first_steps, train_loss
from studies.optimisers.spirals import RATE, TASK

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from studies.optimisers.descent import Numbers

OPTIMISER = Factor("optimiser", ("SGD", "Adam"))
BATCH = Factor("batch", (8, 16, 64, 128), label="batches of")
#: Each larger batch with the one an eighth of its size.
EIGHTFOLD = {64: 8, 128: 16}
STEPS = 18  # for each unit of effort, which is a pass with batches of 16
SMOOTHER = at_most(0.8)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            "C8.01",
            Ratio("roughness", BATCH).against(small).at(batch=large),
            SMOOTHER,
            reading="More smoothly: with eight times the batch the second differences of the loss "
            "on all training rows, step by step, have a standard deviation that is a fifth smaller "
            "or more, over 180 steps at the same rate.",
            headline={"task": SPIRAL_RELU, "optimiser": "SGD"} if large == 128 else False,
        )
        for large, small in EIGHTFOLD.items()
    ),
    *(
        Beyond(
            "C8.01",
            Ratio(response, BATCH).against(small).at(batch=large),
            SMOOTHER,
            why=why,
        )
        for response, why in (
            ("roughness_in_passes", "as many passes, in an eighth of the steps"),
            ("sd_of_change", "counts the bend of an even descent as roughness"),
        )
        for large, small in EIGHTFOLD.items()
    ),
    Control("the loss moves", Value("roughness"), more_than(0.0)),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train, and look at the loss after every step; a round of ``curve`` is a step, 0 the start."""
    task, size = make_task(arm[TASK], blocks), arm[BATCH]
    steps, in_passes = STEPS * blocks[0].effort, blocks[0].effort * (task.train.x.shape[1] // size)
    recipe = Recipe(arm[OPTIMISER], RATE, size)
    after = first_steps(task, recipe, max(steps, in_passes))
    curve = np.stack(
        [
            train_loss(task, Replicas(task.networks)),
            *(train_loss(task, step.nets) for step in after),
        ]
    )
    found = {
        "sd_of_change": np.diff(curve[: steps + 1], axis=0).std(axis=0, ddof=1),
        "roughness": roughness(curve[: steps + 1]),
        "roughness_in_passes": roughness(curve[: in_passes + 1]),
        "curve": curve[: steps + 1],
    }
    return [
        {name: values[..., place].tolist() for name, values in found.items()}
        for place in range(len(blocks))
    ]


def roughness(curve: Numbers) -> Numbers:
    """The standard deviation of the second differences.

    Args:
        curve: losses step by step, shape (steps, replicas).
    """
    return np.asarray(np.diff(curve, n=2, axis=0).std(axis=0, ddof=1))


def smoothness(table: pd.DataFrame) -> Figure:
    """The loss on all training rows step by step, of one seed, with a small and a large batch."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2)
    table = table[table["task"] == SPIRAL_RELU]
    first = table["block"].min()
    for axes, optimiser in zip(panels, OPTIMISER.levels, strict=True):
        of_one = table[table["optimiser"] == optimiser]
        curves = of_one[(of_one["response"] == "curve") & (of_one["block"] == first)]
        for size, colour in ((16, ORANGE), (128, BLUE)):
            of_size = curves[curves["batch"] == size]
            label = f"batches of {size}"
            axes.plot(of_size["round"], of_size["value"], color=colour, linewidth=2, label=label)
        axes.set_title(f"{optimiser} at {RATE:g}: {_ratio(of_one)}", fontsize=16)
        axes.set_xlabel("step")
    panels[0].set_ylabel("loss on all training rows (nat)")
    panels[0].legend(loc="upper right")
    figure.suptitle(_headline(table), fontsize=18)
    return figure


def _ratios(rows: pd.DataFrame) -> pd.Series[float]:
    spread = rows[rows["response"] == "roughness"]
    by_size = spread.pivot_table(index="block", columns="batch", values="value")
    return by_size.reindex(columns=[16, 128])[128] / by_size.reindex(columns=[16, 128])[16]


def _ratio(rows: pd.DataFrame) -> str:
    return f"{told(_ratios(rows), '.2f', interval=False)} times as rough with 128"


def _headline(table: pd.DataFrame) -> str:
    ratios = {o: _ratios(table[table["optimiser"] == o]) for o in OPTIMISER.levels}
    return (
        f"With eight times the batch the loss is {told(ratios['SGD'], '.2f')}\ntimes as rough by "
        f"SGD, {told(ratios['Adam'], '.2f')} times by Adam (sd of second differences)\n"
        f"(spiral, ReLU, CPU; numbers from {table['block'].nunique()} seeds; curves: one of them)"
    )


EXPERIMENT: Experiment[Block] = Experiment(
    question="Do larger batches converge more smoothly?",
    factors=(TASK, OPTIMISER, BATCH),
    responses=(
        Response(
            "sd_of_change",
            "nat",
            "standard deviation of the change of the loss on all training rows in a step",
        ),
        Response(
            "roughness",
            "nat",
            "standard deviation of the second differences of the loss on all training rows",
        ),
        Response(
            "roughness_in_passes",
            "nat",
            "standard deviation of these second differences over ten passes",
        ),
        Response("curve", "nat", "loss on all training rows after a step"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(2, 10, 10),  # passes with batches of 16
    measure_together=measure,
    claims=CLAIMS,
    figures=(smoothness,),
)
