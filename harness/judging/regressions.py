"""From the rows of a comparison to a word for each benchmark, and one for all of them.

The intervals of all benchmarks hold together with 99 %: each has the confidence that Bonferroni's
inequality asks of it. So with a probability of at most 1 % any benchmark of a run is called slower
that is not by more than its margin, however many there are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from harness.catalogue.benchmarks import Benchmark
from harness.design.gpu_state import AT_POWER_LIMIT
from harness.judging.aa import more_than_chance
from harness.judging.block_ratios import head_ratios, ratios
from harness.judging.intervals import Interval, median_interval, signed_rank_interval
from harness.judging.states import Seen, States
from harness.protocol.comparison import AGAIN, BASE, HEAD, SIDE, SIDES, Comparison, Side
from harness.store.turns import RESPONSE_OF, arm_of
from harness.words import plural

Word: TypeAlias = Literal[
    "slower", "hungrier", "broken", "faster", "leaner", "mended", "same within the margin",
    "inconclusive", "not measured",
]  # fmt: skip
WORDS: tuple[Word, ...] = get_args(Word)
REGRESSIONS: tuple[Word, ...] = ("slower", "hungrier", "broken")
Outcome: TypeAlias = Literal["regression", "inconclusive", "no regression", "nothing measured"]
EXIT_CODES: Mapping[Outcome, int] = {
    "no regression": 0,
    "regression": 1,
    "inconclusive": 3,
    "nothing measured": 4,
}
#: A control that excludes 1 and yet lies within this share of the margin has found a difference too
#: small to matter.
HARMLESS = 0.5


@dataclass(frozen=True)
class Finding:
    """What was found of one benchmark.

    Attributes:
        benchmark: what was measured.
        word: the verdict.
        reason: why, in a sentence.
        base: the median over the blocks of what a call took or weighed on base; NaN without one.
        head: the ratio of head to base with its interval, as judged; None without one.
        control: the ratio of base to itself; None without one.
        values: head to base, a number a block.
        handover: seconds, median; NaN without one.
    """

    benchmark: Benchmark
    word: Word
    reason: str
    base: float
    head: Interval | None
    control: Interval | None
    values: tuple[float, ...]
    handover: float


@dataclass(frozen=True)
class Report:
    """What was found of a comparison.

    Attributes:
        findings: one a benchmark, in the comparison's order.
        outcome: of all.
        clock: why all times are withheld; empty where they are not.
    """

    findings: tuple[Finding, ...]
    outcome: Outcome
    clock: str

    @property
    def counted(self) -> str:
        """How many benchmarks got which word, the worst first."""
        counts = Counter(finding.word for finding in self.findings)
        order = [*REGRESSIONS, *(word for word in counts if word not in REGRESSIONS)]
        return ", ".join(f"{counts[word]} {word}" for word in order if word in counts)

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        return EXIT_CODES[self.outcome]


def judge(comparison: Comparison, table: pd.DataFrame) -> Report:
    """Judge a comparison from its rows.

    Args:
        comparison: what was decided.
        table: of all finished blocks.
    """
    measured = [_measured(comparison, each, table) for each in comparison.benchmarks]
    timed = [m for m in measured if m.benchmark.unit == "s" and m.control is not None]
    off = [m for m in timed if m.control_fails]
    clock = ""
    if more_than_chance(len(off), len(timed), comparison.confidence) and len(off) > 1:
        clock = (
            f"base differs from its own copy in {len(off)} of {plural(len(timed), 'benchmark')}, "
            "more than chance allows: no time of this run is judged"
        )
    findings = tuple(_finding(m, comparison, clock) for m in measured)
    return Report(findings, outcome_of([finding.word for finding in findings]), clock)


def outcome_of(words: Sequence[Word]) -> Outcome:
    """The outcome of all benchmarks: one regression is one, whatever else is open."""
    if any(word in REGRESSIONS for word in words):
        return "regression"
    if all(word == "not measured" for word in words):
        return "nothing measured"
    if any(word in ("inconclusive", "not measured") for word in words):
        return "inconclusive"
    return "no regression"


def word_of(interval: Interval, benchmark: Benchmark) -> Word:
    """The word for a ratio: the whole interval must lie on one side of an edge of the margin."""
    edge = 1 + benchmark.margin
    times = benchmark.unit == "s"
    if interval.low > edge:
        return "slower" if times else "hungrier"
    if interval.high < 1 / edge:
        return "faster" if times else "leaner"
    if interval.low >= 1 / edge and interval.high <= edge:
        return "same within the margin"
    return "inconclusive"


@dataclass(frozen=True)
class _Measured:
    """The ratios of one benchmark, before they are judged."""

    benchmark: Benchmark
    failures: Mapping[Side, tuple[int, str]]
    disturbed: int
    base: float
    values: tuple[float, ...]
    head: Interval | None
    control: Interval | None
    handover: float
    seen: Seen

    @property
    def control_fails(self) -> bool:
        """Whether base differs from its own copy by more than does no harm.

        A control that is too wide to tell has found nothing. What makes it wide are the processes
        of the blocks, which make head's interval as wide: to add the one to the other would count
        the same scatter twice.
        """
        control, edge = self.control, 1 + HARMLESS * self.benchmark.margin
        if control is None or control.low <= 1 <= control.high:
            return False
        return not (control.low >= 1 / edge and control.high <= edge)


def _measured(comparison: Comparison, benchmark: Benchmark, table: pd.DataFrame) -> _Measured:
    own = table[table["benchmark"] == benchmark.name]
    rows = own[own["response"] == RESPONSE_OF[benchmark.unit]]
    failed = rows[(rows["status"] == "failed") & ~rows["message"].str.startswith("not ")]
    failures: dict[Side, tuple[int, str]] = {}
    for side in SIDES:
        messages = failed.loc[failed["side"] == side, "message"]
        if len(messages):
            failures[side] = (len(messages), str(messages.iloc[0]))
    values = head_ratios(rows, comparison.blocks)
    again = ratios(rows, AGAIN, comparison.blocks)
    good = rows[(rows["phase"] == "measured") & (rows["status"] != "failed")]
    watched = good[(good["status"] == "disturbed") & good["message"].str.contains("GPU")]
    handovers = own.loc[own["response"] == "handover", "value"]
    base = good.loc[good["side"] == BASE, "value"]
    return _Measured(
        benchmark,
        failures,
        int(watched["block"].nunique()),
        float(base.median()) if len(base) else math.nan,
        tuple(values),
        _interval(values, comparison.confidence, benchmark.unit),
        _interval(again, comparison.confidence, benchmark.unit),
        float(handovers.median()) if len(handovers) else math.nan,
        _seen(comparison, benchmark, own),
    )


def _seen(comparison: Comparison, benchmark: Benchmark, own: pd.DataFrame) -> Seen:
    """What was seen of the GPU while base and head had their turns; nothing on a CPU."""
    states = States(own, ["benchmark", SIDE.name], comparison.blocks)
    return states.of([arm_of(benchmark, side) for side in (BASE, HEAD)]) if states else Seen()


def _interval(values: Sequence[float], confidence: float, unit: str) -> Interval | None:
    """The ratio with its interval over the blocks; None where a block gave none.

    Times scatter, on both sides alike: their logarithms are judged by signed ranks. Bytes are most
    often one number, and may be none at all.
    """
    numbers = np.asarray(values, np.float64)
    if not np.isfinite(numbers).all():
        return None
    if unit == "B" or (numbers <= 0).any():
        return median_interval(numbers, confidence)
    found = signed_rank_interval(np.log(numbers), confidence)
    return Interval(*(math.exp(end) for end in (found.estimate, found.low, found.high)))


def _finding(measured: _Measured, comparison: Comparison, clock: str) -> Finding:
    word, reason, head = _judged(measured, comparison, clock)
    return Finding(
        measured.benchmark,
        word,
        reason,
        measured.base,
        head,
        measured.control,
        measured.values,
        measured.handover,
    )


def _judged(
    measured: _Measured, comparison: Comparison, clock: str
) -> tuple[Word, str, Interval | None]:
    if measured.failures:
        return (*_of_failures(measured), measured.head)
    head, control = measured.head, measured.control
    if head is None or control is None:
        return *_of_missing(measured), head
    if not math.isfinite(head.low + head.high):
        few = plural(comparison.blocks, "block")
        return "inconclusive", f"{few}: too few for an interval of this confidence.", head
    if measured.benchmark.unit == "B":
        return word_of(head, measured.benchmark), _span(head, comparison), head
    if withheld := _withheld(measured, control, clock):
        return "inconclusive", withheld, head
    reason = _span(head, comparison) + _of_gpu(measured.seen)
    return word_of(head, measured.benchmark), reason, head


def _of_gpu(seen: Seen) -> str:
    """What is to be said of the GPU beside a verdict."""
    limited = f" The GPU was {AT_POWER_LIMIT} in {seen.limited} of {plural(seen.asked, 'sample')}."
    unseen = f" Not seen of the GPU: {seen.unseen}."
    return limited * bool(seen.limited) + unseen * bool(seen.unseen)


def _withheld(measured: _Measured, control: Interval, clock: str) -> str:
    """Why a ratio of times is not judged; empty where it is."""
    if clock:
        return f"Withheld: {clock}."
    if measured.disturbed:
        blocks = plural(measured.disturbed, "block")
        return f"The GPU was disturbed in {blocks}; kept, not judged."
    if not measured.seen.same_clock:
        clocks = " and ".join(f"{clock:,.0f} MHz" for clock in measured.seen.clocks)
        return f"Withheld: base and head ran at other clocks of the GPU ({clocks})."
    if measured.control_fails:
        return f"Withheld: base differs from its own copy ({_ends(control)})."
    return ""


def _span(interval: Interval, comparison: Comparison) -> str:
    return (
        f"The interval {_ends(interval)} holds together with those of all "
        f"{plural(len(comparison.benchmarks), 'benchmark')} at 99 %."
    )


def _ends(interval: Interval) -> str:
    return f"{interval.low:.4f} to {interval.high:.4f}"


def _of_missing(measured: _Measured) -> tuple[Word, str]:
    if all(value == math.inf for value in measured.values):
        return "hungrier", "It takes nothing on base, and something on head."
    missing = sum(not math.isfinite(value) for value in measured.values)
    if missing == len(measured.values):
        return "not measured", "It gave no number in any block."
    return "inconclusive", f"It gave no number in {plural(missing, 'block')}."


def _of_failures(measured: _Measured) -> tuple[Word, str]:
    """What it means that a benchmark failed, on one side or on both."""
    told = "; ".join(
        f"{side} failed in {plural(count, 'block')}: {message}"
        for side, (count, message) in measured.failures.items()
    )
    gave = sum(math.isfinite(value) for value in measured.values)
    if gave:
        return "inconclusive", f"{told}."
    if set(measured.failures) == {HEAD}:
        return "broken", f"It works on base and not on head. {told}."
    if set(measured.failures) == {BASE, AGAIN}:
        return "mended", f"It works on head and not on base. {told}."
    return "not measured", f"{told}."
