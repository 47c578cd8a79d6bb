"""Figures of small images: what each technique gives, and what covering an image costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    device_of,
    draw_blocks,
    told,
    wide,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

COLOURS = {
    "dropout": ORANGE,
    "dropout in the convolutions": VERMILION,
    "cutout": SKY,
    "mixup": BLUE,
    "cutout or mixup": PURPLE,
    "augmentation and decay": GREEN,
}
SHOWN = "digits, 400 rows"


def techniques(table: pd.DataFrame) -> Figure:
    """By how many points each technique raises test accuracy over no regularisation."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    rows = table[table["response"] == "accuracy"]
    settings = sorted(set(table["setting"]))
    for group, setting in enumerate(settings):
        found = wide(rows[rows["setting"] == setting], index="block", columns="technique")
        for place, (technique, colour) in enumerate(COLOURS.items()):
            gain = 100 * (found[technique] - found["nothing"]).to_numpy(np.float64)
            x = 7.5 * group + place
            label = None if group else technique
            draw_blocks(axes, x, gain, colour=colour, width=0.3, label=label)
    axes.axhline(0, color=BLACK, linewidth=1)
    axes.set_xticks([7.5 * group + 2.5 for group in range(len(settings))], settings)
    axes.set_ylabel("test accuracy over no regularisation (points)", fontsize=17)
    axes.grid(visible=False, axis="x")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(_techniques_headline(rows, table), fontsize=18)
    return figure


def _techniques_headline(rows: pd.DataFrame, table: pd.DataFrame) -> str:
    found = wide(rows[rows["setting"] == SHOWN], index="block", columns="technique")
    over = 100 * (found["cutout or mixup"] - found["dropout"]).to_numpy(np.float64)
    return (
        "The better of cutout and mixup ends above the best dropout by\n"
        f"{told(over, '+.1f', 'points')} ({SHOWN},\n"
        f"small nets of convolutions, {device_of(table)}; dots: {table['block'].nunique()} seeds; "
        "diamonds: medians with 99 % intervals)"
    )


def covered_images(table: pd.DataFrame) -> Figure:
    """Accuracy on whole test images and on covered ones, without and with each technique."""
    from matplotlib.figure import Figure

    figure = Figure()
    settings = sorted(set(table["setting"]))
    panels = figure.subplots(1, len(settings), sharey=True)
    colours = {"nothing": BLACK, "cutout": SKY, "mixup": BLUE}
    for axes, setting in zip(panels, settings, strict=True):
        for place, (technique, colour) in enumerate(colours.items()):
            values = 100 * _values(table, setting, technique)
            draw_blocks(axes, place, values, colour=colour, width=0.2)
        axes.set_xticks(range(3), ["neither", "cutout", "mixup"])
        axes.set_title(setting, fontsize=17)
    panels[0].set_ylabel("accuracy lost by covering a quarter (points)", fontsize=17)
    figure.suptitle(_covered_headline(table), fontsize=18)
    return figure


def _values(table: pd.DataFrame, setting: str, technique: str) -> NDArray[np.float64]:
    at = (table["response"] == "lost") & (table["setting"] == setting)
    rows = table[at & (table["technique"] == technique)]
    return np.asarray(rows.sort_values("block")["value"], np.float64)


def _covered_headline(table: pd.DataFrame) -> str:
    ends = {
        technique: told(100 * _values(table, SHOWN, technique), ".1f", "points", interval=False)
        for technique in ("nothing", "cutout", "mixup")
    }
    saved = 100 * (_values(table, SHOWN, "nothing") - _values(table, SHOWN, "cutout"))
    return (
        f"A bar over a quarter of the image costs {ends['nothing']} of accuracy,\n"
        f"after cutout {ends['cutout']}, after mixup {ends['mixup']} ({SHOWN});\n"
        f"cutout saves {told(saved, '.1f', 'points')}\n"
        f"({device_of(table)}; dots: {table['block'].nunique()} seeds)"
    )
