"""The gallery of bugs, one panel each, and the table of their symptoms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.figures import BLACK, BLUE, GREEN, PALETTE, VERMILION
from studies.bugs.cases import BUGS, CASES, DIGITS, NAMES, NONE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: What the document's text or table says of each bug: more (+1) or less (-1) of a symptom.
CLAIMED = {
    "keep_gradients": {"last_loss": 1, "roughness": 1, "gradient_growth": 1},
    "evaluate_in_train_mode": {"val_scatter": 1, "repeats_differ": 1},
    "train_in_eval_mode": {"last_val_score": -1},
    "keep_outputs": {"stored_bytes": 1},
    "stale_optimiser": {"frozen_with_gradient": 1},
    "leak": {"last_val_score": 1, "behind_training": -1, "val_less_production": 1},
}
#: What the figure calls more or less of a symptom.
WORDS = {
    ("last_loss", 1): "training loss ends higher",
    ("roughness", 1): "training loss is rougher",
    ("gradient_growth", 1): "gradient norm grows more",
    ("val_scatter", 1): "validation scatters more",
    ("repeats_differ", 1): "repeated evaluations differ",
    ("last_val_score", -1): "validation accuracy is lower",
    ("stored_bytes", 1): "more memory is kept",
    ("frozen_with_gradient", 1): "frozen layers have gradients",
    ("last_val_score", 1): "validation accuracy is higher",
    ("behind_training", -1): "validation is closer to training",
    ("val_less_production", 1): "production falls behind more",
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
    """The last epoch over the first, as they are drawn."""
    curves = [values(table, kind, "train_loss").to_numpy(np.float64) for kind in (bug, NONE)]
    bugged, correct = (float(np.median(curve[-1] / curve[0])) for curve in curves)
    return f"ends at {bugged:.2g} x its start ({correct:.2g} x)"


def _scatters(table: pd.DataFrame, bug: str) -> str:
    bugged, correct = (100 * _median(table, kind, "val_scatter") for kind in (bug, NONE))
    return f"{bugged:.1f} points an epoch ({correct:.1f})"


def _accuracy(table: pd.DataFrame, bug: str) -> str:
    bugged, correct = (100 * _median(table, kind, "last_val_score") for kind in (bug, NONE))
    return f"ends at {bugged:.1f} % ({correct:.1f} %)"


def _memory(table: pd.DataFrame, bug: str) -> str:
    bugged, correct = (_median(table, kind, "stored_bytes") / 1024 for kind in (bug, NONE))
    return f"{bugged:.0f} KiB at the end ({correct:.0f})"


def _same(table: pd.DataFrame, bug: str) -> str:
    same = values(table, bug, "same_loss").to_numpy()
    return f"bit for bit equal in {same.sum():.0f} of {same.size}"


def _beyond_production(table: pd.DataFrame, bug: str) -> str:
    bugged, correct = (100 * _median(table, kind, "val_less_production") for kind in (bug, NONE))
    return f"{bugged:+.1f} points above it ({correct:+.1f})"


PANELS = {
    "keep_gradients": Panel(
        "train_loss", "training loss (nat)", "oscillates, then explodes", _loss_grows, log=True
    ),
    "evaluate_in_train_mode": Panel("val_score", "validation (%)", "noisy validation", _scatters),
    "train_in_eval_mode": Panel("val_score", "validation (%)", "quietly worse", _accuracy),
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
    panels = list(figure.subplots(2, 4).flat)
    for axes, (bug, panel) in zip(panels, PANELS.items(), strict=False):
        scale = SCALES.get(panel.response, 1.0)
        _band(axes, values(table, NONE, panel.response), scale, BLUE, "correct")
        _band(axes, values(table, bug, panel.response), scale, VERMILION, "with the bug")
        if bug == "leak":
            _band(axes, values(table, bug, "production_score"), scale, GREEN, "with it, production")
        if panel.log:
            axes.set_yscale("log")
            axes.tick_params(which="minor", labelsize=11)
        axes.set_ylabel(panel.axis, fontsize=13)
        axes.set_xlabel("epoch", fontsize=13)
        axes.tick_params(labelsize=11)
        title = f"{NAMES[bug]}\nsaid: {panel.claim}\nfound: {panel.found(table, bug)}"
        axes.set_title(title, fontsize=11.5, loc="left")
    missing, key = panels[len(PANELS) :]
    _not_measured(missing)
    key.axis("off")
    key.legend(*panels[len(PANELS) - 1].get_legend_handles_labels(), loc="center", fontsize=15)
    figure.suptitle(_gallery_headline(table), fontsize=17)
    return figure


def _not_measured(axes: Axes) -> None:
    """The bug that only a GPU could show."""
    axes.set_title(
        "wrong device\nsaid: normal curve, 10 x slower\nnot measured here",
        fontsize=11.5,
        loc="left",
    )
    axes.text(
        0.5,
        0.5,
        "takes a GPU:\non a CPU this run\nis the correct one",
        ha="center",
        va="center",
        fontsize=14,
        transform=axes.transAxes,
    )
    axes.set(xticks=[], yticks=[])


def _gallery_headline(table: pd.DataFrame) -> str:
    """How many bugs leave the training loss as it is."""
    same = {bug: values(table, bug, "same_loss").to_numpy(np.float64) for bug in BUGS}
    unseen = [NAMES[bug] for bug, runs in same.items() if runs.all()]
    blocks = table["block"].nunique()
    names = f"\n({', '.join(unseen)};" if unseen else "\n("
    return (
        f"{len(unseen)} of {len(same)} bugs leave the training loss of all {blocks} runs as it is, "
        f"to the last bit{names} digits; lines and bands:\nmedian and middle 80 % of {blocks} "
        "seeds; in brackets: the correct run)"
    )


def _band(axes: Axes, found: pd.DataFrame, scale: float, colour: str, label: str) -> None:
    curves = scale * found.to_numpy(np.float64)
    low, middle, high = np.quantile(curves, [0.1, 0.5, 0.9], axis=1, method="nearest")
    epochs = np.arange(1, len(curves) + 1)
    dashed = "--" if colour == VERMILION else "-"  # equal curves lie on each other
    axes.plot(epochs, middle, dashed, color=colour, lw=2, label=label)
    axes.fill_between(epochs, low, high, color=colour, alpha=0.2, lw=0)


def symptoms(table: pd.DataFrame) -> Figure:
    """In how many runs a bug shows the symptoms that the document names, on each data set."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    named = [(bug, name, sign) for bug, of in CLAIMED.items() for name, sign in of.items()]
    shares = np.array([_shares(table, *symptom) for symptom in named])
    axes.axvline(100 * FOUND, color=BLACK, linestyle="--", linewidth=1.5)
    for case, colour, shift in zip(CASES, PALETTE, (-0.24, -0.08, 0.08, 0.24), strict=False):
        of_case = 100 * shares[:, list(CASES).index(case)]
        axes.plot(of_case, np.arange(len(named)) + shift, "o", color=colour, label=case)
    names = [f"{NAMES[bug]}: {WORDS[name, sign]}" for bug, name, sign in named]
    axes.set_yticks(range(len(names)), names, fontsize=14)
    axes.invert_yaxis()
    axes.set(xlim=(-3, 103))
    axes.set_xlabel("runs that show it more than the correct run of their seed (%)", fontsize=16)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    everywhere = int((shares >= FOUND).all(axis=1).sum())
    figure.suptitle(
        f"Of {len(named)} symptoms that the document names, {everywhere} show in 9 of 10 runs on "
        f"every data set\n(dots: data sets of {table['block'].nunique()} seeds each; dashed: 90 %)",
        fontsize=19,
    )
    return figure


def _shares(table: pd.DataFrame, bug: str, name: str, sign: int) -> list[float]:
    """For each data set the share of seeds with more (or less) of a symptom."""
    shares = []
    for case in CASES:
        bugged, correct = (values(table, kind, name, case).to_numpy() for kind in (bug, NONE))
        shares.append(float((sign * (bugged - correct) > 0).mean()))
    return shares
