"""The design of an experiment: factors with their levels, arms, blocks and profiles."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar, get_args

from harness.errors import HarnessError

Level: TypeAlias = str | int | float | bool
Profile: TypeAlias = Literal["quick", "standard", "full"]
PROFILES: tuple[Profile, ...] = get_args(Profile)


def profile_of(name: str) -> Profile:
    """A profile by its name.

    Raises:
        HarnessError: there is none of this name.
    """
    for profile in PROFILES:
        if profile == name:
            return profile
    raise HarnessError(f"There is no profile {name!r}; choose one of {', '.join(PROFILES)}.")


L = TypeVar("L", bound=Level)
T = TypeVar("T")

#: Columns every table of observations has; a factor may not take one of these names.
RESERVED = frozenset(
    ["block", "seed", "order", "round", "phase", "response", "value", "unit", "status", "message"]
)  # fmt: skip


@dataclass(frozen=True)
class Factor(Generic[L]):
    """What is varied.

    Args:
        name: a Python identifier; it becomes a column of the table.
        levels: two or more distinct values of one type (one level is allowed for a fixed setting).
        control: the level the others are compared with; None where no level is special.
        label: what a reader sees in place of the name ("dropout rate"); by default the name.
        words: what a reader sees in place of a level; an empty text where it goes without saying.

    Raises:
        HarnessError: for a reserved or malformed name, repeated levels, levels of several types, a
            control that is no level, or words for what is none.
    """

    name: str
    levels: tuple[L, ...]
    control: L | None = None
    label: str = field(default="", kw_only=True)
    words: Mapping[L, str] = field(default_factory=dict, kw_only=True, hash=False)

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name in RESERVED:
            raise HarnessError(f"A factor cannot be called {self.name!r}: use a free identifier.")
        if not self.levels or len(set(self.levels)) != len(self.levels):
            raise HarnessError(f"Factor {self.name!r} needs levels, each of them once.")
        if any(isinstance(level, float) and not math.isfinite(level) for level in self.levels):
            raise HarnessError(
                f"Factor {self.name!r} has a level that is no number: {self.levels}."
            )
        if len({type(level) for level in self.levels}) != 1:
            raise HarnessError(f"Factor {self.name!r} mixes types: {self.levels}.")
        if self.control is not None and self.control not in self.levels:
            raise HarnessError(f"Factor {self.name!r} has no level {self.control!r} as control.")
        for level in self.words:
            if level not in self.levels:
                raise HarnessError(f"Factor {self.name!r} has words for {level!r}, no level of it.")

    @property
    def title(self) -> str:
        """The factor as a reader sees it."""
        return self.label or self.name.replace("_", " ")

    def say(self, level: Level) -> str:
        """A level as a reader sees it beside others of its factor."""
        if level in self.words:
            return self.words[level]  # type: ignore[index]  # it is a level of this factor
        if isinstance(level, bool):
            return self.title if level else f"not {self.title}"
        return level if isinstance(level, str) else _digits(level)

    def phrase(self, level: Level) -> str:
        """A level as a reader sees it among those of other factors: numbers say whose they are."""
        if level in self.words or isinstance(level, (bool, str)):
            return self.say(level)
        return f"{self.title}{' = ' if len(self.title) < 3 else ' '}{_digits(level)}"


#: Between the names that a level joins.
AND = " + "


def joined(*names: str) -> str:
    """The level that stands for several at once."""
    return AND.join(names)


def names_of(level: str) -> tuple[str, ...]:
    """The names that ``joined`` has made a level of; of another its own."""
    return tuple(level.split(AND))


def _digits(level: float) -> str:
    return f"{level:,}" if isinstance(level, int) else f"{level:g}"


@dataclass(frozen=True)
class Arm:
    """One combination of levels. ``arm[FACTOR]`` is the level, with the factor's own type."""

    levels: tuple[tuple[str, Level], ...] = ()

    def __getitem__(self, factor: Factor[L]) -> L:
        """The level of a factor in this arm; KeyError where the arm lacks the factor."""
        level: Any = dict(self.levels)[factor.name]
        return level  # type: ignore[no-any-return]  # a factor's column holds its own level type

    def as_dict(self) -> dict[str, Level]:
        """The levels by factor name, in the design's order."""
        return dict(self.levels)

    def replaced(self, **levels: Level) -> Arm:
        """The arm that differs in the given levels only."""
        return Arm(tuple((name, levels.get(name, level)) for name, level in self.levels))

    def __str__(self) -> str:
        return ", ".join(f"{name}={level}" for name, level in self.levels) or "the only arm"


@dataclass(frozen=True)
class PerProfile(Generic[T]):
    """A value that depends on how much time a run may take."""

    quick: T
    standard: T
    full: T

    def of(self, profile: Profile) -> T:
        """The value for a profile."""
        value: T = getattr(self, profile)
        return value


@dataclass(frozen=True)
class Block:
    """What all arms share so that they can be paired; the unit of replication.

    Attributes:
        index: 0, 1, ... within the experiment.
        seed: the block's own seed; every random stream of the block starts from it.
        shared_seed: the same in all blocks of a run, for what blocks have in common.
        device: "cpu" or "cuda", to place tensors on.
        effort: the experiment's ``effort`` for the run's profile (a size, a number of passes).
        run: what the experiment's ``prepare_run`` made, once for all blocks of a process.
    """

    index: int
    seed: int
    shared_seed: int
    device: str = "cpu"
    effort: int = 1
    run: Any = field(default=None, compare=False, repr=False)


def cross(
    factors: Sequence[Factor[Any]], only: Callable[[Arm], bool] | None = None
) -> tuple[Arm, ...]:
    """All arms of the full factorial, first factor slowest, less those that ``only`` turns down.

    Raises:
        HarnessError: two factors of one name, or no arm left.
    """
    names = [factor.name for factor in factors]
    if len(set(names)) != len(names):
        raise HarnessError(f"Two factors share a name: {names}.")
    combinations = itertools.product(*(factor.levels for factor in factors))
    arms = tuple(Arm(tuple(zip(names, levels, strict=True))) for levels in combinations)
    kept = tuple(arm for arm in arms if only is None or only(arm))
    if not kept:
        raise HarnessError("The design leaves no arm.")
    return kept


def matching(arms: Sequence[Arm], where: Mapping[str, Sequence[Level]]) -> Iterator[Arm]:
    """The arms whose levels are among those named, factor by factor."""
    for arm in arms:
        levels = arm.as_dict()
        if all(levels[name] in allowed for name, allowed in where.items()):
            yield arm
