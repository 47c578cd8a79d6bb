"""The ratio of two sides of a trio, a number a block."""

from __future__ import annotations

import math

import pandas as pd

from harness.protocol.comparison import AGAIN, BASE, HEAD, Side

#: Rounds in which another process took the core from one of the two are left out where at least so
#: many others are left.
FEWEST_CLEAN = 8


def head_ratios(rows: pd.DataFrame, blocks: int) -> list[float]:
    """Head over both processes of base: the geometric mean of the two ratios, a number a block.

    Two processes of one build differ by where their memory lies. Were they to spread as head's
    process does, a mean of two would have three quarters of the variance of one: the interval is
    13 % narrower for nothing, and the ratio of the two, the control, is not correlated with it.

    Args:
        rows: of one benchmark and its response.
        blocks: as many as were planned.
    """
    to_base, to_copy = (ratios(rows, HEAD, blocks, base) for base in (BASE, AGAIN))
    return [math.sqrt(one) * math.sqrt(two) for one, two in zip(to_base, to_copy, strict=True)]


def ratios(rows: pd.DataFrame, side: Side, blocks: int, base: Side = BASE) -> list[float]:
    """The median over the rounds of one side over another, a number a block.

    Rounds in which one of the two was preempted by another process are left out as long as others
    are left. A block in which either gave nothing is not a number.

    Args:
        rows: of one benchmark and its response.
        side: what is held against another.
        blocks: as many as were planned.
        base: the other.
    """
    kept = rows[(rows["phase"] == "measured") & (rows["status"] != "failed")]
    pairs = _of_side(kept, side).merge(_of_side(kept, base), on=["block", "round"])
    # Nothing on both sides is as much on one as on the other.
    both_nothing = (pairs["value_x"] == 0) & (pairs["value_y"] == 0)
    quotients = (pairs["value_x"] / pairs["value_y"]).mask(both_nothing, 1.0)
    clean = pairs["clean_x"] & pairs["clean_y"]
    too_few = clean.groupby(pairs["block"]).transform("sum") < FEWEST_CLEAN
    medians = quotients[clean | too_few].groupby(pairs["block"]).median()
    return [float(value) for value in medians.reindex(range(blocks))]


def _of_side(rows: pd.DataFrame, side: Side) -> pd.DataFrame:
    own = rows[rows["side"] == side]
    return own[["block", "round", "value"]].assign(clean=own["status"] == "ok")
