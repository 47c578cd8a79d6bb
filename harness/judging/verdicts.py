"""Verdicts: from effect and region to a word, with a sentence written from the numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from harness.design.contrasts import Across
from harness.design.experiment import CONFIDENCE
from harness.design.regions import Region
from harness.judging.effects import Effect

Verdict: TypeAlias = Literal[
    "reproduced", "refuted", "mixed", "inconclusive", "not measurable", "not tested"
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Judgement:
    """A verdict and the sentence that explains it."""

    verdict: Verdict
    reason: str


def judge_condition(
    effect: Effect, region: Region, across: Across, confidence: float = CONFIDENCE
) -> Judgement:
    """Judge one condition.

    An interval inside the region reproduces, one outside refutes, one across an edge decides
    nothing. A universal condition is refuted by a single value outside.

    Args:
        effect: the estimate with its interval.
        region: where the claim holds.
        across: how block values were put together.
        confidence: the interval's level, for the sentence.
    """
    if effect.problem:
        return Judgement("inconclusive", f"Not judged: {effect.problem}.")
    if across == "every":
        return _judge_universal(effect, region)
    if math.isinf(effect.low) and math.isinf(effect.high):
        few = f"{effect.blocks} blocks are too few for a {100 * confidence:g} % interval"
        return Judgement("inconclusive", f"{few}: it is infinite.")
    place = region.place(effect.low, effect.high)
    span = f"The {100 * confidence:g} % interval {effect.low:.4g} to {effect.high:.4g}"
    if place == "inside":
        return Judgement("reproduced", f"{span} lies wholly {_where(region)}.")
    if place == "outside":
        return Judgement("refuted", f"{span} lies wholly outside: not {region}.")
    return Judgement("inconclusive", f"{span} crosses the edge of: {region}.")


def judge_claim(conditions: Sequence[tuple[str, Judgement]]) -> Judgement:
    """The verdict of a claim from the labels and judgements of its conditions.

    Args:
        conditions: a label and a judgement each; at least one.

    Raises:
        ValueError: no condition.
    """
    if not conditions:
        raise ValueError("a claim needs a condition")
    if len(conditions) == 1:
        return conditions[0][1]
    verdicts = {judgement.verdict for _, judgement in conditions}
    for undecided in ("inconclusive", "not measurable"):
        if undecided in verdicts:
            return Judgement(undecided, _name_those(conditions, undecided))
    if verdicts == {"reproduced"}:
        return Judgement("reproduced", f"All {len(conditions)} conditions hold.")
    if verdicts == {"refuted"}:
        return Judgement("refuted", f"None of {len(conditions)} conditions holds.")
    return Judgement("mixed", _name_those(conditions, "refuted"))


def withhold(judgement: Judgement, failed_controls: Sequence[str]) -> Judgement:
    """The judgement, or `inconclusive` where a control that counts for it failed."""
    if not failed_controls or judgement.verdict == "not measurable":
        return judgement
    names = "; ".join(failed_controls)
    return Judgement("inconclusive", f"A control did not come out as it must: {names}.")


def _where(region: Region) -> str:
    return f"where the claim holds: {region}"


def _judge_universal(effect: Effect, region: Region) -> Judgement:
    outside = [value for value in effect.values if value not in region]
    total = len(effect.values)
    if not outside:
        return Judgement(
            "reproduced", f"All {total} values in {effect.blocks} blocks are {region}."
        )
    return Judgement(
        "refuted",
        f"{len(outside)} of {total} values in {effect.blocks} blocks are not {region}; "
        f"for instance {outside[0]:.6g}.",
    )


def _name_those(conditions: Sequence[tuple[str, Judgement]], verdict: Verdict) -> str:
    """How many conditions came out how, and which have the verdict that decided the claim."""
    verdicts = [judgement.verdict for _, judgement in conditions]
    counts = [f"{verdicts.count(v)} {v}" for v in VERDICTS if v in verdicts]
    found = [label for label, judgement in conditions if judgement.verdict == verdict]
    shown = "; ".join(found[:4]) + (f"; and {len(found) - 4} more" if len(found) > 4 else "")
    return f"Of {len(conditions)} conditions {', '.join(counts)}. {verdict.capitalize()}: {shown}."
