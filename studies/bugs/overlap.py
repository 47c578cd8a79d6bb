"""By how much does overlap between training and validation rows inflate the validation accuracy?

A model is trained on some rows. Its validation set holds a share of those rows (the overlap) and
otherwise rows that it has never seen; production is a third set, of rows in neither. The claims are
that overlap inflates the validation accuracy, that it can give 95 % in validation against 70 % in
production, and that one recognises it by metrics of training and validation that are close.

Arithmetic says more: a share of the validation rows is answered as well as training rows are, so
the gap is the overlap times what the model does better on rows it knows. There is nothing to
inflate where it does no better. So the data sets reach from those that models get right anyway
(wine) to those where they must fall far behind: digits with 20 rows to train on, and digits a
quarter of whose labels are wrong, everywhere, so that no model can be right in production more
often than in 75 %. A linear model on a spiral is left out: it learns nothing.

Every overlap is compared with none, by the same model, as the mean over many draws of the
validation rows. Judged are overlaps of a quarter, a half and three quarters, with models that can
memorise. At full overlap the validation rows are training rows, where inflation is a tautology; and
a linear model hardly memorises: both stand beside the verdict. The smallest effect that counts is
one point. "95 against 70" is read as a gap of 20 to 30 points with 90 % or more in validation; one
setting of a network is enough for "can". Closeness is judged at an overlap of a half on the two
data sets that other kinds of leaks are tried on too, so that no kind outweighs the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    at_most,
    equals,
)
from harness.figures import BLACK, BLUE, GREEN, VERMILION, median_interval, wide
from studies.bugs.samples import (
    CANCER,
    DIGITS,
    FEW,
    LINEAR,
    NEAREST,
    PERCEPTRON,
    POINT,
    SPIRAL,
    SYMPTOM_WITHIN,
    WINE,
    WRONG,
    known_and_fresh,
    learn,
    load_tables,
    off_symptom,
    one_thread,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DATA = Factor("data", (DIGITS, FEW, WRONG, CANCER, WINE, SPIRAL))
MODEL = Factor("model", (NEAREST, LINEAR, PERCEPTRON))
OVERLAPS = (0.0, 0.25, 0.5, 0.75, 1.0)
NONE, HALF, FULL = 0.0, 0.5, 1.0
PARTIAL = (0.25, 0.5, 0.75)
OVERLAP = Factor(
    "overlap",
    OVERLAPS,
    control=NONE,
    words={share: f"{100 * share:.0f} % overlap" if share else "no overlap" for share in OVERLAPS},
)
DRAWS = 400
MEMORISING = (NEAREST, PERCEPTRON)
#: The data that other kinds of leaks are tried on too.
COMMON_DATA = (DIGITS, CANCER)
ALONE = "doses and data of this kind of leak alone, left out so that every kind weighs about alike"
COLOURS = {NEAREST: VERMILION, LINEAR: BLUE, PERCEPTRON: GREEN}

RESPONSES = (
    Response("validation", "%", "validation accuracy"),
    Response("production", "%", "production accuracy"),
    Response("training", "%", "training accuracy"),
    Response("gap", "points", "the gap between validation and production accuracy"),
    Response("behind_training", "points", "the gap between training and validation accuracy"),
    Response(
        "off_symptom", "points", "the distance from 95 % in validation against 70 % in production"
    ),
    Response(
        "off_arithmetic",
        "points",
        "the distance of the gap from the overlap times what training is above fresh rows",
    ),
)

CLAIMS = (
    Claim(
        "C5.18",
        Difference("gap", OVERLAP).at(overlap=PARTIAL, model=MEMORISING),
        at_least(POINT),
        reading="Inflates: with a part of the validation rows trained on, validation stands 1 "
        "point or more further above production than with none, for models that can memorise.",
        headline={"data": DIGITS, "model": PERCEPTRON, "overlap": HALF},
    ),
    Beyond(
        "C5.18",
        Difference("gap", OVERLAP).at(overlap=FULL, model=MEMORISING),
        at_least(POINT),
        why="full overlap, where the validation rows are training rows",
    ),
    Beyond(
        "C5.18",
        Difference("gap", OVERLAP).at(overlap=(*PARTIAL, FULL), model=LINEAR),
        at_least(POINT),
        why="a linear model, which hardly memorises",
    ),
    Claim(
        "C5.21",
        Value("off_symptom").at(overlap=(*PARTIAL, FULL), model=PERCEPTRON),
        at_most(SYMPTOM_WITHIN),
        reading="95 % against 70 %: some overlap alone, with no error in the code, gives a "
        "network a gap of 20 to 30 points with 90 % or more in validation. One setting is enough.",
    ),
    Beyond(
        "C5.21",
        Value("off_symptom").at(overlap=(*PARTIAL, FULL), model=(NEAREST, LINEAR)),
        at_most(SYMPTOM_WITHIN),
        why="models that are no networks",
    ),
    Claim(
        "C5.22",
        Difference("behind_training", OVERLAP).at(overlap=HALF, data=COMMON_DATA, model=MEMORISING),
        at_most(-POINT),
        reading="Close: with half of the validation rows trained on, validation is 1 point or more "
        "closer to training than with none.",
        headline={"data": DIGITS, "model": PERCEPTRON},
    ),
    Beyond(
        "C5.22",
        Difference("behind_training", OVERLAP).at(
            overlap=(0.25, 0.75), data=COMMON_DATA, model=MEMORISING
        ),
        at_most(-POINT),
        why=ALONE,
    ),
    Beyond(
        "C5.22",
        Difference("behind_training", OVERLAP).at(
            overlap=PARTIAL, data=(FEW, WRONG, WINE, SPIRAL), model=MEMORISING
        ),
        at_most(-POINT),
        why=ALONE,
    ),
    Beyond(
        "C5.22",
        Difference("behind_training", OVERLAP).at(overlap=PARTIAL, model=LINEAR),
        at_most(-POINT),
        why="a linear model, which hardly overfits",
    ),
    Control("no overlap, no gap", Value("gap").at(overlap=NONE), equals(0, within=3)),
    Control(
        "the gap is the overlap times what the model does better on rows it knows",
        Value("off_arithmetic"),
        at_most(3),
    ),
)


@dataclass
class Cell:
    """A block, and what its trainings gave: a model is trained once for all overlaps."""

    block: Block
    found: dict[tuple[str, str], dict[float, Responses]] = field(default_factory=dict)

    def responses(self, data: str, model: str) -> dict[float, Responses]:
        """The responses at every overlap, from training the model or from having done so."""
        if (data, model) not in self.found:
            self.found[data, model] = inflated(self.block, data, model)
        return self.found[data, model]


def measure(cell: Cell, arm: Arm) -> Responses:
    """What a model that is trained once gives at the arm's overlap."""
    return cell.responses(arm[DATA], arm[MODEL])[arm[OVERLAP]]


