"""Words and numbers as every reader meets them: terminal, tables and pages alike."""

from __future__ import annotations

#: All verdicts, in the order they are counted and shown, with a colour each.
COLOURS = {
    "reproduced": "green",
    "refuted": "red",
    "mixed": "yellow",
    "inconclusive": "magenta",
    "not measurable": "blue",
    "not tested": "dim",
}


def quantity(number: str, unit: str) -> str:
    """A number with its unit; a pure number, of unit "1", stands alone."""
    return number if unit == "1" else f"{number} {unit}"
