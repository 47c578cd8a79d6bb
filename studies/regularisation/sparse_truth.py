"""Is L1 the better choice where few features matter, and L2 where all do?

Linear regressions on 50 normal features, of which 5 or all have a weight (normal, so that some are
small), with little noise (R2 of 0.9 at best) or much (0.5), on 100 rows or 300. L1 and L2 are each
tuned on the same five folds, over as many strengths, as the document asks for both; then compared
by their squared error on 2,000 fresh rows. The advice is good where the penalty that it names has
an error at least 5 % below the other's. There are a hundred draws, for with forty an effect of 5 %
was often left open.

Two further questions come from the same fits: whether L1 with all features relevant sets some of
them to zero and pays for it in error, and what fewer rows than features, or the correlated columns
of real data (the 30 measurements of breast cancer rows, with made-up weights), change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    equals,
)
from harness.figures import BLACK, BLUE, ORANGE, draw_blocks, told

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Numbers = NDArray[np.float64]

FEATURES, FRESH, FOLDS = 50, 2000, 5
LONGEST = 100_000  # passes of coordinate descent: all converge before
SPARSE, DENSE = "5 of 50 features matter", "all 50 features matter"
FEW_REAL, ALL_REAL = "3 of 30 correlated features matter", "all 30 correlated features matter"


class Truth(NamedTuple):
    """How many features have a weight, and where the rows come from."""

    relevant: int
    real: bool = False


TRUTHS: Mapping[str, Truth] = {
    SPARSE: Truth(5),
    DENSE: Truth(FEATURES),
    FEW_REAL: Truth(3, real=True),
    ALL_REAL: Truth(30, real=True),
}
TRUTH = Factor("truth", tuple(TRUTHS))
ROWS = Factor("rows", (40, 100, 300), words={40: "40 rows", 100: "100 rows", 300: "300 rows"})
NOISE = Factor(
    "noise", (0.9, 0.5), words={0.9: "little noise (R² 0.9)", 0.5: "much noise (R² 0.5)"}
)

BETTER, WORSE = at_most(0.95), at_least(1 / 0.95)
L1_READING = (
    "Use L1 where few features matter: tuned by cross-validation, its squared error on fresh rows "
    "is at least 5 % below that of tuned L2."
)
L2_READING = (
    "Use L2 where all features matter: tuned by cross-validation, its squared error on fresh rows "
    "is at least 5 % below that of tuned L1."
)
LOST_READING = (
    "Lost signal: tuned L1 sets at least one relevant feature to zero, and its squared error on "
    "fresh rows is at least 5 % above that of tuned L2."
)
USUAL = (100, 300)
MOST = USUAL[-1]
FEWER = "fewer rows than features"
CORRELATED = "real columns, which are correlated, with made-up weights"

RATIO, LOST = Value("error_ratio"), Value("lost")
CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "D-l1l2-8",
        RATIO.at(truth=SPARSE, rows=USUAL),
        BETTER,
        L1_READING,
        headline={"rows": 100, "noise": 0.9},
    ),
    Claim("D-l1l2-8", RATIO.at(truth=DENSE, rows=USUAL), WORSE, L2_READING),
    Claim("D-l1l2-9", LOST.at(truth=DENSE, rows=USUAL), at_least(5.0), LOST_READING),
    Beyond("D-l1l2-8", RATIO.at(truth=SPARSE, rows=40), BETTER, why=FEWER, reading=L1_READING),
    Beyond("D-l1l2-8", RATIO.at(truth=DENSE, rows=40), WORSE, why=FEWER, reading=L2_READING),
    Beyond("D-l1l2-9", LOST.at(truth=DENSE, rows=40), at_least(5.0), why=FEWER),
    Beyond("D-l1l2-8", RATIO.at(truth=FEW_REAL), BETTER, why=CORRELATED, reading=L1_READING),
    Beyond("D-l1l2-8", RATIO.at(truth=ALL_REAL), WORSE, why=CORRELATED, reading=L2_READING),
    Beyond("D-l1l2-9", LOST.at(truth=ALL_REAL), at_least(5.0), why=CORRELATED),
    Control(
        "no feature is lost where L1 has no strength",
        Value("lost_without").always(),
        equals(0.0),
    ),
)


@dataclass(frozen=True)
class Problem:
    """Rows to fit and fresh rows, both standardised by the first."""

    x: Numbers
    y: Numbers
    fresh_x: Numbers
    fresh_y: Numbers
    weights: Numbers


def draw(truth: Truth, rows: int, r2: float, seed: int) -> Problem:
    """A problem from its seed.

    Args:
        truth: how many weights are not zero, and whose features.
        rows: to fit.
        r2: the share of the target's variance that the features explain.
        seed: of features, weights and noise.
    """
    rng = np.random.default_rng(seed)
    if truth.real:
        features = measurements()[rng.permutation(len(measurements()))]
        rows = min(rows, 300)
    else:
        features = rng.standard_normal((rows + FRESH, FEATURES))
    weights = np.zeros(features.shape[1])
    chosen = rng.permutation(len(weights))[: truth.relevant]
    weights[chosen] = rng.standard_normal(truth.relevant)
    signal = features @ weights
    noise = np.sqrt(signal.var() * (1 - r2) / r2)
    y = signal + noise * rng.standard_normal(len(signal))
    mean, sd = features[:rows].mean(axis=0), features[:rows].std(axis=0)
    x, y = (features - mean) / sd, y - y[:rows].mean()
    return Problem(x[:rows], y[:rows], x[rows:], y[rows:], weights)


@lru_cache(maxsize=1)
def measurements() -> Numbers:
    """The 30 measurements of 569 breast cancer rows, standardised."""
    from sklearn.datasets import load_breast_cancer

    x, _ = load_breast_cancer(return_X_y=True)
    found: Numbers = (x - x.mean(axis=0)) / x.std(axis=0)
    return found


def tuned(problem: Problem, seed: int) -> tuple[Numbers, Numbers]:
    """The weights of L1 and of L2, each tuned on the same folds over 50 strengths."""
    from sklearn.linear_model import LassoCV
    from sklearn.model_selection import KFold

    folds = list(KFold(FOLDS, shuffle=True, random_state=seed % 2**32).split(problem.x))
    l1_path = LassoCV(alphas=50, cv=folds, fit_intercept=False, precompute=True, max_iter=LONGEST)
    lasso = l1_path.fit(problem.x, problem.y)
    strengths = len(problem.y) * np.logspace(-4, 2, 50)
    errors = np.zeros(len(strengths))
    for train, held_out in folds:
        found = ridge(problem.x[train], problem.y[train], strengths)
        errors += ((problem.x[held_out] @ found.T - problem.y[held_out, None]) ** 2).sum(axis=0)
    best = strengths[errors.argmin()]
    l1: Numbers = lasso.coef_
    return l1, ridge(problem.x, problem.y, np.array([best]))[0]


def ridge(x: Numbers, y: Numbers, strengths: Numbers) -> Numbers:
    """The weights with the least squared error plus L2; a row for each strength."""
    left, sizes, right = np.linalg.svd(x, full_matrices=False)
    kept = sizes / (sizes**2 + strengths[:, None])
    weights: Numbers = (kept * (left.T @ y)) @ right
    return weights


def error(problem: Problem, weights: Numbers) -> float:
    """Mean squared error on the fresh rows."""
    return float(np.mean((problem.fresh_x @ weights - problem.fresh_y) ** 2))


def measure(block: Block, arm: Arm) -> Responses:
    """Tune both penalties, and compare them."""
    problem = draw(TRUTHS[arm[TRUTH]], arm[ROWS], arm[NOISE], block.seed)
    l1, l2 = tuned(problem, block.seed)
    ratio = error(problem, l1) / error(problem, l2)
    lost = relevant_zeros(l1, problem.weights)
    plain: Numbers = np.linalg.lstsq(problem.x, problem.y, rcond=None)[0].astype(np.float64)
    return {
        "error_ratio": ratio,
        "zeroed": float(lost),
        "lost": 100 * (ratio - 1) if lost else 0.0,
        "lost_without": float(relevant_zeros(plain, problem.weights)),
    }


def relevant_zeros(found: Numbers, truth: Numbers) -> int:
    """How many features with a weight were given none."""
    return int(((found == 0) & (truth != 0)).sum())


def l1_against_l2(table: pd.DataFrame) -> Figure:
    """The ratio of errors, for every truth, noise and number of rows."""
    from matplotlib.figure import Figure

    figure = Figure()
    ratios = table[table["response"] == "error_ratio"]
    for axes, noise in zip(figure.subplots(1, 2, sharey=True), NOISE.levels, strict=True):
        for truth, colour in ((SPARSE, BLUE), (DENSE, ORANGE)):
            _draw_truth(axes, ratios[ratios["noise"] == noise], truth, colour)
        axes.axhline(1, color=BLACK, linewidth=1)
        axes.axhspan(0.95, 1 / 0.95, color="#EEEEEE", zorder=0)
        axes.set_xticks(range(len(ROWS.levels)), [f"{rows}" for rows in ROWS.levels])
        axes.set_title(NOISE.say(noise), fontsize=18)
    figure.axes[0].set_ylabel("squared error on fresh rows,\nL1 over L2 (grey: within 5 %)")
    figure.axes[1].legend(loc="upper right")
    figure.supxlabel("rows to fit 50 features with")
    at = ratios[(ratios["noise"] == 0.9) & (ratios["rows"] == 100)]
    sparse, dense = (
        told(at[at["truth"] == truth]["value"].to_numpy(np.float64)) for truth in (SPARSE, DENSE)
    )
    figure.suptitle(
        f"L1's error over L2's, both tuned: {sparse} where 5 of 50 features matter,\n{dense} where "
        f"all do (100 rows, little noise; CPU; dots: {table['block'].nunique()} draws)",
        fontsize=18,
    )
    return figure


def _draw_truth(axes: Axes, rows: pd.DataFrame, truth: str, colour: str) -> None:
    shift = -0.15 if truth == SPARSE else 0.15
    for place, count in enumerate(ROWS.levels):
        mine = rows[(rows["truth"] == truth) & (rows["rows"] == count)]
        values = mine["value"].to_numpy(np.float64)
        label = truth if place == 0 else None
        draw_blocks(axes, place + shift, values, colour=colour, width=0.1, label=label)


def in_the_design(arm: Arm) -> bool:
    """Real columns, of which there are 569 rows, are fitted with the most of them alone."""
    return arm[ROWS] == MOST or not TRUTHS[arm[TRUTH]].real


EXPERIMENT: Experiment[Block] = Experiment(
    question="Is L1 the better choice where few features matter, and L2 where all do?",
    factors=(TRUTH, ROWS, NOISE),
    only=in_the_design,
    responses=(
        Response("error_ratio", "1", "squared error on fresh rows of tuned L1 over that of L2"),
        Response("zeroed", "features", "relevant features that tuned L1 sets to zero"),
        Response(
            "lost",
            "%",
            "by how much the error of tuned L1 is above that of L2, where it zeroes a relevant "
            "feature",
        ),
        Response("lost_without", "features", "relevant features that no penalty sets to zero"),
    ),
    blocks=PerProfile(2, 100, 150),
    measure=measure,
    imports=("sklearn.linear_model", "sklearn.datasets"),
    claims=CLAIMS,
    figures=(l1_against_l2,),
)