def inflated(block: Block, data: str, model: str) -> dict[float, Responses]:
    """Train once, and put validation sets together of known and of fresh rows."""
    rng = np.random.default_rng(block.seed)
    known, fresh = known_and_fresh(data, rng, block.run)
    with one_thread():
        predict = learn(model, known, block, steps=block.effort)
        right_known, right_fresh = [predict(part.x) == part.y for part in (known, fresh)]
    found, fresh_share = contaminated(right_known, right_fresh, rng)
    each, production = 100 * found, 100 * fresh_share
    training = 100 * float(right_known.mean())
    better = training - 100 * float(right_fresh.mean())
    return {
        overlap: {
            "validation": validation,
            "production": production,
            "training": training,
            "gap": validation - production,
            "behind_training": training - validation,
            "off_symptom": off_symptom(validation, production),
            "off_arithmetic": abs(validation - production - overlap * better),
        }
        for overlap, validation in zip(OVERLAPS, each.tolist(), strict=True)
    }


def contaminated(
    known: NDArray[np.bool_], fresh: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.float64], float]:
    """Validation accuracy at each overlap, and production accuracy, over many draws.

    Args:
        known: for each row trained on, whether the model answers it right.
        fresh: the same for rows it has never seen.
        rng: draws the validation rows; what is left of the fresh ones is production.
    """
    rows = len(known) // 2
    right, production = np.zeros(len(OVERLAPS)), 0.0
    for _ in range(DRAWS):
        old, new = rng.permutation(known), rng.permutation(fresh)
        for place, overlap in enumerate(OVERLAPS):
            leaked = round(overlap * rows)
            right[place] += old[:leaked].sum() + new[: rows - leaked].sum()
        production += new[rows:].mean()
    return right / (rows * DRAWS), float(production / DRAWS)


