"""Do larger batches converge more smoothly?

One network at one rate, on batches of 8 and 16 rows and on batches eight times as large. Looked at
is the loss on all training rows after every step: the losses of the batches themselves would waver
less for larger ones by averaging alone. Smoother is a change from step to step whose standard
deviation is a fifth smaller or more, over as many steps. Over as many passes, where the larger
batch makes an eighth of the steps, it is shown beside.
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
            Ratio("sd_of_change", BATCH).against(small).at(batch=large),
            SMOOTHER,
            reading="More smoothly: with eight times the batch the change of the loss on all "
            "training rows from step to step varies a fifth less or still less, over 180 steps at "
            "the same rate.",
            headline={"task": SPIRAL_RELU, "optimiser": "SGD"} if large == 128 else False,
        )
        for large, small in EIGHTFOLD.items()
    ),
    *(
        Beyond(
            "C8.01",
            Ratio("sd_in_passes", BATCH).against(small).at(batch=large),
            SMOOTHER,
            why="as many passes, in which the larger batch makes an eighth of the steps",
        )
        for large, small in EIGHTFOLD.items()
    ),
    Control("the loss moves", Value("sd_of_change"), more_than(0.0)),
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
        "sd_in_passes": np.diff(curve[: in_passes + 1], axis=0).std(axis=0, ddof=1),
        "curve": curve[: steps + 1],
    }
    return [
        {name: values[..., place].tolist() for name, values in found.items()}
        for place in range(len(blocks))
    ]


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
        axes.set_title(f"{optimiser} at {RATE:g}: sd {_ratio(of_one)}", fontsize=16)
        axes.set_xlabel("step")
    panels[0].set_ylabel("loss on all training rows (nat)")
    panels[0].legend(loc="upper right")
    figure.suptitle(_headline(table), fontsize=18)
    return figure


def _ratios(rows: pd.DataFrame) -> pd.Series[float]:
    spread = rows[rows["response"] == "sd_of_change"]
    by_size = spread.pivot_table(index="block", columns="batch", values="value")
    return by_size.reindex(columns=[16, 128])[128] / by_size.reindex(columns=[16, 128])[16]


def _ratio(rows: pd.DataFrame) -> str:
    return f"{told(_ratios(rows), '.2f', interval=False)} times with 128"


def _headline(table: pd.DataFrame) -> str:
    ratios = {o: _ratios(table[table["optimiser"] == o]) for o in OPTIMISER.levels}
    return (
        "With eight times the batch the loss changes from step to step with "
        f"{told(ratios['SGD'], '.2f')}\ntimes the standard deviation by SGD, "
        f"{told(ratios['Adam'], '.2f')} times by Adam\n"
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
            "sd_in_passes",
            "nat",
            "standard deviation of that change over ten passes",
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
