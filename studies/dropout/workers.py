"""Does training suffer when data-parallel workers drop different units?

Four workers train a perceptron of listing 2's widths with dropout of one half, in shards of 16 rows
whose gradients are averaged, with masks that all workers share and with masks of each worker's own,
in single precision and under autocast to bfloat16. That different masks corrupt the training would
be a point of accuracy on unseen rows, of which the passage on mixed precision says that masks must
be seeded alike; there the loss may tell, too (5 %). The passage does not say that precision is the
cause, so each precision is judged by itself. Nothing is chosen by the validation rows: accuracy and
loss are those on them and on the test rows together.
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
    Difference,
    Experiment,
    Factor,
    Ratio,
    Response,
    Responses,
    at_least,
    at_most,
)
from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, told
from harness.libraries import nn
from harness.workloads.fitting import Recipe, fit
from studies.dropout.shards import BATCH, MASKS, OWN, SHARED, TRAIN, dropout_of_workers, in_bfloat16
from studies.dropout.training import (
    BLOCKS,
    DATA,
    DIGITS,
    EPOCHS,
    HALF,
    POINT,
    SHARE,
    TOGETHER,
    Cohort,
    perceptron,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SINGLE, MIXED = "float32", "bfloat16"
PRECISION = Factor("precision", (SINGLE, MIXED), words={SINGLE: "", MIXED: "autocast to bfloat16"})
WORSE = (
    "Different masks harm: accuracy on unseen rows is at least one point lower than with the same "
    "masks on all workers."
)
HIGHER = (
    "Different masks harm: the loss on unseen rows is at least 5 % higher than with the same masks "
    "on all workers."
)

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-drop-11",
        Difference("accuracy", MASKS).at(precision=SINGLE),
        at_most(-POINT),
        reading=WORSE,
        headline={"data": DIGITS},
    ),
    Claim(
        "D-drop-13",
        Difference("accuracy", MASKS).at(precision=MIXED),
        at_most(-POINT),
        reading=WORSE,
        headline={"data": DIGITS},
    ),
    Claim(
        "D-drop-13",
        Ratio("loss", MASKS).at(precision=MIXED),
        at_least(1 + SHARE),
        reading=HIGHER,
    ),
    Beyond(
        "D-drop-13",
        Ratio("loss", MASKS).at(precision=SINGLE),
        at_least(1 + SHARE),
        why="single precision, where the passage speaks of mixed precision",
        reading=HIGHER,
    ),
)


def measure(cohort: Cohort, arm: Arm) -> Sequence[Responses]:
    """Train as the workers would."""
    sample = cohort.sample(arm[DATA], TRAIN[arm[DATA]])

    def network() -> nn.Module:
        net = perceptron(
            sample.features,
            sample.classes,
            lambda: (nn.ReLU(), dropout_of_workers(HALF, arm[MASKS])),
        )
        return in_bfloat16(net) if arm[PRECISION] == MIXED else net

    history = fit(network, sample, Recipe(cohort.effort, batch=BATCH, watch_every=10))
    # Both parts have as many rows.
    score, loss = (
        (history.last(f"val_{what}") + history.last(f"test_{what}")) / 2
        for what in ("score", "loss")
    )
    return [
        {"accuracy": float(score[place]), "loss": float(loss[place])}
        for place in range(len(cohort.blocks))
    ]


def accuracy_of_workers(table: pd.DataFrame) -> Figure:
    """Accuracy with each worker's own masks less that with shared ones."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    rows = table[table["response"] == "accuracy"]
    wide = rows.pivot_table(
        index=["data", "precision", "block"], columns="masks", values="value", dropna=False
    )
    gains = 100 * (wide[OWN] - wide[SHARED])
    for precision, colour, shift in ((SINGLE, BLUE, -0.17), (MIXED, ORANGE, 0.17)):
        for place, data in enumerate(DATA.levels):
            draw_blocks(
                axes,
                place + shift,
                gains.loc[data, precision].to_numpy(np.float64),
                colour=colour,
                width=0.1,
                label=f"{precision}{' autocast' if precision == MIXED else ''}"
                if place == 0
                else None,
            )
    axes.axhline(0, color=BLACK, linewidth=1)
    axes.axhline(-100 * POINT, color=BLACK, linestyle="--", linewidth=1.5)
    axes.set_xticks(range(len(DATA.levels)), DATA.levels)
    axes.set_ylabel("accuracy with own masks less\nwith shared masks (points)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle(
        f"Four workers with masks of their own gain "
        f"{told(gains.loc[DIGITS, SINGLE].dropna(), '.2f', 'points')}\nover workers with the same "
        f"masks (digits, float32; p = 0.5, CPU; dots: {table['block'].nunique()} seeds;\n"
        "dashed: what would be harm)",
        fontsize=18,
    )
    return figure


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does training suffer when data-parallel workers drop different units?",
    factors=(MASKS, PRECISION, DATA),
    responses=(
        Response("accuracy", "1", "accuracy on unseen rows"),
        Response("loss", "nat", "loss on unseen rows"),
    ),
    blocks=BLOCKS,
    together=TOGETHER,
    effort=EPOCHS,
    prepare_together=Cohort,
    measure_together=measure,
    claims=CLAIMS,
    figures=(accuracy_of_workers,),
)
