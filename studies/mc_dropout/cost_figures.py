"""The figure of what passes cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import Factor
from harness.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    by_block,
    draw_blocks,
    measured_on,
    rounds_of,
    told,
)
from studies.mc_dropout.levels import (
    COPIES,
    ENCODER,
    HEAD,
    IMAGES,
    IN_TURN,
    LARGE,
    MOST,
    ONCE,
    SMALL,
    TINY,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NETS = (TINY, SMALL, LARGE, IMAGES, ENCODER)
COLOURS = {IN_TURN: ORANGE, COPIES: BLUE, HEAD: GREEN}
COUNT = 50


def cost_by_network(table: pd.DataFrame) -> Figure:
    """The time of fifty passes over that of one in eval mode, by network and way."""
    from matplotlib.figure import Figure

    factors = (Factor("net", NETS), Factor("way", (ONCE, *COLOURS)), Factor("passes", (COUNT, 10)))
    rounds = rounds_of(table, *factors)
    figure = Figure()
    axes = figure.subplots()
    axes.axhline(1, color=BLACK, linewidth=1.5)
    axes.axhline(MOST, color=BLACK, linestyle="--", label="1.5, almost nothing")
    for (way, colour), shift in zip(COLOURS.items(), (-0.25, 0.0, 0.25), strict=True):
        for place, net in enumerate(NETS):
            if {(net, way, COUNT), (net, ONCE, COUNT)} <= set(rounds):
                ratio = by_block(rounds[net, way, COUNT] / rounds[net, ONCE, COUNT])
                draw_blocks(axes, place + shift, ratio, colour=colour, width=0.08)
        axes.plot([], [], "D", color=colour, label=way)
    axes.set_yscale("log")
    axes.set_yticks((1, 2, 5, 10, 20, 50), ("1", "2", "5", "10", "20", "50"))
    axes.minorticks_off()
    names = [net.replace(", ", ",\n", 1) for net in NETS]
    axes.set_xticks(range(len(NETS)), names, fontsize=14)
    axes.set_ylabel("time of 50 passes,\none in eval mode = 1")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    texts = []
    for way in (COPIES, IN_TURN):
        if {(IMAGES, way, COUNT), (IMAGES, ONCE, COUNT)} <= set(rounds):
            ratio = by_block(rounds[IMAGES, way, COUNT] / rounds[IMAGES, ONCE, COUNT])
            texts.append(f"{told(ratio, '.1f', 'times')} as {way}")
    found = ",\n".join(texts) or "a time that was not measured"
    figure.suptitle(
        f"CNN, one image: 50 passes take {found}\n(dots: {table['block'].nunique()} processes, "
        f"{measured_on(table)}; diamonds: medians with 99 % intervals)",
        fontsize=18,
    )
    return figure
