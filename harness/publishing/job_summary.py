"""What a comparison says elsewhere: a page of Markdown whose first line is the verdict."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from harness.catalogue.benchmarks import Benchmark
from harness.errors import HarnessError
from harness.judging.differences import Difference
from harness.judging.intervals import Interval, narrowing
from harness.judging.regressions import REGRESSIONS, Finding, Outcome, Report, word_of
from harness.protocol.comparison import BASE, HEAD, Asked, Comparison, Side
from harness.publishing.markdown import render
from harness.words import amount, plural

#: The page in the folder of its comparison.
PAGE = "summary.md"
#: Differences that a page names; the others are counted.
NAMED = 40
#: So many times as many blocks are what a user may try next.
MORE = (2, 4)


@dataclass(frozen=True)
class Explanation:
    """A benchmark measured once more with one thing set equal on both sides.

    Attributes:
        benchmark: that got slower.
        difference: what was set to base's value on both sides.
        head: the ratio that came out; None where it gave none.
        word: the verdict that it would have been.
    """

    benchmark: str
    difference: Difference
    head: Interval | None
    word: str

    def __str__(self) -> str:
        name = self.difference.name
        name = name if self.difference.kind == "variable" else name.replace("_", " ")
        equal = f"With {name} set equal ({self.difference.base})"
        if self.head is None:
            return f"{equal}, {self.benchmark} gave no ratio."
        return f"{equal}, the ratio of {self.benchmark} is {told(self.head)}: {self.word}."


def verdict_line(report: Report) -> str:
    """The verdict of a comparison in one line."""
    worst = [finding for finding in report.findings if finding.word in REGRESSIONS]
    total = plural(len(report.findings), "benchmark")
    words: dict[Outcome, str] = {
        "regression": f"Regression in {len(worst)} of {total}",
        "inconclusive": "Inconclusive",
        "no regression": f"No regression in {total}",
        "nothing measured": "Nothing was measured",
    }
    if worst:
        named = "; ".join(f"{short(f.benchmark.name)} {_found(f)}" for f in worst[:5])
        return f"{words['regression']}: {named}{'; ...' if len(worst) > 5 else ''}"
    if report.outcome == "inconclusive":
        open_ = [f for f in report.findings if f.word in ("inconclusive", "not measured")]
        return f"Inconclusive: {len(open_)} of {total} could not be decided, the others are fine"
    return words[report.outcome]


def _found(finding: Finding) -> str:
    return f"{finding.word} ({told(finding.head)})" if finding.head is not None else finding.word


def told(interval: Interval) -> str:
    """A ratio with its interval in words."""
    if not math.isfinite(interval.low + interval.high):
        return f"{interval.estimate:.3f}, no interval"
    return f"{interval.estimate:.3f}, {ends(interval)}"


def ends(interval: Interval) -> str:
    """The ends of an interval in words."""
    if not math.isfinite(interval.low + interval.high):
        return "no interval"
    return f"{interval.low:.3f} to {interval.high:.3f}"


def short(name: str) -> str:
    """A benchmark's name without the folders of its file."""
    return name.rpartition("/")[2]


def size(finding: Finding) -> str:
    """What a call takes, or weighs, on base."""
    if not math.isfinite(finding.base):
        return ""
    return amount(finding.base, finding.benchmark.unit)


