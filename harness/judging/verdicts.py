"""Verdicts: from effect and region to a word, and from the conditions of a claim to its own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from harness.design.claims import CONFIDENCE
from harness.design.contrasts import Across
from harness.design.regions import Region
from harness.judging.effects import Effect
from harness.words import plural

Verdict: TypeAlias = Literal[
    "reproduced", "refuted", "mixed", "inconclusive", "not measurable", "not tested"
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

#: How a control comes out that has nothing against the run.
UNTROUBLED: tuple[Verdict, ...] = ("reproduced", "not measurable")

_OPEN: tuple[Verdict, ...] = ("not tested", "inconclusive", "not measurable")

#: Of a typical claim's conditions, the share that must hold, and that the others stay below.
MOST, FEW = 0.75, 0.25


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
        few = f"{plural(effect.blocks, 'block')}: too few for a {100 * confidence:g} % interval"
        return Judgement("inconclusive", f"{few}, which is infinite.")
    place = region.place(effect.low, effect.high)
    span = f"The {100 * confidence:g} % interval {effect.low:.4g} to {effect.high:.4g}"
    if place == "inside":
        return Judgement("reproduced", f"{span} lies wholly where the claim holds: {region}.")
    if place == "outside":
        return Judgement("refuted", f"{span} lies wholly outside: not {region}.")
    return Judgement("inconclusive", f"{span} crosses the edge of: {region}.")


def judge_claim(verdicts: Sequence[Verdict], quantifier: str = "always") -> Judgement:
    """The verdict of a claim from those of its conditions, by what it says of them.

    Args:
        verdicts: of the conditions in the claim's scope; at least one.
        quantifier: one of ``harness.design.claims.QUANTIFIERS``. "single" and "instruction" are
            judged as "always".

    Raises:
        ValueError: no condition.
    """
    if not verdicts:
        raise ValueError("a claim needs a condition")
    counts = Counter(verdicts)
    told = _counted(counts)
    if quantifier == "can":
        return Judgement(_of_some(counts), f"One setting is enough: {told}.")
    if quantifier == "typical":
        if counts["not tested"]:  # what is still to come may turn a tendency
            return Judgement("not tested", f"A tendency: {told}.")
        if found := _of_most(counts):
            return Judgement(found, f"A tendency: {told}.")
    verdict = _of_all(counts)
    if len(verdicts) == 1:
        return Judgement(verdict, f"{told[:1].upper()}{told[1:]}.")
    if quantifier == "typical":
        return Judgement(verdict, f"No tendency shows: {told}.")
    return Judgement(verdict, f"It must hold in all: {told}.")


def judge_jointly(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict of a setting in which all of these must hold: one that does not decides it.

    Args:
        verdicts: of its conditions; at least one.
    """
    counts = Counter(verdicts)
    if counts["refuted"]:
        return "refuted"
    return _undecided(counts) or "reproduced"


def withhold(judgement: Judgement, failed_controls: Sequence[str]) -> Judgement:
    """The judgement, or `inconclusive` where a control that counts for it failed."""
    if not failed_controls or judgement.verdict == "not measurable":
        return judgement
    names = "; ".join(failed_controls)
    return Judgement("inconclusive", f"A control did not come out as it must: {names}.")


def _of_all(counts: Counter[Verdict]) -> Verdict:
    """At least one of each is mixed, whatever else is open: nothing open could change that."""
    if counts["reproduced"] and counts["refuted"]:
        return "mixed"
    return _undecided(counts) or ("reproduced" if counts["reproduced"] else "refuted")


def _undecided(counts: Counter[Verdict]) -> Verdict | None:
    """What keeps a claim open, the most that can be done about first: to go on measuring."""
    return next((verdict for verdict in _OPEN if counts[verdict]), None)


def _of_some(counts: Counter[Verdict]) -> Verdict:
    if counts["reproduced"]:
        return "reproduced"
    return _undecided(counts) or "refuted"


def _of_most(counts: Counter[Verdict]) -> Verdict | None:
    """The verdict of a tendency, where the conditions show one."""
    total = counts.total()
    both: tuple[tuple[Verdict, Verdict], ...]
    both = (("reproduced", "refuted"), ("refuted", "reproduced"))
    for verdict, other in both:
        if counts[verdict] >= MOST * total and counts[other] < FEW * total:
            return verdict
    return None


def _counted(counts: Counter[Verdict]) -> str:
    total = counts.total()
    of_one = {
        "reproduced": "it holds",
        "refuted": "it does not hold",
        "inconclusive": "it is open",
        "not measurable": "it cannot be measured here",
        "not tested": "it is not tested",
    }
    if total == 1:
        return of_one.get(next(iter(counts)), "it is open")
    words: dict[Verdict, str] = {
        "reproduced": "it holds in",
        "refuted": "does not hold in",
        "inconclusive": "is open in",
        "not measurable": "cannot be measured here in",
        "not tested": "is not tested in",
    }
    parts = [f"{words[v]} {counts[v]}" for v in words if counts[v]]
    text = ", ".join(parts)
    text = text if text.startswith("it ") else f"it {text}"
    return f"{text} of {plural(total, 'setting')}"


def _judge_universal(effect: Effect, region: Region) -> Judgement:
    outside = [value for value in effect.values if value not in region]
    total = plural(len(effect.values), "value")
    blocks = plural(effect.blocks, "block")
    if not outside:
        return Judgement("reproduced", f"All {total} in {blocks} are {region}.")
    return Judgement(
        "refuted",
        f"{len(outside)} of {total} in {blocks} are not {region}; for instance {outside[0]:.6g}.",
    )
