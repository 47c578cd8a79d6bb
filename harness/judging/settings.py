"""The settings of a claim: conditions, each by itself, or several that must hold together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.judging.conditions import JudgedCondition
from harness.judging.verdicts import Judgement, Verdict, judge_claim, judge_jointly
from harness.words import sentence_case


@dataclass(frozen=True)
class Setting:
    """One setting that a claim speaks of.

    Attributes:
        places: of its conditions in the claim's.
        verdict: whether the claim holds in it.
        half: which of the things that the claim says it is about.
        quantifier: of that half, where it is another than the claim's.
    """

    places: tuple[int, ...]
    verdict: Verdict
    half: str
    quantifier: str


def settings(own: Sequence[JudgedCondition]) -> list[Setting]:
    """The settings that a claim's conditions make, in the order of their first conditions."""
    groups: dict[object, list[int]] = {}
    for at, each in enumerate(own):
        condition = each.condition
        arm = frozenset(condition.comparison.arm.levels)
        key = (condition.half, condition.jointly, arm) if condition.jointly else at
        groups.setdefault(key, []).append(at)
    return [_setting(places, own) for places in groups.values()]


def _setting(places: Sequence[int], own: Sequence[JudgedCondition]) -> Setting:
    first = own[places[0]].condition
    verdict = judge_jointly([own[at].judgement.verdict for at in places])
    return Setting(tuple(places), verdict, first.half, first.quantifier)


def deciding(found: Sequence[Setting], own: Sequence[JudgedCondition]) -> list[Verdict | None]:
    """For each condition its setting's verdict, if the condition is one that decided it.

    Of a setting that does not hold, these are the conditions that do not hold; what holds beside
    them is none of them.
    """
    decided: list[Verdict | None] = [None] * len(own)
    for setting in found:
        for at in setting.places:
            if own[at].judgement.verdict == setting.verdict:
                decided[at] = setting.verdict
    return decided


def judge_settings(found: Sequence[Setting], quantifier: str) -> Judgement:
    """The verdict of a claim from its settings, half by half where it says two things.

    Args:
        found: its settings; at least one.
        quantifier: of the claim.

    Raises:
        ValueError: no setting.
    """
    halves: dict[str, list[Setting]] = {}
    for setting in found:
        halves.setdefault(setting.half, []).append(setting)
    judged = {half: _judge_half(of, quantifier) for half, of in halves.items()}
    if len(judged) == 1:
        return next(iter(judged.values()))
    verdict = judge_claim([each.verdict for each in judged.values()]).verdict
    told = " ".join(
        f"{sentence_case(half or 'the rest')}: {each.verdict}. {each.reason}"
        for half, each in judged.items()
    )
    return Judgement(verdict, f"Both halves must hold. {told}")


def _judge_half(of: Sequence[Setting], quantifier: str) -> Judgement:
    chosen = next((setting.quantifier for setting in of if setting.quantifier), quantifier)
    return judge_claim([setting.verdict for setting in of], chosen)
