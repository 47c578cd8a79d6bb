"""The region of a claim: the values of the contrast for which it holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from harness.errors import HarnessError

#: So many digits are those of a number without an end.
DIGITS = 10
#: A value this close to an edge, as a share of it, is the edge: shares of rows are binary numbers.
ROUNDING = 1e-12

Placement: TypeAlias = Literal["inside", "outside", "straddles"]


@dataclass(frozen=True)
class Region:
    """An interval of the real line; ``open_low`` and ``open_high`` leave an end point out.

    ``because`` says why a region without a smallest effect of interest is meant all the same: one
    whose only edge is the value of no effect cannot be refuted by a null effect.

    Raises:
        HarnessError: for NaN bounds, an empty region, or one of all numbers.
    """

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False
    because: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high):
            raise HarnessError("A region needs bounds that are numbers.")
        if self.low > self.high or (self.low == self.high and (self.open_low or self.open_high)):
            raise HarnessError(f"The region from {self.low} to {self.high} is empty.")
        if self.low == math.inf or self.high == -math.inf:
            raise HarnessError(f"The region from {self.low} to {self.high} holds no number.")
        if self.low == -math.inf and self.high == math.inf:
            raise HarnessError("A claim whose region is all numbers could not fail.")

    def __contains__(self, value: float) -> bool:
        value = self._without_rounding(value)
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def ends_only_at(self, value: float) -> bool:
        """Whether this is a direction whose one edge is a given value."""
        one_sided = math.isinf(self.low) != math.isinf(self.high)
        return one_sided and value in (self.low, self.high)

    def place(self, low: float, high: float) -> Placement:
        """Where a closed interval lies: wholly inside, wholly outside, or across an edge.

        Args:
            low: lower end, in the contrast's unit; may be -inf.
            high: upper end; may be inf.

        Raises:
            HarnessError: for NaN or crossed ends, which are no interval.
        """
        if not low <= high:
            raise HarnessError(f"From {low} to {high} is not an interval.")
        if low in self and high in self:
            return "inside"
        low, high = self._without_rounding(low), self._without_rounding(high)
        ends_below = high < self.low or (high == self.low and self.open_low)
        starts_above = low > self.high or (low == self.high and self.open_high)
        # An infinite end can equal an infinite bound without touching any value of the region.
        return "outside" if ends_below or starts_above else "straddles"

    def _without_rounding(self, value: float) -> float:
        """The edge that a value differs from by rounding alone, or the value; 0 is exact."""
        edges = (self.low, self.high)
        return next((e for e in edges if math.isclose(value, e, rel_tol=ROUNDING)), value)

    def __str__(self) -> str:
        if self.low == self.high:
            return f"equal to {_edge(self.low)}"
        if self.high == math.inf:
            return f"{'more than' if self.open_low else 'at least'} {_edge(self.low)}"
        if self.low == -math.inf:
            return f"{'less than' if self.open_high else 'at most'} {_edge(self.high)}"
        return f"between {_edge(self.low)} and {_edge(self.high)}"

    @classmethod
    def from_words(cls, words: str) -> Region:
        """The region that ``str`` says, to the digits that it gives.

        Raises:
            HarnessError: these are no words for a region.
        """
        for begin, make in _WORDS.items():
            if words.startswith(begin):
                edges = words.removeprefix(begin).split(" and ")
                try:
                    return make(*(float(edge) for edge in edges))
                except (TypeError, ValueError) as error:
                    raise HarnessError(f"{words!r} is no region.") from error
        raise HarnessError(f"{words!r} is no region.")

    def to_json(self) -> dict[str, Any]:
        """The region as JSON values; infinite bounds become null."""
        return {
            "low": None if self.low == -math.inf else self.low,
            "high": None if self.high == math.inf else self.high,
            "open_low": self.open_low,
            "open_high": self.open_high,
            "because": self.because,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Region:
        """The inverse of ``to_json``; numbers stay as stored, so that checksums do."""
        low, high = stored["low"], stored["high"]
        return cls(
            -math.inf if low is None else low,
            math.inf if high is None else high,
            bool(stored["open_low"]),
            bool(stored["open_high"]),
            because=str(stored.get("because", "")),
        )


def _edge(bound: float) -> str:
    """A bound in words: as it was written, or with four digits where it has no end of them."""
    text = f"{bound:.10g}"
    digits = text.lstrip("-0.").partition("e")[0].replace(".", "")
    return text if len(digits) < DIGITS else f"{bound:.4g}"


def at_least(bound: float, *, because: str = "") -> Region:
    """Values of ``bound`` or more."""
    return Region(bound, math.inf, because=because)


def at_most(bound: float, *, because: str = "") -> Region:
    """Values of ``bound`` or less."""
    return Region(-math.inf, bound, because=because)


def more_than(bound: float, *, because: str = "") -> Region:
    """Values strictly above ``bound``."""
    return Region(bound, math.inf, open_low=True, because=because)


def less_than(bound: float, *, because: str = "") -> Region:
    """Values strictly below ``bound``."""
    return Region(-math.inf, bound, open_high=True, because=because)


def between(low: float, high: float) -> Region:
    """Values from ``low`` to ``high``, both included."""
    return Region(low, high)


def equals(value: float, within: float = 0.0) -> Region:
    """``value`` itself, or an equivalence margin of ``within`` on both sides."""
    return Region(value - within, value + within)


#: How ``str`` begins the words for each kind of region, and what makes it from its edges.
_WORDS: Mapping[str, Callable[..., Region]] = {
    "equal to ": equals,
    "more than ": more_than,
    "at least ": at_least,
    "less than ": less_than,
    "at most ": at_most,
    "between ": between,
}
