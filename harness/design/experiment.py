"""An experiment: one question, its design, how a cell is measured, and the claims judged on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from harness.design.aa import AA, AA_NAME, COPY, RESPONSES
from harness.design.alone import ALONE_SECONDS, WHY, Alone
from harness.design.claims import Beyond, Claim, ConditionKind, Control, Rule, Unmeasurable
from harness.design.contrasts import Comparison
from harness.design.entry import Entry
from harness.design.factors import Arm, Block, Factor, PerProfile, cross
from harness.design.regions import Region, equals
from harness.design.responses import Response
from harness.design.wording import label
from harness.errors import HarnessError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

C = TypeVar("C")

#: What ``measure`` returns: for each response one value, or one value a round.
Responses: TypeAlias = Mapping[str, "float | Noted | Sequence[float]"]
#: What ``task`` returns: a piece of work that the clock calls again and again.
Task: TypeAlias = Callable[[], object]


@dataclass(frozen=True)
class Noted:
    """A number with what stands behind it in words: the text printed, the default found."""

    value: float
    note: str


@dataclass(frozen=True)
class Posed:
    """A condition as an experiment poses it: the rule it comes from, its kind, what is compared."""

    rule: Rule
    kind: ConditionKind
    comparison: Comparison
    headline: bool = False
    why: str = ""

    @property
    def region(self) -> Region:
        """Where the rule's statement holds."""
        return self.rule.region


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
        measure_together: called with some blocks (or what ``prepare_together`` made for them) and
            an arm; gives what ``measure`` gives for each of them, in their order. Each block's
            numbers must come from its own seed.
        prepare_together: what the arms of blocks that are measured together share.
        together: how many blocks that are, for each profile; with ``measure_together``.
        responses: what is measured, each with its unit and meaning.
        task: called once for each arm of a block with what ``prepare`` returned; gives the work to
            be timed, which must be the same at every call.
        rounds: how often the clock visits each arm of a block, for each profile; with ``task``.
        aa: which arms are measured twice, as the control that can fail; with ``task``.
        alone: which arms a GPU runs alone after the rounds, each at its own clock, and for how
            long; the claims' ratios of times are shown for these beside, as beyond; with ``task``.
        claims: claims, conditions beyond their scope, controls, and what cannot be measured.
        prepare: what the arms of a block share (weights, data); by default the block itself.
        prepare_run: what all blocks share (a pretrained model, a text): called once in a process,
            with a block that has the shared seed as its own; blocks have the result as ``run``.
        factors: the factors; their full cross, less what ``only`` turns down, are the arms.
        blocks: the number of blocks for each profile, fixed before the run.
        effort: a size or count that ``Block.effort`` carries, for each profile.
        figures: functions from the table of observations to a figure; their names name the files.
        threads: intra-op threads of torch while a block runs.
        fresh_process: whether every block starts in a process of its own (memory); timed ones do.
        needs: "cpu" (any machine) or "cuda".
        on_cpu: whether blocks belong on the CPU whatever the run's device: where small networks
            train, a GPU takes longer to be given an operation than to compute it. A run on a GPU
            says so beside what is judged.
        imports: heavy modules that a block imports before it begins, beside torch: to import them
            is part of starting a process, and no part of what is timed or counted.
        one_sample: what all blocks draw from, where that is one sample (one fine-tuning, one small
            set of texts): then blocks are no independent replicates, and verdicts say so.
        call: what a call of a task is, for readers: "a forward pass"; with ``task``.
    """

    question: str
    blocks: PerProfile[int]
    measure: Callable[[C, Arm], Responses] | None = None
    measure_together: Callable[[Any, Arm], Sequence[Responses]] | None = None
    prepare_together: Callable[[tuple[Block, ...]], Any] | None = None
    together: PerProfile[int] | None = None
    responses: tuple[Response, ...] = ()
    task: Callable[[C, Arm], Task] | None = None
    rounds: PerProfile[int] | None = None
    aa: AA | None = None
    alone: Alone | None = None
    claims: tuple[Rule | Unmeasurable, ...] = ()
    prepare: Callable[[Block], C] | None = None
    prepare_run: Callable[[Block], Any] | None = None
    factors: tuple[Factor[Any], ...] = ()
    only: Callable[[Arm], bool] | None = None
    effort: PerProfile[int] = field(default=PerProfile(1, 1, 1))
    figures: tuple[Callable[[pd.DataFrame], Figure], ...] = ()
    threads: int = 1
    fresh_process: bool = False
    needs: str = "cpu"
    on_cpu: bool = False
    imports: tuple[str, ...] = ()
    one_sample: str = ""
    call: str = "a call"

    def __post_init__(self) -> None:
        for fault in (*self._measuring_faults(), *self._timing_faults()):
            raise HarnessError(f"The experiment {self.question!r} {fault}.")
        names = [response.name for response in self.all_responses()]
        if not names:
            raise HarnessError(f"The experiment {self.question!r} names no response.")
        if len(set(names)) != len(names):
            raise HarnessError(f"The experiment {self.question!r} names a response twice: {names}.")
        for posed in self.conditions():
            if posed.comparison.response not in names:
                raise HarnessError(
                    f"No response is called {posed.comparison.response!r}; there are "
                    f"{', '.join(names)}."
                )

    def _measuring_faults(self) -> Iterator[str]:
        ways = (self.measure, self.measure_together, self.task)
        if sum(way is not None for way in ways) != 1:
            yield "needs one of measure, measure_together and task"
        if (self.measure_together is None) != (self.together is None):
            yield "must say how many blocks to measure together"
        if self.measure_together and self.prepare:
            yield "measures blocks together, and prepares them in prepare_together"
        if self.prepare_together and not self.measure_together:
            yield "prepares blocks together and does not measure them together"
        if self.on_cpu and any(getattr(rule, "needs", "cpu") != "cpu" for rule in self.claims):
            yield "measures on the CPU and has a claim that needs CUDA"

    def _timing_faults(self) -> Iterator[str]:
        if self.task and (self.rounds is None or self.aa is None or self.responses):
            yield (
                "is timed: it needs rounds and an A/A control (aa), and its responses are those of "
                "the clock"
            )
        if not self.task and (self.rounds is not None or self.aa is not None):
            yield "has rounds or an A/A and no task to time"
        if not self.task and self.alone:
            yield "lets arms run alone and has no task to time"

    def all_responses(self) -> tuple[Response, ...]:
        """The responses, the clock's where it is timed."""
        if not self.task:
            return self.responses
        timed = (*RESPONSES, ALONE_SECONDS) if self.alone else RESPONSES
        return tuple(replace(r, meaning=r.meaning.replace("a call", self.call)) for r in timed)

    def meanings(self) -> dict[str, str]:
        """What each response means."""
        return {response.name: response.meaning for response in self.all_responses()}

    def units(self) -> dict[str, str]:
        """The unit of each response."""
        return {response.name: response.unit for response in self.all_responses()}

    def all_factors(self) -> tuple[Factor[Any], ...]:
        """The factors, with ``copy`` where it is timed."""
        return (*self.factors, COPY) if self.task else self.factors

    def arms(self) -> tuple[Arm, ...]:
        """The arms of the design, in the design's order."""
        arms = cross(self.factors, self.only)
        return self.aa.spread(arms) if self.aa else arms

    def rules(self) -> tuple[Rule | Unmeasurable, ...]:
        """The claims and controls, with the A/A where it is timed."""
        if self.aa is None:
            return self.claims
        return (*self.claims, Control(AA_NAME, self.aa.contrast(), equals(1.0, self.aa.within)))

    def conditions(self) -> list[Posed]:
        """Every condition, in the order of the rules and of the design; last, of arms alone."""
        return list(self._conditions)

    @cached_property
    def _conditions(self) -> tuple[Posed, ...]:
        """Asked for again and again, whenever a study is checked, judged or told of."""
        arms = self.arms()
        posed = [
            _pose(rule, comparison)
            for rule in self.rules()
            if not isinstance(rule, Unmeasurable)
            for comparison in rule.contrast.comparisons(arms)
        ]
        return (*posed, *self._alone(posed))

    def _alone(self, posed: Sequence[Posed]) -> Iterator[Posed]:
        """The ratios of times that claims are judged on, of the same arms as they run alone."""
        for each in posed if self.alone else ():
            comparison = self.alone.compares(each.comparison) if self.alone else None
            if comparison is not None and isinstance(each.rule, Claim) and each.kind == "claim":
                rule, region = each.rule, each.rule.region
                alone = Beyond(rule.id, rule.contrast, region, WHY, rule.reading, needs="cuda")
                yield Posed(alone, "beyond", comparison, why=WHY)

    def label(self, comparison: Comparison) -> str:
        """A comparison in words."""
        return label(comparison, self.all_factors(), self.meanings())

    def unit(self, comparison: Comparison) -> str:
        """The unit of a comparison's values."""
        if comparison.kind in ("ratio", "share") or comparison.across == "frequency":
            return "1"
        return "1" if comparison.within == "distinct" else self.units()[comparison.response]

    def claim_ids(self) -> list[str]:
        """The catalogue ids this experiment speaks of, each once, in order."""
        ids = [rule.id for rule in self.claims if not isinstance(rule, Control)]
        return list(dict.fromkeys(ids))


def _pose(rule: Rule, comparison: Comparison) -> Posed:
    """A comparison with what it is to its claim: a size that no passage means is beyond it."""
    if isinstance(rule, Control):
        return Posed(rule, "control", comparison)
    if isinstance(rule, Beyond):
        return Posed(rule, "beyond", comparison, why=rule.why)
    if rule.contrast.curve is not None:
        name, judged = rule.contrast.curve
        if comparison.arm.as_dict()[name] not in judged:
            return Posed(rule, "beyond", comparison, why="a size that the passage does not mean")
    return Posed(rule, "claim", comparison, headline=rule.leads(comparison.arm))


@dataclass(frozen=True)
class Study:
    """One theme and its experiments.

    Attributes:
        name: as on the command line ("eval-variance").
        question: the first line of the study's docstring.
        experiments: by name, in the order of their names.
        sources: the study's own files.
        catalogue: its claims in words, by id.
        origin: what the command line calls it: its name, or the file it was loaded from.
    """

    name: str
    question: str
    experiments: Mapping[str, Experiment[Any]]
    sources: tuple[Path, ...]
    catalogue: Mapping[str, Entry] = field(default_factory=dict)
    origin: str = ""
