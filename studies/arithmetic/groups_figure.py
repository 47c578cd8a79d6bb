"""The figure of ``groups``: the ends of chapter 0's epochs, batch by batch, and the updates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.figures import BLACK, BLUE, SKY, VERMILION
from harness.workloads.arithmetic import Run

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: The level of the data that is drawn, and its numbers.
CHAPTER = "10,000 examples"
OWN_RUN = Run(10_000, 32, epochs=3, accumulate=4)

#: So many batches are drawn from the beginning and from the end of every epoch.
FIRST, LAST = 8, 5
GAP, GREY, HEIGHT = 60, "#999999", 0.5


def end_of_epoch(table: pd.DataFrame) -> Figure:
    """The batches around the ends of the epochs, to scale, and the updates they go into."""
    from matplotlib.figure import Figure

    batches = every_batch(table)
    figure = Figure()
    axes = figure.subplots()
    epochs = range(OWN_RUN.epochs)
    for epoch in epochs:
        start = epoch * OWN_RUN.batches_per_epoch
        _draw_epoch(axes, -epoch, batches.iloc[start : start + OWN_RUN.batches_per_epoch])
    axes.set_yticks([-epoch for epoch in epochs], [f"epoch {epoch + 1}" for epoch in epochs])
    axes.set_ylim(0.35 - OWN_RUN.epochs, 0.75)
    axes.set_xticks([])
    axes.set_xlabel(
        "beginning and end of each epoch: batches, as wide as they have examples;\n"
        "above them the weight update they go into, and how many examples it is made of",
        fontsize=17,
    )
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    made = int(batches["source"].max()) + 1 if len(batches) else "an unknown number"
    figure.suptitle(
        f"The formula says {OWN_RUN.updates} weight updates, the listed loop makes {made}\n"
        f"({OWN_RUN.examples:,} examples, batch {OWN_RUN.batch}, {OWN_RUN.accumulate} batches to "
        f"an update, {OWN_RUN.epochs} epochs; one counted run, CPU)",
        fontsize=20,
    )
    return figure


def every_batch(table: pd.DataFrame) -> pd.DataFrame:
    """A row a batch: its size, the update it went into, and how many examples that was made of.

    A batch that went into no update has -1 for its update.
    """
    mine = table[(table["data"] == CHAPTER) & table["response"].isin(["size", "source"])]
    wide = mine.pivot_table(index="round", columns="response", values="value")
    wide = wide.reindex(columns=["size", "source"]).dropna().astype(int)
    wide["made_of"] = wide.groupby("source")["size"].transform("sum")
    return wide


def _draw_epoch(axes: Axes, y: float, epoch: pd.DataFrame) -> None:
    """The first and the last batches of an epoch, with what the updates are made of above them."""
    if epoch.empty:
        axes.text(0, y, "failed", va="center")
        return
    left = 0.0
    for part in (epoch.iloc[:FIRST], epoch.iloc[-LAST:]):
        for source, group in part.groupby("source", sort=False):
            made_of = int(group["made_of"].iloc[0])
            start, colour = left, _colour(int(str(source)), made_of)
            for size in group["size"]:
                axes.barh(y, size, HEIGHT, left, align="center", color=colour, edgecolor="white")
                axes.text(
                    left + size / 2, y, f"{size}", ha="center", va="center", size=12, color="white"
                )
                left += size
            whole = len(group) == OWN_RUN.accumulate
            words = _words(int(str(source)), made_of if whole else None)
            colour = VERMILION if colour == VERMILION else BLACK
            axes.text((start + left) / 2, y + 0.3, words, ha="center", size=15, color=colour)
        if part.index[0] == epoch.index[0]:
            axes.text(left + GAP / 2, y, "...", ha="center", va="center")
            left += GAP


def _colour(source: int, made_of: int) -> str:
    if source < 0:
        return GREY
    return VERMILION if made_of != OWN_RUN.effective_batch else (BLUE, SKY)[source % 2]


def _words(source: int, made_of: int | None) -> str:
    """An update with what it is made of; batches that wait for one have none beside them."""
    if source < 0:
        return "unused"
    return f"to {source + 1}" if made_of is None else f"update {source + 1}: {made_of}"
