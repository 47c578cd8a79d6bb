"""From the conditions of a claim to its verdict, its headline and its one sentence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.design.claims import Unmeasurable
from harness.design.wording import place
from harness.judging.conditions import JudgedCondition
from harness.judging.findings import ClaimFinding, Kind
from harness.judging.settings import Setting, deciding, judge_settings, settings
from harness.judging.verdicts import Judgement, Verdict
from harness.protocol.protocol import Protocol
from harness.protocol.rules import quantifier
from harness.words import holds_in, sentence_case

#: What parts the sentence of a claim that several conditions tell: one that holds, one that does
#: not, and a headline that is neither.
HOLDS, FAILS, UNDECIDED = " Here it does: ", " Here not: ", " Undecided here: "
_HERE: Mapping[Verdict | None, str] = {"reproduced": HOLDS, "refuted": FAILS}


def judge_claims(
    protocol: Protocol, judged: list[JudgedCondition], cannot: Sequence[Unmeasurable]
) -> tuple[ClaimFinding, ...]:
    """Every claim of a run, a counterpart after its claim; headlines are marked in ``judged``.

    Args:
        protocol: has the quantifiers.
        judged: all conditions; that which stands for each claim gets its mark here.
        cannot: what no run can settle.
    """
    parts: dict[tuple[str, Kind], list[int]] = defaultdict(list)
    for at, each in enumerate(judged):
        parts[each.condition.name, each.kind].append(at)
    unmeasurable = {each.id: each for each in cannot}
    names = [claim for claim, kind in parts if kind in ("claim", "counterpart")]
    kinds: tuple[Kind, ...] = ("claim", "counterpart")
    found = []
    for claim in dict.fromkeys([*names, *unmeasurable]):
        for kind in kinds:
            places = parts.get((claim, kind), [])
            part = unmeasurable.get(claim) if kind == "claim" else None
            if not places and part is None:
                continue
            own = [judged[at] for at in places]
            said = quantifier(protocol.statements, claim)
            parted = settings(own)
            judgement = _judgement(parted, said, part)
            decided = deciding(parted, own)
            lead = _headline(own, decided, judgement.verdict)
            if lead is not None:
                own[lead] = judged[places[lead]] = replace(own[lead], headline=True)
            beyond = [judged[at] for at in parts.get((claim, "beyond"), [])]
            summary = _Summary(claim, kind, own, parted, decided, beyond, lead, judgement)
            found.append(summary.finding(protocol.confidence, said))
    return tuple(found)


@dataclass(frozen=True)
class _Summary:
    """A claim with all that its one record is made from."""

    claim: str
    kind: Kind
    own: Sequence[JudgedCondition]
    settings: Sequence[Setting]
    decided: Sequence[Verdict | None]
    beyond: Sequence[JudgedCondition]
    lead: int | None
    judgement: Judgement

    def finding(self, confidence: float, said: str) -> ClaimFinding:
        counts = Counter(each.verdict for each in self.settings)
        single = self.own[0].judgement.reason if len(self.own) == 1 else ""
        shown = self.own[self.lead].finding(confidence) if self.lead is not None else None
        return ClaimFinding(
            claim=self.claim,
            kind=self.kind,
            verdict=self.judgement.verdict,
            reason=single or self.judgement.reason,
            sentence=self._sentence(confidence),
            number=shown.number if shown else "",
            quantifier=said,
            holds=counts["reproduced"],
            fails=counts["refuted"],
            judged=len(self.settings),
            curve=_curve([*self.own, *self.beyond]),
            warnings=" ".join(dict.fromkeys(w for each in self.own for w in each.warnings)),
            experiments=" ".join(dict.fromkeys(each.rules.name for each in self.own)),
        )

    def _sentence(self, confidence: float) -> str:
        """The headline's sentence; of a mixed claim one that holds and one that does not.

        Where the author chose a headline that did not come out as the claim did, it is told too.
        """
        own, lead = self.own, self.lead
        if lead is None:
            return self.judgement.reason
        shown = own[lead].finding(confidence)
        if not shown.number:
            return shown.reason
        text = own[lead].sentence(confidence)
        if len(own) == 1:
            return text
        decided = self.decided
        held = sum(each.verdict == "reproduced" for each in self.settings)
        holds = holds_in(held, len(self.settings))
        if self.judgement.verdict != "mixed":
            chosen = _chosen(own)
            if chosen is None or chosen == lead:
                return f"{text} {holds}."
            here = _HERE.get(decided[chosen], UNDECIDED)
            return f"{text} {holds}.{here}{own[chosen].sentence(confidence)}"
        shown_by = {"reproduced": "", "refuted": ""}
        if decided[lead] in shown_by:
            shown_by[str(decided[lead])] = text
        for verdict, known in shown_by.items():
            at = _typical([at for at, each in enumerate(decided) if each == verdict], own)
            if not known and at is not None:
                shown_by[verdict] = own[at].sentence(confidence)
        return f"{holds}.{HOLDS}{shown_by['reproduced']}{FAILS}{shown_by['refuted']}"


def _judgement(found: Sequence[Setting], said: str, unmeasurable: Unmeasurable | None) -> Judgement:
    """Put the settings together, and the part of the claim that no run can settle."""
    if unmeasurable is None:
        return judge_settings(found, said)
    why = f"It takes {unmeasurable.needs}: {unmeasurable.why}"
    if not found:
        return Judgement("not measurable", why)
    never = Setting((), "not measurable", found[0].half, found[0].quantifier)
    rest = judge_settings([*found, never], said)
    return Judgement(rest.verdict, f"{rest.reason} What no run can settle: {why}")


def _headline(
    own: Sequence[JudgedCondition], decided: Sequence[Verdict | None], verdict: Verdict
) -> int | None:
    """The place of the condition that stands for the claim.

    The author's choice, unless the claim came out otherwise; else, of those that decided the
    verdict (in a mixed claim, those that do not hold), the one in the middle of the largest group
    of alike conditions.
    """
    chosen = _chosen(own)
    if chosen is not None and (verdict not in _HERE or decided[chosen] == verdict):
        return chosen
    sought = "refuted" if verdict == "mixed" else verdict
    return _typical([at for at, each in enumerate(decided) if each == sought], own)


def _chosen(own: Sequence[JudgedCondition]) -> int | None:
    """The place of the author's headline."""
    return next((at for at, each in enumerate(own) if each.condition.headline), None)


