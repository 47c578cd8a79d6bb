"""The clock's rows as a figure reads them: by arm, round by round, and one value a block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.design.factors import Factor
from harness.design.gpu_state import AT_POWER_LIMIT
from harness.judging.states import at_power_limit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from harness.judging.aa import Allowance


def rounds_of(
    table: pd.DataFrame, *factors: Factor[Any]
) -> dict[tuple[Any, ...], pd.Series[float]]:
    """Seconds of the measured rounds of each arm, by its levels; copies of an A/A are left out.

    The ratio of two of these series is taken round by round, as a claim's is.

    Args:
        table: of a timed experiment.
        factors: those that name an arm.

    Returns:
        Seconds by block and round.
    """
    measured = (table["response"] == "seconds") & (table["phase"] == "measured")
    rows = table[measured & (table["copy"] == "first")]
    return {
        arm: of_arm.set_index(["block", "round"])["value"]
        for arm, of_arm in rows.groupby([factor.name for factor in factors], sort=False)
    }


def by_block(rounds: pd.Series[float]) -> NDArray[np.float64]:
    """The median over the rounds of each block.

    Args:
        rounds: values by block and round.

    Returns:
        Shape (blocks,), in the order of the blocks.
    """
    return np.asarray(rounds.groupby("block").median(), np.float64)


def device_of(table: pd.DataFrame) -> str:
    """What the rows were measured on, "CPU" or "CUDA".

    A run's table carries it (``table.attrs``); of planted rows it is told from their times: the CPU
    alone has no clock of a device's own.
    """
    if "device" in table.attrs:
        return str(table.attrs["device"]).upper()
    return "CUDA" if (table["response"] == "device_seconds").any() else "CPU"


def measured_on(table: pd.DataFrame) -> str:
    """What the rows were measured on, for a title or a note: "CPU", "CUDA at its power limit"."""
    device = device_of(table)
    return f"{device} {AT_POWER_LIMIT}" if at_power_limit(table) else device


def say_power_limit(figure: Figure, table: pd.DataFrame) -> None:
    """Say in a corner that the GPU was at its power limit, where it was and nothing else says so.

    Args:
        figure: as a study drew it.
        table: the rows it was drawn from.
    """
    if not at_power_limit(table) or any(AT_POWER_LIMIT in text for text in _texts(figure)):
        return
    figure.text(0.005, 0.005, f"the GPU {AT_POWER_LIMIT}", va="bottom", fontsize=12)


def say_allowance(figure: Figure, allowed: Allowance) -> None:
    """Say at the edge what verdicts allow for and the intervals of a figure leave out.

    Args:
        figure: as a study drew it.
        allowed: how far the clock may be off; nothing is said of one that holds.
    """
    if allowed.factor > 1:
        said = f"verdicts allow the clock \N{PLUS-MINUS SIGN}{allowed.percent:.2g} % (A/A)"
        # Below where failed cells are told.
        figure.text(0.999, 0.01, said, rotation=90, ha="right", va="bottom", size=12)


def _texts(figure: Figure) -> list[str]:
    from matplotlib.text import Text

    return [str(text.get_text()) for text in figure.findobj(Text)]
