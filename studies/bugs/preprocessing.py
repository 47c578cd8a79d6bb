"""Which steps of preparing data leak, when they are taken before the split?

Three steps are taken on all rows before they are split into training and validation (split last),
or after the split, on the training rows alone (split first):

- scaler: means and standard deviations of the columns;
- feature selection: the 50 columns in which the classes differ most, out of the data's own and
  1,000 of coin tosses;
- oversampling: rows of the class that has one row in five are repeated until the classes are even,
  so that a row may stand on both sides of the split.

A fourth leak is in the data from the start: every row has two copies with a little noise (takes of
one subject). Splitting the rows first does nothing about it; splitting by subject does.

Production is rows of their own that no step sees. Leakage shows as a gap, validation less
production accuracy, that the right split does not have. Accuracy is the mean of both classes'
recall, which does not move with the classes' shares, as oversampling moves them. The data sets are
small (200 rows before the split), where leaks are largest: 3 against 8 of the digits, breast
cancer, and inputs that say nothing about the label, where every right answer above one half is a
leak. A block's value is the mean over several splits.

The document names statistics, so the verdict on whether they leak is on the scaler alone, on the
two data sets with a signal. That splitting first cures is judged where a leak that it names has a
gap to cure: rows that stand on both sides, here by oversampling, for the model that memorises; the
gap must be within a point of none, either way. All else stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
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
from harness.figures import BLACK, BLUE, VERMILION, draw_blocks, median_interval, wide
from studies.bugs.samples import (
    CANCER,
    DIGITS,
    DOCUMENTS_GAP,
    LEAST_GAP,
    NEAREST,
    POINT,
    Numbers,
    Tables,
    load_tables,
    nearest,
    one_thread,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCALER, SELECTION = "scaler", "feature selection"
OVERSAMPLING, COPIES = "oversampling", "near copies"
DIGIT_PAIR, NO_SIGNAL = "digits 3 and 8", "no signal"
FIRST, LAST, BY_SUBJECT = "first", "last", "by subject"
LINEAR = "linear"

KIND = Factor("kind", (SCALER, SELECTION, OVERSAMPLING, COPIES))
SPLIT = Factor(
    "split",
    (FIRST, LAST, BY_SUBJECT),
    control=FIRST,
    words={
        FIRST: "rows split first",
        LAST: "rows split last",
        BY_SUBJECT: "subjects split first",
    },
)
DATA = Factor("data", (DIGIT_PAIR, CANCER, NO_SIGNAL), words={NO_SIGNAL: "labels by chance"})
MODEL = Factor("model", (NEAREST, LINEAR), words={LINEAR: "linear model"})

ROWS, PRODUCTION = 200, 330
MINORITY = 40  # of the rows, where they are uneven
NOISE_COLUMNS, KEPT = 1000, 50
COPIES_EACH, COPY_NOISE = 2, 0.1  # noise in standard deviations of a column
WITH_SIGNAL = (DIGIT_PAIR, CANCER)
STEPS = (SELECTION, OVERSAMPLING)
#: The model in which a kind shows most.
WORST_MODEL = {SELECTION: LINEAR, OVERSAMPLING: NEAREST}
NO_STATISTICS = "a preparation that is no statistics of the inputs"
BY_CHANCE = "labels by chance, which nobody classifies"
NOT_NAMED = "a leak that the passage does not name"

RESPONSES = (
    Response("training", "%", "training accuracy"),
    Response("validation", "%", "validation accuracy"),
    Response("production", "%", "production accuracy"),
    Response("gap", "points", "the gap between validation and production accuracy"),
    Response("behind_training", "points", "the gap between training and validation accuracy"),
)

GAP_ADDED = Difference("gap", SPLIT)
CLOSENESS = Difference("behind_training", SPLIT)
#: Near copies are in the data: what they add is seen against a split by subject.
OF_COPIES = {"kind": COPIES, "split": FIRST}

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C5.19",
        GAP_ADDED.at(kind=SCALER, split=LAST, data=WITH_SIGNAL),
        at_least(POINT),
        reading="Statistics leak: the mean and standard deviation of all rows, validation "
        "included, widen the gap between validation and production by 1 point or more.",
        headline={"data": DIGIT_PAIR, "model": NEAREST},
    ),
    Beyond(
        "C5.19",
        GAP_ADDED.at(kind=SCALER, split=LAST, data=NO_SIGNAL),
        at_least(POINT),
        why=BY_CHANCE,
    ),
    Beyond(
        "C5.19",
        GAP_ADDED.at(kind=STEPS, split=LAST),
        at_least(POINT),
        why=NO_STATISTICS,
    ),
    Beyond(
        "C5.19",
        GAP_ADDED.against(BY_SUBJECT).at(**OF_COPIES),
        at_least(POINT),
        why="near copies in the data, which are no statistics",
    ),
    *(
        Beyond(
            "C5.21",
            Value("gap").at(kind=kind, model=model, split=LAST, data=NO_SIGNAL),
            at_least(LEAST_GAP),
            why=NOT_NAMED,
            reading="With labels by chance it gives a gap of 20 points or more.",
        )
        for kind, model in WORST_MODEL.items()
    ),
    Beyond(
        "C5.21",
        Value("gap").at(**OF_COPIES, model=NEAREST, data=NO_SIGNAL),
        at_least(LEAST_GAP),
        why=NOT_NAMED,
        reading="With labels by chance it gives a gap of 20 points or more.",
    ),
    Claim(
        "C5.22",
        CLOSENESS.at(kind=SCALER, split=LAST, data=WITH_SIGNAL),
        at_most(-POINT),
        reading="Close: with the mean and standard deviation of all rows validation is 1 point or "
        "more closer to training than with those of the training rows.",
    ),
    Beyond(
        "C5.22",
        CLOSENESS.at(kind=STEPS, split=LAST, data=WITH_SIGNAL),
        at_most(-POINT),
        why=NOT_NAMED,
    ),
    Beyond(
        "C5.22",
        CLOSENESS.against(BY_SUBJECT).at(**OF_COPIES, data=WITH_SIGNAL),
        at_most(-POINT),
        why=NOT_NAMED,
    ),
    Claim(
        "C5.23",
        Value("gap").at(kind=OVERSAMPLING, split=FIRST, data=WITH_SIGNAL, model=NEAREST),
        equals(0, within=POINT),
        reading="Cured: with the split before the rows are repeated, none of which then stands on "
        "both sides, validation is within 1 point of production.",
        headline={"data": DIGIT_PAIR},
    ),
    Beyond(
        "C5.23",
        Value("gap").at(kind=OVERSAMPLING, split=FIRST, data=WITH_SIGNAL, model=LINEAR),
        equals(0, within=POINT),
        why="a model that does not memorise, which repeated rows need",
    ),
    Beyond(
        "C5.23",
        Value("gap").at(kind=SCALER, split=FIRST, data=WITH_SIGNAL),
        equals(0, within=POINT),
        why="statistics, whose leak has to have a gap before it can be cured (C5.19)",
    ),
    Beyond(
        "C5.23",
        Value("gap").at(kind=SELECTION, split=FIRST, data=WITH_SIGNAL),
        equals(0, within=POINT),
        why=NOT_NAMED,
    ),
    Beyond(
        "C5.23",
        Value("gap").at(kind=COPIES, split=FIRST, data=WITH_SIGNAL),
        equals(0, within=POINT),
        why="near copies that are in the data before any split",
    ),
    Beyond(
        "C5.23",
        Value("gap").at(kind=COPIES, split=BY_SUBJECT, data=WITH_SIGNAL),
        equals(0, within=POINT),
        why="a split by subject, of which the passage does not speak",
    ),
    Control(
        "nothing can be learnt where labels are by chance",
        Value("production").at(data=NO_SIGNAL),
        equals(50, within=5),
    ),
)


@dataclass(frozen=True)
class Rows:
    """Inputs (rows, columns), classes 0 and 1, and the subject each row is of."""

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    subject: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """These rows, in this order."""
        return Rows(self.x[rows], self.y[rows], self.subject[rows])


def measure(block: Block, arm: Arm) -> Responses:
    """The mean over some splits; those of all arms start from the same streams."""
    streams = [np.random.default_rng([block.seed, number]) for number in range(block.effort)]
    with one_thread():
        each = [one_split(arm, rng, block.run) for rng in streams]
    training, validation, production = (100 * np.array(each).mean(axis=0)).tolist()
    return {
        "training": training,
        "validation": validation,
        "production": production,
        "gap": validation - production,
        "behind_training": training - validation,
    }


def one_split(arm: Arm, rng: np.random.Generator, tables: Tables) -> tuple[float, float, float]:
    """Accuracy in training, validation and production, with the step before or after the split."""
    kind, last = arm[KIND], arm[SPLIT] == LAST
    rows, production = draw(arm[DATA], kind, rng, tables)
    if kind == OVERSAMPLING and last:
        rows = oversampled(rows, rng)
    unit = rows.subject if arm[SPLIT] == BY_SUBJECT else np.arange(len(rows.y))
    train, val = halves(rows, unit, rng)
    if kind == OVERSAMPLING and not last:
        train = oversampled(train, rng)
    columns = np.arange(rows.x.shape[1])
    if kind == SELECTION:
        columns = best_columns(rows if last else train)
    scaled_by = rows if kind == SCALER and last else train
    return fit_and_score(arm[MODEL], (train, val, production), columns, scaled_by)


def draw(data: str, kind: str, rng: np.random.Generator, tables: Tables) -> tuple[Rows, Rows]:
    """The rows to be split, made ready for the kind of leak, and those of production."""
    rows = _all_rows(data, rng, tables)
    order = rng.permutation(len(rows.y))
    chosen = order[:ROWS]
    if kind == OVERSAMPLING:
        counts = (ROWS - MINORITY, MINORITY)
        chosen = np.concatenate([order[rows.y[order] == c][:n] for c, n in enumerate(counts)])
    production = rows.take(order[~np.isin(order, chosen)][:PRODUCTION])
    rows = rows.take(chosen)
    if kind == SELECTION:
        return with_tosses(rows, rng), with_tosses(production, rng)
    return (copied(rows, rng) if kind == COPIES else rows), production


def _all_rows(data: str, rng: np.random.Generator, tables: Tables) -> Rows:
    if data == NO_SIGNAL:
        x = rng.standard_normal((ROWS + PRODUCTION, 30), dtype=np.float32)
        y = rng.integers(0, 2, len(x))
    else:
        table = tables[DIGITS if data == DIGIT_PAIR else data]
        if data == DIGIT_PAIR:
            table = table.take(np.flatnonzero(np.isin(table.y, (3, 8))))
        x, y = table.x.astype(np.float32), (table.y == table.y.max()).astype(np.int64)
    return Rows(x, y, np.arange(len(y)))


def with_tosses(rows: Rows, rng: np.random.Generator) -> Rows:
    """The rows with columns of coin tosses beside their own."""
    tosses = rng.integers(0, 2, (len(rows.y), NOISE_COLUMNS), dtype=np.int8)
    return Rows(np.hstack([rows.x, tosses], dtype=np.float32), rows.y, rows.subject)


def copied(rows: Rows, rng: np.random.Generator) -> Rows:
    """Every row followed by its near copies."""
    again = rows.take(np.repeat(np.arange(len(rows.y)), 1 + COPIES_EACH))
    noise = rng.standard_normal(again.x.shape, dtype=np.float32) * rows.x.std(axis=0)
    return Rows(again.x + np.float32(COPY_NOISE) * noise, again.y, again.subject)


def oversampled(rows: Rows, rng: np.random.Generator) -> Rows:
    """All rows, and rows of the rarer class again, drawn at random, until the classes are even."""
    counts = np.bincount(rows.y, minlength=2)
    rare = np.flatnonzero(rows.y == counts.argmin())
    again = rng.choice(rare, counts.max() - counts.min())
    return rows.take(np.concatenate([np.arange(len(rows.y)), again]))


def halves(rows: Rows, unit: NDArray[np.int64], rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Two halves of the units; rows of one unit stay together."""
    units = rng.permutation(np.unique(unit))
    first = np.isin(unit, units[: len(units) // 2])
    return rows.take(np.flatnonzero(first)), rows.take(np.flatnonzero(~first))


def best_columns(rows: Rows) -> NDArray[np.int64]:
    """Columns in which the classes differ most, in the order that the F statistic gives."""
    apart = np.abs(rows.x[rows.y == 1].mean(axis=0) - rows.x[rows.y == 0].mean(axis=0))
    return np.argsort(-apart / (rows.x.std(axis=0) + 1e-6), kind="stable")[:KEPT]


def fit_and_score(
    model: str, parts: tuple[Rows, Rows, Rows], columns: NDArray[np.int64], scaled_by: Rows
) -> tuple[float, float, float]:
    """Scale, train on the first part, and take the mean recall of both classes on each part."""
    mean, sd = (f(scaled_by.x[:, columns], axis=0) for f in (np.mean, np.std))
    sd = np.where(sd == 0, 1, sd)  # as scikit-learn's scaler does with a constant column
    scaled = [(part.x[:, columns] - mean) / sd for part in parts]
    predict = nearest if model == NEAREST else ridge
    rights = [
        predict(scaled[0], parts[0].y, x) == part.y for x, part in zip(scaled, parts, strict=True)
    ]
    training, validation, production = (
        float(np.mean([right[part.y == c].mean() for c in (0, 1)]))
        for right, part in zip(rights, parts, strict=True)
    )
    return training, validation, production


def ridge(x: Numbers, y: NDArray[np.int64], new: Numbers) -> NDArray[np.int64]:
    """The class by ridge regression on -1 and 1: scikit-learn's ``RidgeClassifier``, but faster."""
    target = 2.0 * y - 1
    centre, middle = x.mean(axis=0), target.mean()
    off = x - centre
    weights = np.linalg.solve(off.T @ off + np.eye(x.shape[1]), off.T @ (target - middle))
    classes: NDArray[np.int64] = ((new - centre) @ weights + middle > 0).astype(np.int64)
    return classes


KIND_LABELS = {
    SCALER: "scaling\nby all rows",
    SELECTION: "selecting\ncolumns",
    OVERSAMPLING: "repeating\nrows",
    COPIES: "near copies\nin the data",
}


def leaks(table: pd.DataFrame) -> Figure:
    """The gap that each leak adds, by kind of leak, data and model."""
    from matplotlib.figure import Figure

    gaps = _widened(table)
    figure = Figure()
    panels = figure.subplots(1, 3, sharey=True)
    for axes, data in zip(panels, DATA.levels, strict=True):
        for place, kind in enumerate(KIND.levels):
            _draw_kind(axes, place, gaps[data, kind])
        axes.axhline(0, color=BLACK, lw=1)
        axes.axhline(DOCUMENTS_GAP, color=BLACK, lw=1.5, ls="--")
        axes.set_title(DATA.say(data), fontsize=18)
        axes.set_xticks(range(len(KIND_LABELS)), KIND_LABELS.values(), fontsize=13, rotation=40)
    panels[0].set_ylabel("what the leak adds to\nvalidation - production (points)")
    panels[0].text(-0.4, DOCUMENTS_GAP + 0.4, "the document's 95 - 70", fontsize=15)
    for model, colour in COLOURS.items():
        panels[0].plot([], [], "D", color=colour, label=MODEL.say(model))
    panels[0].legend(loc="center left", fontsize=16)
    figure.suptitle(_headline(gaps, table["block"].nunique()), fontsize=20)
    return figure


def _headline(gaps: dict[tuple[str, str], dict[str, NDArray[np.float64]]], blocks: int) -> str:
    """The largest effect of the scaler, with its interval."""
    scaler = [gaps[data, SCALER][model] for data in DATA.levels for model in MODEL.levels]
    most = max((median_interval(values) for values in scaler), key=lambda one: abs(one.estimate))
    copies = median_interval(gaps[NO_SIGNAL, COPIES][NEAREST])
    return (
        f"Scaling by all rows moves the gap by {most.estimate:+.2f} points at most "
        f"({most.low:+.2f} to {most.high:+.2f}),\nnear copies by up to {copies.estimate:.0f} "
        f"({blocks} blocks as dots, medians with 99 % intervals)"
    )


def _widened(table: pd.DataFrame) -> dict[tuple[str, str], dict[str, NDArray[np.float64]]]:
    """By data and kind, for each model: the gap with the leak less that without it."""
    gaps = wide(
        table[table["response"] == "gap"], index="block", columns=["data", "kind", "model", "split"]
    )
    leaky = {COPIES: (FIRST, BY_SUBJECT)}
    found = {}
    for data in DATA.levels:
        for kind in KIND.levels:
            with_leak, without = leaky.get(kind, (LAST, FIRST))
            found[data, kind] = {
                model: (
                    gaps[data, kind, model, with_leak] - gaps[data, kind, model, without]
                ).to_numpy()
                for model in MODEL.levels
            }
    return found


COLOURS = {NEAREST: VERMILION, LINEAR: BLUE}


def _draw_kind(axes: Axes, place: int, values: dict[str, NDArray[np.float64]]) -> None:
    for shift, (model, colour) in zip((-0.18, 0.18), COLOURS.items(), strict=True):
        draw_blocks(axes, place + shift, values[model], colour=colour, width=0.12)


def _needed(arm: Arm) -> bool:
    """Copies are in the data before any split: what is asked is by what the rows are split."""
    if arm[KIND] == COPIES:
        return arm[SPLIT] != LAST
    return arm[SPLIT] != BY_SUBJECT


EXPERIMENT = Experiment(
    question="Which steps of preparing data leak, when they are taken before the split?",
    factors=(KIND, SPLIT, DATA, MODEL),
    only=_needed,
    responses=RESPONSES,
    blocks=PerProfile(2, 40, 100),
    effort=PerProfile(4, 20, 20),
    prepare_run=load_tables,
    measure=measure,
    claims=CLAIMS,
    figures=(leaks,),
)
