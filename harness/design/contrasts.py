"""Contrasts: what of an experiment's rows is compared, and with what.

A study writes ``Difference("loss", MODE).at(p=0.5)``. Spread over the arms of the design it becomes
one or more ``Comparison`` records, each naming whole arms; these stand in the protocol and are all
that judging needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypeAlias

from harness.design.factors import Arm, Factor, Level, matching
from harness.errors import HarnessError

#: How the rounds of one block and arm become one value; "each" keeps them apart, and "paired" takes
#: the median of what the rounds of two arms give round by round.
Within: TypeAlias = Literal["mean", "sd", "range", "min", "max", "distinct", "each", "paired"]
#: How block values become an estimate with an interval.
Across: TypeAlias = Literal["median", "every", "frequency"]
Kind: TypeAlias = Literal["value", "difference", "ratio"]


@dataclass(frozen=True)
class Comparison:
    """One contrast with every factor pinned: what a single condition is judged on."""

    kind: Kind
    response: str
    arm: Arm
    against: Arm | None
    within: Within
    across: Across

    def __str__(self) -> str:
        of = {
            "mean": self.response,
            "each": self.response,
            "paired": self.response,
            "sd": f"s.d. of {self.response} over repeats",
            "range": f"range of {self.response} over repeats",
            "min": f"least {self.response} over repeats",
            "max": f"greatest {self.response} over repeats",
            "distinct": f"distinct values of {self.response} over repeats",
        }[self.within]
        if self.across == "frequency":
            of = f"share of blocks with {self.response}"
        if self.against is None:
            return f"{of} at {self.arm}" if self.arm.levels else of
        control = self.against.as_dict()
        changed = [name for name, level in self.arm.levels if control[name] != level]
        fixed = ", ".join(f"{n}={v}" for n, v in self.arm.levels if n not in changed)
        sign = " - " if self.kind == "difference" else " / "
        pair = "; ".join(f"{n}: {self.arm.as_dict()[n]}{sign}{control[n]}" for n in changed)
        return f"{of}, {pair}" + (f" at {fixed}" if fixed else "")

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        return {
            "kind": self.kind,
            "response": self.response,
            "arm": self.arm.as_dict(),
            "against": None if self.against is None else self.against.as_dict(),
            "within": self.within,
            "across": self.across,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Comparison:
        """The inverse of ``to_json``."""
        against = stored["against"]
        return cls(
            kind=stored["kind"],
            response=stored["response"],
            arm=Arm(tuple(stored["arm"].items())),
            against=None if against is None else Arm(tuple(against.items())),
            within=stored["within"],
            across=stored["across"],
        )


@dataclass(frozen=True)
class Contrast:
    """A response, the arms it is read at, and how rounds and blocks are put together.

    A factor that ``at`` does not name stands for all its levels: the claim must hold at each.
    """

    response: str
    where: tuple[tuple[str, tuple[Level, ...]], ...] = field(default=(), kw_only=True)
    within: Within = field(default="mean", kw_only=True)
    across: Across = field(default="median", kw_only=True)

    def at(self, **levels: Level | tuple[Level, ...]) -> Self:
        """Read at these levels; a tuple gives one condition for each of its levels."""
        named = tuple(
            (name, level if isinstance(level, tuple) else (level,))
            for name, level in levels.items()
        )
        return replace(self, where=self.where + named)

    def sd(self) -> Self:
        """The standard deviation (ddof 1) over the rounds of a block."""
        return replace(self, within="sd")

    def range(self) -> Self:
        """Greatest less least value over the rounds of a block."""
        return replace(self, within="range")

    def distinct(self) -> Self:
        """The number of distinct values over the rounds of a block."""
        return replace(self, within="distinct")

    def largest(self) -> Self:
        """The greatest value over the rounds of a block."""
        return replace(self, within="max")

    def smallest(self) -> Self:
        """The least value over the rounds of a block."""
        return replace(self, within="min")

    def always(self) -> Self:
        """Universal: every single value counts, and one counterexample refutes."""
        return replace(self, across="every", within="each")

    def frequency(self) -> Self:
        """The share of blocks in which a 0/1 response is 1."""
        return replace(self, across="frequency")

    def comparisons(self, arms: Sequence[Arm]) -> tuple[Comparison, ...]:
        """The contrast with every factor pinned, once for each arm it speaks of.

        Raises:
            HarnessError: for factors or levels that the design does not have.
        """
        found = tuple(matching(arms, self._checked(arms)))
        if not found:
            raise HarnessError(f"No arm of the design has {dict(self.where)}.")
        return tuple(self._compare(arm, None, "value") for arm in found)

    def _checked(self, arms: Sequence[Arm]) -> dict[str, tuple[Level, ...]]:
        where = dict(self.where)
        for name, allowed in where.items():
            known = {arm.as_dict().get(name) for arm in arms}
            for level in allowed:
                if level not in known:
                    raise HarnessError(
                        f"The contrast of {self.response!r} names {name}={level!r}, "
                        f"which the design does not have."
                    )
        return where

    def _compare(self, arm: Arm, against: Arm | None, kind: Kind) -> Comparison:
        return Comparison(kind, self.response, arm, against, self.within, self.across)


@dataclass(frozen=True)
class Response(Contrast):
    """A response itself, judged against a constant."""


@dataclass(frozen=True)
class _Paired(Contrast):
    factor: Factor[Any]
    control: Level | None = field(default=None, kw_only=True)

    def against(self, level: Level) -> Self:
        """Compare with this level of the factor instead of its control."""
        return replace(self, control=level)

    def by_round(self) -> Self:
        """The median over rounds of what each round gives by itself.

        The two arms of a round are measured within a fraction of a second of each other, so that a
        machine that gets slower meets both; their means over a whole block do not have that.
        """
        return replace(self, within="paired")

    def _kind(self) -> Kind:
        raise NotImplementedError

    def comparisons(self, arms: Sequence[Arm]) -> tuple[Comparison, ...]:
        """One comparison for each arm whose partner, at the control level, is in the design."""
        name = self.factor.name
        control = self.factor.control if self.control is None else self.control
        if any(name not in arm.as_dict() for arm in arms):
            raise HarnessError(f"The contrast of {self.response!r} names no factor: {name!r}.")
        if control is None:
            raise HarnessError(f"Factor {name!r} has no control to compare with.")
        if control not in self.factor.levels:
            raise HarnessError(f"Factor {name!r} has no level {control!r} to compare with.")
        pairs = [
            (arm, arm.replaced(**{name: control}))
            for arm in matching(arms, self._checked(arms))
            if arm.as_dict()[name] != control
        ]
        found = tuple(
            self._compare(arm, partner, self._kind()) for arm, partner in pairs if partner in arms
        )
        if not found:
            raise HarnessError(f"No pair of arms differs in {name!r} at {dict(self.where)}.")
        return found


@dataclass(frozen=True)
class Difference(_Paired):
    """A level of the factor minus its control, inside each block, in the response's unit."""

    def _kind(self) -> Kind:
        return "difference"


@dataclass(frozen=True)
class Ratio(_Paired):
    """A level of the factor over its control, inside each block; it has no unit."""

    def _kind(self) -> Kind:
        return "ratio"
