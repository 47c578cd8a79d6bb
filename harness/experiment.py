"""An experiment: one question, its design, how a cell is measured, and the claims judged on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from harness.contrasts import Comparison, Contrast
from harness.design import Arm, Block, Factor, PerProfile, cross
from harness.errors import HarnessError
from harness.regions import Region

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

C = TypeVar("C")

#: What ``measure`` returns: for each response one value, or one value a round.
Responses: TypeAlias = Mapping[str, float | Sequence[float]]


@dataclass(frozen=True)
class Claim:
    """A claim of the catalogue, the contrast that tests it, and the region where it holds.

    Several ``Claim`` lines with one ``id`` are conditions of one claim: all of them must hold.
    ``reading`` says how the words were turned into the rule, where that takes a decision.
    """

    id: str
    contrast: Contrast
    region: Region
    reading: str = ""


@dataclass(frozen=True)
class Control:
    """A contrast whose truth is known beforehand; where it fails, the experiment judges nothing."""

    name: str
    contrast: Contrast
    region: Region


@dataclass(frozen=True)
class Unmeasurable:
    """A claim that no run of this experiment can settle, what it would take, and why."""

    id: str
    needs: str
    why: str


@dataclass(frozen=True)
class Experiment(Generic[C]):
    """One question, from its factors to its figures.

    Args:
        question: what is asked, in a sentence.
        measure: called once for each arm of a block with what ``prepare`` returned; gives a number,
            or a sequence of numbers (one a round), for every name in ``responses``.
        responses: the unit of each response ("1" for shares and counts).
        claims: claims, controls and unmeasurable claims.
        prepare: what the arms of a block share (weights, data); by default the block itself.
        factors: the factors; their full cross, less what ``only`` turns down, are the arms.
        blocks: the number of blocks for each profile, fixed before the run.
        effort: a size or count that ``Block.effort`` carries, for each profile.
        figures: functions from the table of observations to a figure; their names name the files.
        threads: intra-op threads of torch while a block runs.
        fresh_process: whether every block starts in a process of its own (timing, memory).
        needs: "cpu" (any machine) or "cuda".
    """

    question: str
    measure: Callable[[C, Arm], Responses]
    responses: Mapping[str, str]
    blocks: PerProfile[int]
    claims: tuple[Claim | Control | Unmeasurable, ...] = ()
    prepare: Callable[[Block], C] | None = None
    factors: tuple[Factor[Any], ...] = ()
    only: Callable[[Arm], bool] | None = None
    effort: PerProfile[int] = field(default=PerProfile(1, 1, 1))
    figures: tuple[Callable[[pd.DataFrame], Figure], ...] = ()
    threads: int = 1
    fresh_process: bool = False
    needs: str = "cpu"

    def __post_init__(self) -> None:
        if not self.responses:
            raise HarnessError(f"The experiment {self.question!r} names no response.")
        for _, comparison, _ in self.conditions():
            if comparison.response not in self.responses:
                raise HarnessError(f"No response is called {comparison.response!r}.")

    def arms(self) -> tuple[Arm, ...]:
        """The arms of the design, in the design's order."""
        return cross(self.factors, self.only)

    def conditions(self) -> list[tuple[Claim | Control, Comparison, Region]]:
        """Every condition: the claim or control it belongs to, what is compared, the region."""
        arms = self.arms()
        return [
            (rule, comparison, rule.region)
            for rule in self.claims
            if not isinstance(rule, Unmeasurable)
            for comparison in rule.contrast.comparisons(arms)
        ]

    def unit(self, comparison: Comparison) -> str:
        """The unit of a comparison's values."""
        if comparison.kind == "ratio" or comparison.across == "frequency":
            return "1"
        return "1" if comparison.within == "distinct" else self.responses[comparison.response]

    def claim_ids(self) -> list[str]:
        """The catalogue ids this experiment speaks of, each once, in order."""
        ids = [rule.id for rule in self.claims if not isinstance(rule, Control)]
        return list(dict.fromkeys(ids))


@dataclass(frozen=True)
class Study:
    """One theme and its experiments.

    Attributes:
        name: as on the command line ("eval-variance").
        question: the first line of the study's docstring.
        experiments: by name, in the order of their names.
        sources: the study's own files.
    """

    name: str
    question: str
    experiments: Mapping[str, Experiment[Any]]
    sources: tuple[Path, ...]