def summary(
    comparison: Comparison,
    report: Report,
    differing: Sequence[Difference],
    explanations: Sequence[Explanation] = (),
    torches: Mapping[Side, str] = MappingProxyType({}),
) -> str:
    """The page of a comparison, in Markdown.

    Args:
        comparison: what was decided.
        report: what was found.
        differing: what differs between the sides.
        explanations: what was measured once more.
        torches: the version that each side proved to run.
    """
    handovers = [f.handover for f in report.findings if math.isfinite(f.handover)]
    order = sorted(report.findings, key=lambda f: f.word not in REGRESSIONS)
    return render(
        "job_summary.md.jinja",
        verdict=verdict_line(report),
        comparison=comparison,
        base=_named(comparison.base, torches.get(BASE)),
        head=_named(comparison.head, torches.get(HEAD)),
        rows=[
            {
                "name": short(finding.benchmark.name),
                "meaning": finding.benchmark.meaning,
                "base": size(finding),
                "ratio": told(finding.head) if finding.head is not None else "none",
                "margin": f"{100 * finding.benchmark.margin:g} %",
                "word": finding.word,
                "control": ends(finding.control) if finding.control is not None else "none",
                "reason": finding.reason,
            }
            for finding in order
        ],
        policy=policy(comparison),
        hint=hint(comparison, report),
        clock=report.clock,
        handover=amount(sorted(handovers)[len(handovers) // 2], "s") if handovers else "",
        differing=[str(each) for each in differing[:NAMED]],
        more=max(len(differing) - NAMED, 0),
        cautions=cautions(differing),
        explanations=[str(each) for each in explanations],
    )


def policy(comparison: Comparison) -> str:
    """What the intervals promise, and how often it may be broken."""
    count = len(comparison.benchmarks)
    return (
        f"{comparison.blocks} fresh trios of processes, in which head is held against base and its "
        "copy (geometric mean of the two ratios); "
        f"{'the interval has' if count == 1 else f'all {count} intervals together have'} 99 % "
        f"confidence ({'' if count == 1 else 'Bonferroni; '}of times Wilcoxon's signed ranks, "
        "which suppose that ratios scatter alike to both sides, of bytes order statistics): the "
        "chance that this run calls anything slower, hungrier or faster that is not, by more than "
        "its margin, is at most 1 %. What fails on head alone is broken, without an interval."
    )


def _named(asked: Asked, torch: str | None) -> str:
    """A side as it was asked for, with the torch that it was where that does not say it."""
    return f"{asked} (torch {torch})" if torch and torch not in asked.source else str(asked)


def cautions(differing: Sequence[Difference]) -> list[str]:
    """What differs in such a way that a ratio may speak of it, and not of what was meant."""
    said = []
    if any(each.kind == "interpreter" and each.name == "cuda" for each in differing):
        said.append(
            "One torch is built for CUDA and the other is not, or for another CUDA: that alone can "
            "make a call faster or slower on a CPU, whatever the version."
        )
    if any(each.kind == "requirement" for each in differing):
        said.append(
            "The commits ask for other packages; both were measured with those that are installed "
            "here."
        )
    return said


def hint(comparison: Comparison, report: Report) -> str:
    """What would decide more; empty where nothing is open that more blocks could decide."""
    undecided = [
        (finding.benchmark, finding.head)
        for finding in report.findings
        if finding.word == "inconclusive"
        and finding.benchmark.unit == "s"
        and finding.head is not None
        and math.isfinite(finding.head.low + finding.head.high)
    ]
    if not undecided or report.clock:
        return ""
    open_ = plural(len(undecided), "benchmark")
    blocks = [factor * comparison.blocks for factor in MORE]
    decided = [_decided(undecided, comparison, more) for more in blocks]
    if not decided[-1]:
        return (
            f"{open_} {'is' if len(undecided) == 1 else 'are'} open, and would be with "
            f"--blocks {blocks[-1]} too if the ratios stay as they are."
        )
    if len(undecided) == 1:
        enough = next(more for more, count in zip(blocks, decided, strict=True) if count)
        return (
            f"1 benchmark is open, and would be decided with about --blocks {enough} if the ratio "
            "stays as it is."
        )
    counted = " and ".join(
        f"{count} with --blocks {more}" for count, more in zip(decided, blocks, strict=True)
    )
    return (
        f"Of the {open_} that are open about {counted} would be decided if the ratios stay as "
        "they are."
    )


def _decided(
    undecided: Sequence[tuple[Benchmark, Interval]], comparison: Comparison, blocks: int
) -> int:
    """Of what is open, how much would be decided by intervals of so many blocks."""
    share = narrowing(comparison.blocks, blocks, comparison.confidence)
    words = [word_of(_narrowed(interval, share), each) for each, interval in undecided]
    return sum(word != "inconclusive" for word in words)


def _narrowed(ratio: Interval, share: float) -> Interval:
    """A ratio with an interval that is so many times as wide, on a scale of logarithms."""
    centre = ratio.estimate
    low, high = (centre * (end / centre) ** share for end in (ratio.low, ratio.high))
    return Interval(centre, low, high)


def append_to_job(text: str) -> None:
    """Add the page to the summary of a GitHub job, if this is one.

    Raises:
        HarnessError: its file cannot be written.
    """
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if not target:
        return
    try:
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise HarnessError(
            f"{target}: the job's summary cannot be written ({error.strerror or error})."
        ) from error
