"""Figures: their colours, the marks they share, the clock's rows as they need them."""

from harness.figures.marks import draw_blocks, plain_ticks, swarm
from harness.figures.missing import frequency_interval, median_interval, wide
from harness.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PALETTE,
    PURPLE,
    SKY,
    VERMILION,
    span,
)
from harness.figures.telling import note, told
from harness.figures.times import by_block, device_of, measured_on, rounds_of

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "ORANGE",
    "PALETTE",
    "PURPLE",
    "SKY",
    "VERMILION",
    "by_block",
    "device_of",
    "draw_blocks",
    "frequency_interval",
    "measured_on",
    "median_interval",
    "note",
    "plain_ticks",
    "rounds_of",
    "span",
    "swarm",
    "told",
    "wide",
]
