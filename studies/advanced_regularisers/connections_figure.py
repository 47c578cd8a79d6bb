"""The figure of dropping weights against dropping units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.figures import BLUE, GREEN, ORANGE, device_of, draw_blocks, plain_ticks, told, wide

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LAYERS = {"dropout": BLUE, "DropConnect": ORANGE, "DropConnect behind": GREEN}
WORDS = {"DropConnect behind": "DropConnect behind the hidden layers"}
SHOWN, AT = "listing 3, 400 rows", 0.5

#: Losses in nat that the scale names: more would run into each other.
TICKS = (0.03, 0.1, 0.3, 1.0, 2.0)


def loss_by_probability(table: pd.DataFrame) -> Figure:
    """The loss on the training rows by p, for each data set."""
    from matplotlib.figure import Figure

    figure = Figure()
    tasks = sorted(set(table["task"]))
    panels = figure.subplots(1, len(tasks))
    losses = table[table["response"] == "train_loss"]
    for axes, task in zip(panels, tasks, strict=True):
        for shift, (layer, colour) in zip((-0.2, 0.0, 0.2), LAYERS.items(), strict=True):
            of_layer = losses[(losses["task"] == task) & (losses["layer"] == layer)]
            for place, p in enumerate(sorted(set(table["p"]))):
                values = of_layer[of_layer["p"] == p]["value"].to_numpy(np.float64)
                if len(values):
                    draw_blocks(axes, place + shift, values, colour=colour, width=0.07)
        axes.set_yscale("log")
        plain_ticks(axes, TICKS)
        axes.set_xticks(range(3), [f"{p:g}" for p in sorted(set(table["p"]))])
        axes.set_xlabel("p")
        axes.set_title(task, fontsize=17)
        axes.tick_params(axis="y", labelsize=13)
    panels[0].set_ylabel("loss on training rows, eval mode (nat)", fontsize=18)
    for layer, colour in LAYERS.items():
        panels[0].plot([], [], "D", color=colour, label=WORDS.get(layer, layer))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(_headline(losses, table), fontsize=18)
    return figure


def _headline(losses: pd.DataFrame, table: pd.DataFrame) -> str:
    rows = losses[(losses["task"] == SHOWN) & (losses["p"] == AT)]
    ends = wide(rows, index="block", columns="layer")
    ratio = (ends["DropConnect"] / ends["dropout"]).to_numpy(np.float64)
    return (
        f"At p = {AT:g} the training loss ends {told(ratio)} times as high\n"
        f"with DropConnect as with dropout ({SHOWN}, {device_of(table)};\n"
        f"dots: {table['block'].nunique()} seeds; diamonds: medians with 99 % intervals)"
    )
