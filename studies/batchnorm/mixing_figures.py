"""Figures on networks that mix batch norm with dropout, weight decay or L1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    median_interval,
    told,
)
from studies.batchnorm.treatments import (
    ALONE,
    HALF,
    HEAVY,
    LAST,
    LISTED,
    LISTING,
    LOW,
    PENALTIES,
    TASK,
    TREATMENTS,
    after,
    before,
    dropout_alone,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

#: What each kind of treatment looks like.
LOOKS = {
    ALONE: BLACK,
    **{dropout_alone(rate): SKY for rate in HEAVY},
    **{before(rate): ORANGE for rate in (LOW, *HEAVY)},
    **{after(rate): BLUE for rate in (LOW, *HEAVY)},
    LAST: GREEN,
    **dict.fromkeys(PENALTIES, PURPLE),
}


def shifts(table: pd.DataFrame) -> Figure:
    """The variance ratio, mean of both batch norms, by treatment and task."""
    from matplotlib.figure import Figure

    with_norm = [name for name, each in TREATMENTS.items() if each.batch_norm]
    figure = Figure()
    panels = _panels(figure, with_norm)
    for axes, task in zip(panels, TASK.levels, strict=True):
        for height, name in enumerate(reversed(with_norm)):
            _across(axes, height, 1 - _of(table, task, name, "shift"), LOOKS[name])
        axes.axvspan(0.95, 1.05, color="#EEEEEE", zorder=0)
        axes.axvline(1, color=BLACK, lw=1.5, zorder=0)
        axes.set_xlim(0, 1.25)
    figure.supxlabel(
        "variance that batch norms meet in eval mode / their stored variance\n(grey: within 5 %; "
        f"mean of both batch norms; dots: {table['block'].nunique()} seeds, diamonds: medians with "
        "99 % intervals; CPU)",
        fontsize=16,
    )
    ratios = {name: 1 - _of(table, LISTING, name, "shift") for name in (before(HALF), after(HALF))}
    figure.suptitle(
        f"Dropout 0.5 before batch norm leaves {told(ratios[before(HALF)])} of the stored\n"
        f"variance in eval mode, after batch norm {told(ratios[after(HALF)])} (listing 3's rows)",
        fontsize=18,
    )
    return figure


def accuracies(table: pd.DataFrame) -> Figure:
    """Points of test accuracy gained or lost against batch norm alone."""
    from matplotlib.figure import Figure

    others = [name for name in TREATMENTS if name != ALONE]
    figure = Figure()
    panels = _panels(figure, others)
    for axes, task in zip(panels, TASK.levels, strict=True):
        alone = _of(table, task, ALONE, "test_accuracy")
        for height, name in enumerate(reversed(others)):
            accuracy = _of(table, task, name, "test_accuracy")
            gain = accuracy - alone if len(accuracy) else accuracy
            _across(axes, height, gain, LOOKS[name])
        axes.axvspan(-1, 1, color="#EEEEEE", zorder=0)
        axes.axvline(0, color=BLACK, lw=1.5, zorder=0)
    figure.supxlabel(
        "test accuracy less that of batch norm alone (points; grey: one point)\n(after the last "
        f"epoch; dots: {table['block'].nunique()} seeds, diamonds: medians with 99 % intervals; "
        "CPU)",
        fontsize=16,
    )
    gain = _of(table, LISTING, before(HALF), "test_accuracy") - _of(
        table, LISTING, ALONE, "test_accuracy"
    )
    figure.suptitle(
        "Dropout 0.5 before batch norm changes the test accuracy by\n"
        f"{told(gain, '+.1f', 'points')} against batch norm alone (listing 3's rows)",
        fontsize=18,
    )
    return figure


def validation_losses(table: pd.DataFrame) -> Figure:
    """The validation loss by epoch: batch norm alone, dropout alone and both."""
    from matplotlib.figure import Figure

    arms = {
        ALONE: BLACK,
        dropout_alone(LISTED): SKY,
        before(LISTED): ORANGE,
        after(LISTED): BLUE,
    }
    figure = Figure()
    panels = figure.subplots(1, len(TASK.levels))
    for axes, task in zip(panels, TASK.levels, strict=True):
        for name, colour in arms.items():
            _curve(axes, _rows(table, task, name, "val_curve"), name, colour)
        axes.set_title(TASK.say(task), fontsize=17)
        axes.set_xlabel("epoch")
        axes.set_ylim(0, None)
    panels[0].set_ylabel("validation loss (nat)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    spikes = [_of(table, LISTING, name, "spike") for name in (before(LISTED), ALONE)]
    figure.suptitle(
        f"With dropout {LISTED} before batch norm the largest rise of an epoch is\n"
        f"{told(spikes[0], '.2f', 'nat')}, with batch norm alone {told(spikes[1], '.2f', 'nat')}\n"
        f"(listing 3's rows, CPU; lines and bands: medians and 99 % intervals of "
        f"{table['block'].nunique()} seeds)",
        fontsize=17,
    )
    return figure


def _panels(figure: Figure, names: list[str]) -> NDArray[np.object_]:
    """A panel for each task, with treatments from top to bottom."""
    panels: NDArray[np.object_] = figure.subplots(1, len(TASK.levels), sharey=True)
    for axes, task in zip(panels, TASK.levels, strict=True):
        axes.set_title(TASK.say(task), fontsize=16)
        axes.set_yticks(range(len(names)), list(reversed(names)), fontsize=13)
    return panels


def _across(axes: Axes, height: int, values: NDArray[np.float64], colour: str) -> None:
    """Every block as a dot on one line, and the median with its interval."""
    if not len(values):
        return  # no such arm
    axes.plot(values, np.full(len(values), height), ".", color=colour, alpha=0.5, ms=5)
    middle = median_interval(values)
    axes.plot(middle.estimate, height, "D", color=colour, markeredgecolor="white", ms=8)
    if np.isfinite([middle.low, middle.high]).all():
        axes.plot([middle.low, middle.high], [height, height], color=colour, linewidth=3)


def _curve(axes: Axes, rows: pd.DataFrame, label: str, colour: str) -> None:
    epochs = [
        median_interval(values.to_numpy(np.float64)) for _, values in rows.groupby("round")["value"]
    ]
    at = np.arange(1, len(epochs) + 1)
    axes.plot(at, [each.estimate for each in epochs], color=colour, label=label)
    if all(np.isfinite([each.low, each.high]).all() for each in epochs):
        low, high = [each.low for each in epochs], [each.high for each in epochs]
        axes.fill_between(at, low, high, color=colour, alpha=0.25, linewidth=0)


def _rows(table: pd.DataFrame, task: str, treatment: str, response: str) -> pd.DataFrame:
    at = (table["task"] == task) & (table["treatment"] == treatment)
    return table[at & (table["response"] == response)]


def _of(table: pd.DataFrame, task: str, treatment: str, response: str) -> NDArray[np.float64]:
    """A response of an arm, one value a block, nan where a cell failed."""
    rows = _rows(table, task, treatment, response).sort_values("block")
    values: NDArray[np.float64] = rows["value"].to_numpy(np.float64)
    return values
