"""Which steps of preparing data leak, when they are taken before the split?

Four steps are taken on all rows before they are split into training and validation, or after the
split, on the training rows alone:

- scaler: means and standard deviations of the columns;
- feature selection: the 50 columns in which the classes differ most, out of the data's own and
  1,000 of coin tosses;
- oversampling: rows of the class that has one row in five are repeated until the classes are even;
- near copies: every row has two copies with a little noise (takes of one subject); before the split
  means that rows are split, after it that subjects are.

Production is rows of their own that no step sees. Leakage shows as a gap, validation less
production accuracy, that splitting first does not have. Accuracy is the mean of both classes'
recall, which does not move with the classes' shares, as oversampling moves them.

The data sets are small (200 rows before the split), where leaks are largest: 3 against 8 of the
digits, breast cancer, and inputs that say nothing about the label, where every right answer above
one half is a leak. A block's value is the mean over several splits. Verdicts: for the literal
claim, statistics, every data set and model; for the other steps, all data with the model that
memorises, and the linear model where there is no signal. That splitting first cures is judged where
there is a signal: without one, validation scatters too much for a margin of 1 point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
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
from harness.figures import BLACK, BLUE, VERMILION, draw_blocks
from studies.bugs.overlap import DOCUMENTS_GAP, LEAST_GAP
from studies.bugs.samples import CANCER, DIGITS, NEAREST, Numbers, bundled, nearest, one_thread

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCALER, SELECTION = "scaler", "feature selection"
OVERSAMPLING, COPIES = "oversampling", "near copies"
DIGIT_PAIR, NO_SIGNAL = "digits 3 and 8", "no signal"
FIRST, LAST = "first", "last"
LINEAR = "linear"

KIND = Factor("kind", (SCALER, SELECTION, OVERSAMPLING, COPIES))
SPLIT = Factor("split", (FIRST, LAST), control=FIRST)
DATA = Factor("data", (DIGIT_PAIR, CANCER, NO_SIGNAL))
MODEL = Factor("model", (NEAREST, LINEAR))

ROWS, PRODUCTION = 200, 330
MINORITY = 40  # of the rows, where they are uneven
NOISE_COLUMNS, KEPT = 1000, 50
COPIES_EACH, COPY_NOISE = 2, 0.1  # noise in standard deviations of a column
LEAK = 0.01  # the catalogue's rule: 1 point
OTHERS = (SELECTION, OVERSAMPLING, COPIES)
#: The model in which a kind shows most.
WORST_MODEL = {SCALER: NEAREST, SELECTION: LINEAR, OVERSAMPLING: NEAREST, COPIES: NEAREST}

CLAIMS: tuple[Claim | Control, ...] = (
    Claim(
        "C5.19",
        Difference("gap", SPLIT).at(kind=SCALER),
        at_least(LEAK),
        reading="Literally, statistics: the mean and s.d. of all rows widen the gap between "
        "validation and production by 1 point or more.",
    ),
    Claim(
        "C5.19",
        Difference("gap", SPLIT).at(kind=OTHERS, model=NEAREST),
        at_least(LEAK),
        reading="Taken widely, any preparation that sees all rows: the same with the model that "
        "memorises,",
    ),
    Claim(
        "C5.19",
        Difference("gap", SPLIT).at(kind=OTHERS, model=LINEAR, data=NO_SIGNAL),
        at_least(LEAK),
        reading="and with the linear model where there is nothing to learn.",
    ),
    *(
        Claim(
            "C5.21",
            Value("gap").at(kind=kind, model=model, split=LAST, data=NO_SIGNAL),
            at_least(LEAST_GAP),
            reading="This kind of leak gives the documents' 25 points, to 20 %, where there is no "
            "signal and with the model in which it shows most.",
        )
        for kind, model in WORST_MODEL.items()
    ),
    Claim(
        "C5.23",
        Value("gap").at(split=FIRST, data=(DIGIT_PAIR, CANCER)),
        at_most(LEAK),
        reading="Cured: with the split first validation is at most 1 point above production.",
    ),
    Control(
        "nothing can be learnt where there is no signal",
        Value("production").at(data=NO_SIGNAL),
        equals(0.5, within=0.05),
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
        found = np.array([one_split(arm, rng) for rng in streams]).mean(axis=0)
    training, validation, production = found.tolist()
    return {
        "training": training,
        "validation": validation,
        "production": production,
        "gap": validation - production,
    }


def one_split(arm: Arm, rng: np.random.Generator) -> tuple[float, float, float]:
    """Accuracy in training, validation and production, with the step before or after the split."""
    kind, last = arm[KIND], arm[SPLIT] == LAST
    rows, production = draw(arm[DATA], kind, rng)
    if kind == OVERSAMPLING and last:
        rows = oversampled(rows, rng)
    unit = rows.subject if kind == COPIES and not last else np.arange(len(rows.y))
    train, val = halves(rows, unit, rng)
    if kind == OVERSAMPLING and not last:
        train = oversampled(train, rng)
    columns = np.arange(rows.x.shape[1])
    if kind == SELECTION:
        columns = best_columns(rows if last else train)
    scaled_by = rows if kind == SCALER and last else train
    return fit_and_score(arm[MODEL], (train, val, production), columns, scaled_by)


def draw(data: str, kind: str, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """The rows to be split, made ready for the kind of leak, and those of production."""
    rows = _all_rows(data, rng)
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


def _all_rows(data: str, rng: np.random.Generator) -> Rows:
    if data == NO_SIGNAL:
        x = rng.standard_normal((ROWS + PRODUCTION, 30), dtype=np.float32)
        y = rng.integers(0, 2, len(x))
    else:
        table = bundled(DIGITS if data == DIGIT_PAIR else data)
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


def leaks(table: pd.DataFrame) -> Figure:
    """The gap that preparing before the split adds, by kind of leak, data and model."""
    from matplotlib.figure import Figure

    gaps = _widened(table)
    figure = Figure()
    panels = figure.subplots(1, 3, sharey=True)
    for axes, data in zip(panels, DATA.levels, strict=True):
        for place, kind in enumerate(KIND.levels):
            _draw_kind(axes, place, gaps[data, kind])
        axes.axhline(0, color=BLACK, lw=1)
        axes.axhline(100 * DOCUMENTS_GAP, color=BLACK, lw=1.5, ls="--")
        axes.set_title(data, fontsize=18)
        labels = [kind.replace(" ", "\n") for kind in KIND.levels]
        axes.set_xticks(range(len(labels)), labels, fontsize=13, rotation=30)
    panels[0].set_ylabel("what splitting last adds to\nvalidation - production (points)")
    panels[0].text(-0.4, 100 * DOCUMENTS_GAP + 0.4, "the documents' 95 - 70", fontsize=14)
    for model, colour in ((NEAREST, VERMILION), (LINEAR, BLUE)):
        panels[0].plot([], [], "D", color=colour, label=model)
    panels[0].legend(loc="center left", fontsize=14)
    scaler = [gaps[data, SCALER][model] for data in DATA.levels for model in MODEL.levels]
    most = max(abs(np.median(values)) for values in scaler)
    figure.suptitle(
        f"Scaling by all rows changes the gap by at most {most:.1f} points; near copies without a "
        f"signal\nby {np.median(gaps[NO_SIGNAL, COPIES][NEAREST]):.0f} "
        f"({table['block'].nunique()} blocks, medians with 99 % intervals)",
        fontsize=20,
    )
    return figure


def _widened(table: pd.DataFrame) -> dict[tuple[str, str], dict[str, NDArray[np.float64]]]:
    """By data and kind, for each model: gap with the split last less that with the split first."""
    gaps = 100 * table[table["response"] == "gap"].pivot_table(
        index="block", columns=["data", "kind", "model", "split"], values="value"
    )
    return {
        (data, kind): {
            model: (gaps[data, kind, model, LAST] - gaps[data, kind, model, FIRST]).to_numpy()
            for model in MODEL.levels
        }
        for data in DATA.levels
        for kind in KIND.levels
    }


def _draw_kind(axes: Axes, place: int, values: dict[str, NDArray[np.float64]]) -> None:
    for model, shift, colour in ((NEAREST, -0.18, VERMILION), (LINEAR, 0.18, BLUE)):
        draw_blocks(axes, place + shift, values[model], colour=colour, width=0.12)


EXPERIMENT = Experiment(
    question="Which steps of preparing data leak, when they are taken before the split?",
    factors=(KIND, SPLIT, DATA, MODEL),
    responses=(
        Response("training", "1", "training"),
        Response("validation", "1", "validation"),
        Response("production", "1", "production"),
        Response("gap", "1", "gap"),
    ),
    blocks=PerProfile(2, 40, 100),
    effort=PerProfile(4, 20, 20),
    measure=measure,
    claims=CLAIMS,
    figures=(leaks,),
)