def inflation(table: pd.DataFrame) -> Figure:
    """Validation accuracy against overlap, with production as a dotted line, by data set."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(2, 3, sharex=True, sharey=True)
    for axes, data in zip(panels.flat, DATA.levels, strict=True):
        rows = table[table["data"] == data]
        for model in MODEL.levels:
            if (rows["model"] == model).any():
                _draw_model(axes, rows[rows["model"] == model], model)
        axes.set_title(data, fontsize=14)
        axes.set_xticks([100 * overlap for overlap in OVERLAPS])
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy (%)")
    panels[1, 1].set_xlabel("validation rows that were trained on (%)")
    panels[0, 0].plot([], [], ":", color=BLACK, label="production")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=14)
    figure.suptitle(_headline(table), fontsize=20)
    return figure


def _draw_model(axes: Axes, rows: pd.DataFrame, model: str) -> None:
    validation = wide(rows[rows["response"] == "validation"], index="block", columns="overlap")
    middles = [median_interval(validation[share].to_numpy(np.float64)) for share in OVERLAPS]
    low = [max(m.low, validation[s].min()) for m, s in zip(middles, OVERLAPS, strict=True)]
    high = [min(m.high, validation[s].max()) for m, s in zip(middles, OVERLAPS, strict=True)]
    estimates = np.array([middle.estimate for middle in middles])
    shares = [100 * overlap for overlap in OVERLAPS]
    spread = [estimates - low, np.array(high) - estimates]
    axes.errorbar(
        shares, estimates, spread, fmt="o-", color=COLOURS[model], capsize=4, ms=7, label=model
    )
    production = rows.loc[rows["response"] == "production", "value"].median()
    axes.axhline(production, ls=":", color=COLOURS[model], lw=2)


def _headline(table: pd.DataFrame) -> str:
    """How much half an overlap adds where it adds most and least, of models that memorise."""
    gaps = wide(
        table[table["response"] == "gap"], index=["data", "model", "block"], columns="overlap"
    )
    added = (gaps[HALF] - gaps[NONE]).rename("added").reset_index()
    added = added[added["model"].isin(MEMORISING)]
    medians = added.groupby(["data", "model"])["added"].median()
    return (
        "Half of the validation rows trained on lifts validation by "
        f"{medians.min():.1f} to {medians.max():.0f} points:\nby 1 or more in "
        f"{(medians >= POINT).sum()} of {len(medians)} settings of the models that can memorise\n"
        f"(medians of {table['block'].nunique()} trainings, 99 % intervals)"
    )


EXPERIMENT = Experiment(
    question="By how much does overlap of training and validation rows inflate validation?",
    factors=(DATA, MODEL, OVERLAP),
    only=lambda arm: arm[DATA] != SPIRAL or arm[MODEL] != LINEAR,
    responses=RESPONSES,
    blocks=PerProfile(2, 20, 60),
    effort=PerProfile(60, 600, 600),
    prepare_run=load_tables,
    prepare=Cell,
    measure=measure,
    claims=CLAIMS,
    figures=(inflation,),
)
