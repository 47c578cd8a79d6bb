"""The ratio of two sides of a trio, a number a block."""

from __future__ import annotations

import pandas as pd

from harness.protocol.comparison import BASE, Side

#: Rounds in which another process took the core from one of the two are left out where at least so
#: many others are left.
FEWEST_CLEAN = 8


def ratios(rows: pd.DataFrame, side: Side, blocks: int) -> list[float]:
    """The median over the rounds of a side over base, a number a block.

    Rounds in which one of the two was preempted by another process are left out as long as others
    are left. A block in which either gave nothing is not a number.

    Args:
        rows: of one benchmark and its response.
        side: what is held against base.
        blocks: as many as were planned.
    """
    kept = rows[(rows["phase"] == "measured") & (rows["status"] != "failed")]
    found = []
    for block in range(blocks):
        own = kept[kept["block"] == block]
        found.append(_ratio(_by_round(own, side), _by_round(own, BASE)))
    return found


def _by_round(rows: pd.DataFrame, side: Side) -> pd.DataFrame:
    return rows[rows["side"] == side].set_index("round")


def _ratio(other: pd.DataFrame, base: pd.DataFrame) -> float:
    """The median over the rounds of one block; not a number where a side has none."""
    # Nothing on both sides is as much on one as on the other.
    both_nothing = (other["value"] == 0) & (base["value"] == 0)
    quotients = (other["value"] / base["value"]).mask(both_nothing, 1.0)
    clean = (other["status"] == "ok") & (base["status"] == "ok")
    usable = quotients[clean] if clean.sum() >= FEWEST_CLEAN else quotients
    return float(usable.median())
