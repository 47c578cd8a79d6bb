"""The gallery of bugs, one panel each, and the table of their symptoms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.figures import BLACK, BLUE, GREEN, VERMILION
from studies.bugs.cases import CASES, DIGITS, KINDS, NAMES, NONE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Symptoms by response: what the table calls them.
COLUMNS = {
    "last_loss": "training\nloss at\nthe end",
    "roughness": "training\nloss\nrough",
    "gradient_growth": "gradient\nnorm\ngrows",
    "last_val_score": "validation\naccuracy",
    "val_scatter": "validation\nscatter",
    "repeats_differ": "repeats\ndiffer",
    "behind_training": "training\nless val.",
    "val_less_production": "val. less\nproduction",
    "stored_bytes": "memory\nkept",
    "frozen_with_gradient": "frozen,\nwith\ngradient",
}
#: What the document's text or table says of each bug: more (+1) or less (-1) of a symptom.
CLAIMED = {
    "keep_gradients": {"last_loss": 1, "roughness": 1, "gradient_growth": 1},
    "evaluate_in_train_mode": {"val_scatter": 1, "repeats_differ": 1},
    "train_in_eval_mode": {"last_val_score": -1},
    "keep_outputs": {"stored_bytes": 1},
    "stale_optimiser": {"frozen_with_gradient": 1},
    "leak": {"last_val_score": 1, "behind_training": -1, "val_less_production": 1},
}
FOUND = 0.9  # a symptom is found where this share of the seeds shows it, on every data set


class Panel(NamedTuple):
    """What a panel of the gallery shows: a response, the claim, and what was found of it."""

    response: str
    axis: str
    claim: str
    found: Callable[[pd.DataFrame, str], str]
    log: bool = False


def values(table: pd.DataFrame, bug: str, response: str, case: str = DIGITS) -> pd.DataFrame:
    """A response of one bug, shape (rounds, blocks)."""
    at = (table["bug"] == bug) & (table["response"] == response) & (table["case"] == case)
    return table[at].pivot_table(
        index="round", columns="block", values="value", dropna=False, aggfunc="first"
    )


def _median(table: pd.DataFrame, bug: str, response: str) -> float:
    """The median over seeds of the last round."""
    return float(np.median(values(table, bug, response).iloc[-1].to_numpy(np.float64)))


def _loss_grows(table: pd.DataFrame, bug: str) -> str:
    bugged, correct = (10 ** _median(table, kind, "last_loss") for kind in (bug, NONE))
    return f"ends at {bugged:.2g} x the first loss ({correct:.2g} x)"


def _scatters(table: pd.DataFrame, bug: str) -> str:
    bugged, correct = (100 * _median(table, kind, "val_scatter") for kind in (bug, NONE))
    return f"moves {bugged:.1f} points an epoch ({correct:.1f})"


def _accuracy(table: pd.DataFrame, bug: str) -> str:
    bugged, correct = (100 * _median(table, kind, "last_val_score") for kind in (bug, NONE))
    return f"ends at {bugged:.1f} % ({correct:.1f} %)"


def _memory(table: pd.DataFrame, bug: str) -> str:
    bugged, correct = (_median(table, kind, "stored_bytes") / 1024 for kind in (bug, NONE))
    return f"{bugged:.0f} KiB of outputs at the end ({correct:.0f})"


def _same(table: pd.DataFrame, bug: str) -> str:
    same = values(table, bug, "same_loss").to_numpy()
    return f"equal to the last bit in {same.sum():.0f} of {same.size} runs"


def _beyond_production(table: pd.DataFrame, bug: str) -> str:
    bugged, correct = (100 * _median(table, kind, "val_less_production") for kind in (bug, NONE))
    return f"{bugged:+.1f} points above it ({correct:+.1f})"


PANELS = {
    "keep_gradients": Panel(
        "train_loss", "training loss (nat)", "oscillates, then explodes", _loss_grows, log=True
    ),
    "evaluate_in_train_mode": Panel(
        "val_score", "validation accuracy (%)", "noisy validation", _scatters
    ),
    "train_in_eval_mode": Panel("val_score", "validation accuracy (%)", "quietly worse", _accuracy),
    "keep_outputs": Panel("kept_bytes", "stored outputs (KiB)", "memory grows linearly", _memory),
    "stale_optimiser": Panel(
        "train_loss", "training loss (nat)", "wrong updates, wasted work", _same, log=True
    ),
    "leak": Panel(
        "val_score",
        "accuracy (%)",
        "all fine but in production",
        _beyond_production,
    ),
}
SCALES = {"val_score": 100.0, "kept_bytes": 1 / 1024}


def gallery(table: pd.DataFrame) -> Figure:
    """Correct and bugged curves of the digits, a panel a bug, with bands over the seeds."""
    from matplotlib.figure import Figure

    figure = Figure()
    for axes, (bug, panel) in zip(figure.subplots(2, 3).flat, PANELS.items(), strict=True):
        scale = SCALES.get(panel.response, 1.0)
        _band(axes, values(table, NONE, panel.response), scale, BLUE, "correct")
        _band(axes, values(table, bug, panel.response), scale, VERMILION, "with the bug")
        if bug == "leak":
            _band(axes, values(table, bug, "production_score"), scale, GREEN, "production")
        if panel.log:
            axes.set_yscale("log")
            axes.tick_params(which="minor", labelsize=12)
        axes.set_ylabel(panel.axis, fontsize=14)
        axes.tick_params(labelsize=12)
        found = panel.found(table, bug)
        title = f"{NAMES[bug]}\nclaim: {panel.claim}\nfound: {found}"
        axes.set_title(title, fontsize=12.5, loc="left")
        if bug in ("keep_gradients", "leak"):
            axes.legend(fontsize=12)
    figure.supxlabel("epoch", fontsize=14)
    blocks = table["block"].nunique()
    figure.suptitle(
        f"Six silent bugs on digits: median and middle 80 % of {blocks} seeds "
        "(in brackets: the correct run)",
        fontsize=18,
    )
    return figure


def _band(axes: Axes, found: pd.DataFrame, scale: float, colour: str, label: str) -> None:
    curves = scale * found.to_numpy(np.float64)
    low, middle, high = np.quantile(curves, [0.1, 0.5, 0.9], axis=1, method="nearest")
    epochs = np.arange(1, len(curves) + 1)
    dashed = "--" if colour == VERMILION else "-"  # equal curves lie on each other
    axes.plot(epochs, middle, dashed, color=colour, lw=2, label=label)
    axes.fill_between(epochs, low, high, color=colour, alpha=0.2, lw=0)


def symptoms(table: pd.DataFrame) -> Figure:
    """How often a bugged run shows more of a symptom than the correct run of its seed."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    bugs = KINDS[1:]
    more = np.array([[_more(table, bug, name) for name in COLUMNS] for bug in bugs])
    figure = Figure()
    axes = figure.subplots()
    axes.imshow(np.nan_to_num(more).mean(axis=2), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    for row, bug in enumerate(bugs):
        for column, name in enumerate(COLUMNS):
            dark = abs(np.nan_to_num(more[row, column]).mean()) > 0.6
            colour = "white" if dark else BLACK
            text = _cell(more[row, column])
            axes.text(column, row, text, ha="center", va="center", size=13, color=colour)
            if name in CLAIMED[bug]:
                frame = Rectangle((column - 0.47, row - 0.46), 0.94, 0.92, fill=False)
                frame.set(edgecolor=BLACK, linewidth=3)
                axes.add_patch(frame)
    axes.set_xticks(range(len(COLUMNS)), COLUMNS.values(), fontsize=13)
    axes.set_yticks(range(len(bugs)), [NAMES[bug] for bug in bugs], fontsize=14)
    axes.xaxis.tick_top()
    axes.grid(visible=False)
    axes.set_xlabel(
        "share of seeds with more of it than the correct run, less the share with less (points; "
        "four data sets)\n= : equal to the last bit in every run; framed: the document names it",
        fontsize=14,
    )
    figure.suptitle(_headline(table, more), fontsize=19)
    return figure


def _more(table: pd.DataFrame, bug: str, name: str) -> NDArray[np.float64]:
    """For each data set the share of seeds with more of a symptom less that with less of it.

    NaN marks a data set where all are equal.
    """
    shares = []
    for case in CASES:
        change = (
            values(table, bug, name, case).to_numpy() - values(table, NONE, name, case).to_numpy()
        )
        shares.append(float(np.sign(change).mean()) if change.any() else np.nan)
    return np.array(shares)


def _cell(shares: NDArray[np.float64]) -> str:
    return "=" if np.isnan(shares).all() else f"{100 * np.nan_to_num(shares).mean():+.0f}"


def _headline(table: pd.DataFrame, more: NDArray[np.float64]) -> str:
    """How many of the document's symptoms are found on how many data sets."""
    columns = list(COLUMNS)
    held = [
        sign * more[row, columns.index(name)]
        for row, bug in enumerate(KINDS[1:])
        for name, sign in CLAIMED[bug].items()
    ]
    # 90 % of the seeds show it and the others do not: 0.9 - 0.1.
    everywhere = sum(bool((shares >= 2 * FOUND - 1).all()) for shares in held)
    return (
        f"Of {len(held)} symptoms that the document names, {everywhere} show in 9 of 10 runs on "
        f"every data set\n({table['block'].nunique()} seeds a data set)"
    )