def _typical(places: Sequence[int], own: Sequence[JudgedCondition]) -> int | None:
    """The condition with the middle estimate among those of one response, unit and kind."""
    if not places:
        return 0 if own else None

    def alike(at: int) -> tuple[str, str, str, str]:
        condition = own[at].condition
        return (
            own[at].rules.name,
            condition.comparison.response,
            condition.unit,
            condition.comparison.kind,
        )

    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at in places:
        groups[alike(at)].append(at)
    largest = max(groups.values(), key=len)
    ordered = sorted(largest, key=lambda at: own[at].effect.estimate)
    return ordered[(len(ordered) - 1) // 2]


def _curve(own: Sequence[JudgedCondition]) -> str:
    """Of each rule over a size, at which of all the sizes measured it holds."""
    on_curves = [each for each in own if each.condition.curve and each.effect.values]
    lines: dict[tuple[str, str, str], list[tuple[float, bool]]] = defaultdict(list)
    for each in on_curves:
        comparison, name = each.condition.comparison, each.condition.curve
        factor = next(f for f in each.rules.factors if f.name == name)
        without = [*comparison.changed(), name]
        meaning = each.rules.meanings[comparison.response]
        line = factor.title, meaning, place(comparison.arm, each.rules.factors, without)
        size = float(comparison.arm.as_dict()[name])
        lines[line].append((size, each.judgement.verdict == "reproduced"))
    several = len({meaning for _, meaning, _ in lines}) > 1
    return " ".join(
        _line_text(size, ", ".join(filter(None, (meaning if several else "", at))), sorted(points))
        for (size, meaning, at), points in lines.items()
    )


def _line_text(size: str, line: str, points: Sequence[tuple[float, bool]]) -> str:
    sizes = [f"{at:,.10g}" for at, holds in points if holds]
    held = f"holds at {_listed(sizes)}" if sizes else "holds at none"
    text = f"{held} (measured: {size} {_listed([f'{at:,.10g}' for at, _ in points])})."
    return f"{line}: {text}" if line else sentence_case(text)


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
