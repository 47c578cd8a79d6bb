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
Kind: TypeAlias = Literal["value", "difference", "ratio", "share"]


@dataclass(frozen=True)
class Comparison:
    """One contrast with every factor pinned: what a single condition is judged on.

    Attributes:
        kind: a value by itself, a difference or ratio of two arms, or a share over several.
        response: the name of what is read.
        arm: where; of a share the first of its cells.
        against: the arm it is compared with.
        within: how rounds become a block's value.
        across: how block values become an estimate.
        cells: of a share, the arms that are counted; ``over`` is the factor in which they differ.
        over: see there.
    """

    kind: Kind
    response: str
    arm: Arm
    against: Arm | None
    within: Within
    across: Across
    cells: tuple[Arm, ...] = ()
    over: str = ""

    def changed(self) -> list[str]:
        """The factors in which the two arms differ."""
        if self.against is None:
            return []
        control = self.against.as_dict()
        return [name for name, level in self.arm.levels if control[name] != level]


@dataclass(frozen=True)
class Contrast:
    """A response, the arms it is read at, and how rounds and blocks are put together.

    A factor that ``at`` does not name stands for all its levels: the claim must hold at each.
    Reductions (``sd``, ``largest``, ...) and ``always`` or ``frequency`` may stand in any order.
    """

    response: str
    where: tuple[tuple[str, tuple[Level, ...]], ...] = field(default=(), kw_only=True)
    reduction: Within | None = field(default=None, kw_only=True)
    across: Across = field(default="median", kw_only=True)
    curve: tuple[str, tuple[Level, ...]] | None = field(default=None, kw_only=True)

    @property
    def within(self) -> Within:
        """How rounds become a block's value; by default their mean, or each of them."""
        return self.reduction or ("each" if self.across == "every" else "mean")

    def at(self, **levels: Level | tuple[Level, ...]) -> Self:
        """Read at these levels; a tuple gives one condition for each of its levels.

        Raises:
            HarnessError: a factor is named a second time.
        """
        for name in levels:
            if name in dict(self.where):
                raise HarnessError(
                    f"The contrast of {self.response!r} names {name} twice: give all of its "
                    "levels in one .at(...)."
                )
        named = tuple(
            (name, level if isinstance(level, tuple) else (level,))
            for name, level in levels.items()
        )
        return replace(self, where=self.where + named)

    def along(self, factor: Factor[Any], *, judged: Sequence[Level]) -> Self:
        """A curve over a factor of sizes: judged at those the passage means, shown at the others.

        Args:
            factor: its levels are numbers in rising order.
            judged: the sizes that the passage means; conditions at the others are beyond its words.

        Raises:
            HarnessError: levels that are no rising numbers, or no size to judge, or an unknown one.
        """
        sizes = list(factor.levels)
        if not all(isinstance(s, (int, float)) and not isinstance(s, bool) for s in sizes):
            raise HarnessError(f"A curve needs numbers as levels; {factor.name!r} has {sizes}.")
        if sizes != sorted(sizes):
            raise HarnessError(f"The levels of {factor.name!r} must rise along a curve: {sizes}.")
        if not judged or not set(judged) <= set(sizes):
            raise HarnessError(
                f"A curve over {factor.name!r} is judged at some of its levels, not {list(judged)}."
            )
        return replace(self, curve=(factor.name, tuple(judged)))

    def sd(self) -> Self:
        """The standard deviation (ddof 1) over the rounds of a block."""
        return self._reduced("sd")

    def range(self) -> Self:
        """Greatest less least value over the rounds of a block."""
        return self._reduced("range")

    def distinct(self) -> Self:
        """The number of distinct values over the rounds of a block."""
        return self._reduced("distinct")

    def largest(self) -> Self:
        """The greatest value over the rounds of a block."""
        return self._reduced("max")

    def smallest(self) -> Self:
        """The least value over the rounds of a block."""
        return self._reduced("min")

    def always(self) -> Self:
        """Universal: every value counts, and one counterexample refutes.

        A value is that of a round, or of a block where a reduction makes one of its rounds.
        """
        return self._across("every")

    def frequency(self) -> Self:
        """The share of blocks in which a 0/1 response is 1."""
        return self._across("frequency")

    def comparisons(self, arms: Sequence[Arm]) -> tuple[Comparison, ...]:
        """The contrast with every factor pinned, once for each arm it speaks of.

        Raises:
            HarnessError: for factors or levels that the design does not have.
        """
        return tuple(self._compare(arm, None, "value") for arm in self._arms(arms))

    def _reduced(self, reduction: Within) -> Self:
        if self.reduction is not None:
            raise HarnessError(
                f"The contrast of {self.response!r} reduces the rounds of a block twice "
                f"({self.reduction}, then {reduction})."
            )
        return replace(self, reduction=reduction)

    def _across(self, across: Across) -> Self:
        if self.across != "median":
            raise HarnessError(
                f"The contrast of {self.response!r} puts blocks together twice "
                f"({self.across}, then {across})."
            )
        return replace(self, across=across)

    def _arms(self, arms: Sequence[Arm]) -> tuple[Arm, ...]:
        found = tuple(matching(arms, self._checked(arms)))
        if not found:
            raise HarnessError(
                f"The contrast of {self.response!r}: no arm of the design has {dict(self.where)}."
            )
        return found

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
class Value(Contrast):
    """A response itself, judged against a constant."""


@dataclass(frozen=True)
class Share(Contrast):
    """In which share of some cells of the design a yes/no response is yes, block by block.

    The cells are those that differ in one factor only: ``Share("raises", OPERATION)`` is the share
    of the operations that raise. It describes these cells, and is no estimate for others.
    """

    over: Factor[Any]

    def comparisons(self, arms: Sequence[Arm]) -> tuple[Comparison, ...]:
        """One comparison for each combination of the other factors' levels."""
        groups: dict[tuple[tuple[str, Level], ...], list[Arm]] = {}
        for arm in self._arms(arms):
            if self.over.name not in arm.as_dict():
                raise HarnessError(f"The share of {self.response!r} names no factor of the design.")
            rest = tuple(pair for pair in arm.levels if pair[0] != self.over.name)
            groups.setdefault(rest, []).append(arm)
        return tuple(
            replace(self._compare(cells[0], None, "share"), cells=tuple(cells), over=self.over.name)
            for cells in groups.values()
        )


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
        return self._reduced("paired")

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
