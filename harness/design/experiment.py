"""An experiment: one question, its design, how a cell is measured, and the claims judged on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from harness.design.aa import AA, AA_NAME, COPY, RESPONSES
from harness.design.contrasts import Comparison, Contrast
from harness.design.factors import Arm, Block, Factor, PerProfile, cross
from harness.design.regions import Region, equals
from harness.errors import HarnessError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

C = TypeVar("C")

#: The level of every interval, unless a run was frozen with another.
CONFIDENCE = 0.99

#: What ``measure`` returns: for each response one value, or one value a round.
Responses: TypeAlias = Mapping[str, float | Sequence[float]]
#: What ``task`` returns: a piece of work that the clock calls again and again.
Task: TypeAlias = Callable[[], object]


@dataclass(frozen=True)
class Claim:
    """A claim of the catalogue, the contrast that tests it, and the region where it holds.

    Several ``Claim`` lines with one ``id`` are conditions of one claim: all of them must hold.
    ``reading`` says how the words were turned into the rule, where that takes a decision. A claim
    that ``needs`` "cuda" is judged on a GPU alone; what other devices give by the same code is
    shown beside it as a counterpart, and never in its place.
    """

    id: str
    contrast: Contrast
    region: Region
    reading: str = ""
    needs: str = "cpu"


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


@dataclass(frozen=True, kw_only=True)
class Experiment(Generic[C]):
    """One question, from its factors to its figures.

    What is measured is either a set of ``responses`` that ``measure`` gives, block by block, or
    ``measure_together`` for several blocks at once, or the time of the ``task`` of each arm, which
    the harness's clock takes. A timed experiment has the responses of
    ``harness.design.aa``, the factor ``copy`` after its own, and the A/A control, all by itself.

    Args:
        question: what is asked, in a sentence.
        measure: called once for each arm of a block with what ``prepare`` returned; gives a number,
            or a sequence of numbers (one a round), for every name in ``responses``.
        measure_together: called with some blocks and an arm; gives what ``measure`` gives for each
            of them, in their order. Each block's numbers must come from its own seed.
        together: how many blocks that are, for each profile; with ``measure_together``.
        responses: the unit of each response ("1" for shares and counts).
        task: called once for each arm of a block with what ``prepare`` returned; gives the work to
            be timed, which must be the same at every call.
        rounds: how often the clock visits each arm of a block, for each profile; with ``task``.
        aa: which arms are measured twice, as the control that can fail; with ``task``.
        claims: claims, controls and unmeasurable claims.
        prepare: what the arms of a block share (weights, data); by default the block itself.
        factors: the factors; their full cross, less what ``only`` turns down, are the arms.
        blocks: the number of blocks for each profile, fixed before the run.
        effort: a size or count that ``Block.effort`` carries, for each profile.
        figures: functions from the table of observations to a figure; their names name the files.
        threads: intra-op threads of torch while a block runs.
        fresh_process: whether every block starts in a process of its own (memory); timed ones do.
        needs: "cpu" (any machine) or "cuda".
        imports: heavy modules that a block imports before it begins, beside torch: to import them
            is part of starting a process, and no part of what is timed or counted.
    """

    question: str
    blocks: PerProfile[int]
    measure: Callable[[C, Arm], Responses] | None = None
    measure_together: Callable[[tuple[Block, ...], Arm], Sequence[Responses]] | None = None
    together: PerProfile[int] | None = None
    responses: Mapping[str, str] = field(default_factory=dict)
    task: Callable[[C, Arm], Task] | None = None
    rounds: PerProfile[int] | None = None
    aa: AA | None = None
    claims: tuple[Claim | Control | Unmeasurable, ...] = ()
    prepare: Callable[[Block], C] | None = None
    factors: tuple[Factor[Any], ...] = ()
    only: Callable[[Arm], bool] | None = None
    effort: PerProfile[int] = field(default=PerProfile(1, 1, 1))
    figures: tuple[Callable[[pd.DataFrame], Figure], ...] = ()
    threads: int = 1
    fresh_process: bool = False
    needs: str = "cpu"
    imports: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ways = (self.measure, self.measure_together, self.task)
        if sum(way is not None for way in ways) != 1:
            raise HarnessError(
                f"The experiment {self.question!r} needs one of measure, measure_together and task."
            )
        if (self.measure_together is None) != (self.together is None):
            raise HarnessError(
                f"The experiment {self.question!r} must say how many blocks to measure together."
            )
        if self.measure_together and self.prepare:
            raise HarnessError(
                f"The experiment {self.question!r} measures blocks together: they prepare there."
            )
        if self.task and (self.rounds is None or self.aa is None or self.responses):
            raise HarnessError(
                f"The timed experiment {self.question!r} needs rounds and an A/A control (aa), "
                "and its responses are those of the clock."
            )
        if not self.units():
            raise HarnessError(f"The experiment {self.question!r} names no response.")
        for _, comparison, _ in self.conditions():
            if comparison.response not in self.units():
                raise HarnessError(f"No response is called {comparison.response!r}.")

    def units(self) -> Mapping[str, str]:
        """The unit of each response, the clock's where it is timed."""
        return RESPONSES if self.task else self.responses

    def all_factors(self) -> tuple[Factor[Any], ...]:
        """The factors, with ``copy`` where it is timed."""
        return (*self.factors, COPY) if self.task else self.factors

    def arms(self) -> tuple[Arm, ...]:
        """The arms of the design, in the design's order."""
        arms = cross(self.factors, self.only)
        return self.aa.spread(arms) if self.aa else arms

    def rules(self) -> tuple[Claim | Control | Unmeasurable, ...]:
        """The claims and controls, with the A/A where it is timed."""
        if self.aa is None:
            return self.claims
        return (*self.claims, Control(AA_NAME, self.aa.contrast(), equals(1.0, self.aa.within)))

    def conditions(self) -> list[tuple[Claim | Control, Comparison, Region]]:
        """Every condition: the claim or control it belongs to, what is compared, the region."""
        arms = self.arms()
        return [
            (rule, comparison, rule.region)
            for rule in self.rules()
            if not isinstance(rule, Unmeasurable)
            for comparison in rule.contrast.comparisons(arms)
        ]

    def unit(self, comparison: Comparison) -> str:
        """The unit of a comparison's values."""
        if comparison.kind == "ratio" or comparison.across == "frequency":
            return "1"
        return "1" if comparison.within == "distinct" else self.units()[comparison.response]

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
