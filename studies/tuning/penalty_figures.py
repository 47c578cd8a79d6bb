"""Test loss over the strength of L1 and L2, with the range of good strengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import BLUE, ORANGE, told, wide
from studies.tuning.penalised import EXPONENTS, WRONG, WRONG_LISTING
from studies.tuning.tasks import TASK

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def loss_against_strength(table: pd.DataFrame) -> Figure:
    """A panel a task: medians over seeds with bands; a bar from end to end of the good range."""
    from matplotlib.figure import Figure

    figure = Figure()
    for setting, axes in zip(WRONG, figure.subplots(1, len(WRONG)), strict=True):
        rows = table[(table["task"] == setting) & (table["response"] == "loss")]
        for penalty, colour in (("L1", ORANGE), ("L2", BLUE)):
            values = wide(rows[rows["penalty"] == penalty], index="round", columns="block")
            losses = values.to_numpy(np.float64)
            if not np.isfinite(losses).any():
                continue
            strengths = 10.0 ** np.array(EXPONENTS)[values.index.to_numpy(np.int64)]
            axes.plot(strengths, np.nanmedian(losses, axis=1), color=colour, label=penalty)
            low, high = np.nanquantile(losses, [0.1, 0.9], axis=1)
            axes.fill_between(strengths, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.set_xscale("log")
        axes.set_title(TASK.say(WRONG[setting]), fontsize=15)
        axes.tick_params(labelsize=13)
        axes.set_xlabel("strength of the penalty", fontsize=15)
    figure.axes[0].set_ylabel("test loss (nat)", fontsize=15)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle(_title(table), fontsize=16)
    return figure


def _title(table: pd.DataFrame) -> str:
    rows = table[(table["task"] == WRONG_LISTING) & (table["response"] == "decades")]
    values = wide(rows, index="block", columns="penalty")
    return (
        f"On listing 3's data good strengths span {told(values['L1'], '.1f')} decades with L1,\n"
        f"{told(values['L2'], '.1f')} with L2 (test loss within 25 % of the lowest)\n"
        f"(a fifth of the training labels wrong; lines: medians of {table['block'].nunique()} "
        "seeds; bands: 10 to 90 % of them; CPU)"
    )
