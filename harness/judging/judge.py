"""Judging a run: from its stored rows and its stored rules to findings, without torch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from harness.design.aa import AA_NAME
from harness.judging.aa import TIMES, Allowance, allowance, leaves_open, more_than_chance
from harness.judging.claims import judge_claims
from harness.judging.conditions import (
    NO_EFFECT,
    JudgedCondition,
    counterpart,
    lacking,
)
from harness.judging.effects import Rows, compute_effect
from harness.judging.findings import ClaimFinding, Finding
from harness.judging.later_rule import marked, shown_beside, under_later_rule
from harness.judging.staleness import Staleness, staleness
from harness.judging.states import States
from harness.judging.verdicts import UNTROUBLED, Judgement, judge_condition, withhold
from harness.judging.warnings import ON_CPU, chunk_seconds, warnings_of
from harness.judging.watched import heed
from harness.protocol.protocol import Protocol
from harness.protocol.rules import Condition, ExperimentRules
from harness.store.observations import StoredRun


@dataclass(frozen=True)
class JudgedRun:
    """All verdicts of a run.

    Attributes:
        protocol: what was decided before the run.
        claims: in the order of their ids' first appearance; a counterpart follows its claim.
        findings: every condition, those of controls last.
        stale: how the study's rules of today differ from those of the run.
    """

    protocol: Protocol
    claims: tuple[ClaimFinding, ...]
    findings: tuple[Finding, ...]
    stale: Staleness

    def of(self, claim: ClaimFinding) -> list[Finding]:
        """The conditions of a claim, or of its counterpart."""
        return [f for f in self.findings if f.claim == claim.claim and f.kind == claim.kind]

    def beyond(self, claim: str) -> list[Finding]:
        """What was measured beyond a claim's scope."""
        return [f for f in self.findings if f.claim == claim and f.kind == "beyond"]

    @property
    def controls(self) -> list[Finding]:
        """The conditions of all controls."""
        return [f for f in self.findings if f.kind == "control"]


def judge_run(run: StoredRun) -> JudgedRun:
    """Judge every claim of a run by the rules, quantifiers and confidence stored with it.

    A control that fails takes the verdicts of its experiment with it, an A/A those that are timed.
    Where more A/As of the run fail than chance allows, all of its timed verdicts are withheld. An
    A/A that is merely undecided widens the ratios of times of its kind (``harness.judging.aa``).
    Of a run that left experiments out, claims of which nothing was measured are left out too.
    What the state of a GPU does to its times is in ``harness.judging.watched``; what old rows give
    under a rule made after them is beyond their claims (``harness.judging.later_rule``).

    Raises:
        HarnessError: a table is missing, broken or edited.
    """
    protocol = run.protocol
    judged = {rules.name: _judge_experiment(run, rules) for rules in protocol.experiments.values()}
    covered = [rules for rules in protocol.experiments.values() if run.covers(rules)]
    aas = [c for rules in covered for c in judged[rules.name] if _is_aa(c.condition)]
    off = [c for c in aas if _fails(c) and _is_off(c)]
    if not more_than_chance(len(off), len(aas), protocol.confidence):
        off = []
    findings: list[JudgedCondition] = []
    for rules in protocol.experiments.values():
        own = judged[rules.name]
        if run.covers(rules):
            elsewhere = [_failure(c) for c in off if rules.timed and c.rules.name != rules.name]
            findings += [*_heard(protocol, own, elsewhere), *_beside(run, rules, elsewhere)]
        else:
            findings += [c for c in own if not c.condition.control]
    cannot = [claim for rules in covered for claim in rules.unmeasurable]
    measured = {c.condition.name for rules in covered for c in judged[rules.name]}
    told = measured | {claim.id for claim in cannot}
    findings = [each for each in findings if each.condition.name in told]
    return JudgedRun(
        protocol,
        judge_claims(protocol, findings, cannot),
        tuple(_in_order(protocol, findings)),
        staleness(protocol),
    )


def _heard(
    protocol: Protocol, judged: Sequence[JudgedCondition], elsewhere: list[str]
) -> Iterator[JudgedCondition]:
    """The conditions of an experiment, its controls and those of other experiments heard."""
    against = [*(_failure(c) for c in judged if _fails(c)), *elsewhere]
    for condition in judged:
        if condition.condition.control:
            yield condition
            continue
        withheld = withhold(condition.judgement, against)
        yield from counterpart(protocol.device, replace(condition, judgement=withheld))


def _in_order(protocol: Protocol, judged: Sequence[JudgedCondition]) -> Iterable[Finding]:
    """The findings claim by claim, controls last, each claim's headline marked."""
    claims: dict[str, list[JudgedCondition]] = defaultdict(list)
    for each in judged:
        claims[each.condition.name if each.kind != "control" else ""].append(each)
    controls = claims.pop("", [])
    for each in [*(c for of in claims.values() for c in of), *controls]:
        yield each.finding(protocol.confidence)


def _judge_experiment(run: StoredRun, rules: ExperimentRules) -> list[JudgedCondition]:
    """Every condition by itself: no control has been heard yet, but for what an A/A leaves open."""
    if not run.covers(rules):
        untested = _not_tested(rules)
        return [JudgedCondition(rules, c, NO_EFFECT, untested, c.kind) for c in rules.conditions]
    if not rules.measurable_on(run.protocol.device):
        missing = lacking(rules.needs, run.protocol.device)
        return [JudgedCondition(rules, c, NO_EFFECT, missing, c.kind) for c in rules.conditions]
    table, confidence = run.table(rules), run.protocol.confidence
    judged = _judge_rows(rules, table, confidence)
    if rules.on_cpu and run.protocol.device != "cpu":
        judged = [replace(each, warnings=(*each.warnings, ON_CPU)) for each in judged]
    return judged if _later_rows(run, rules) is None else marked(judged)


def _later_rows(run: StoredRun, rules: ExperimentRules) -> pd.DataFrame | None:
    """The rows of a timed experiment as a rule made after it takes them, if that is otherwise."""
    measured = rules.timed and rules.measurable_on(run.protocol.device)
    return under_later_rule(run.table(rules)) if measured else None


def _beside(run: StoredRun, rules: ExperimentRules, others: list[str]) -> list[JudgedCondition]:
    """What a rule made after the run gives, under its own controls; nothing in most runs."""
    rows = _later_rows(run, rules)
    if rows is None:
        return []
    judged = _judge_rows(rules, rows, run.protocol.confidence)
    disturbed = run.table(rules)["status"] == "disturbed"
    message = str(run.table(rules).loc[disturbed, "message"].iloc[0])
    return shown_beside(judged, [*(_failure(c) for c in judged if _fails(c)), *others], message)


def _judge_rows(
    rules: ExperimentRules, table: pd.DataFrame, confidence: float
) -> list[JudgedCondition]:
    names = [factor.name for factor in rules.factors]
    rows = Rows(table, names, rules.blocks)
    chunks = chunk_seconds(table, names) if rules.timed else {}
    judged = []
    for condition in rules.conditions:
        effect = compute_effect(condition.comparison, rows, confidence)
        across = condition.comparison.across
        judgement = judge_condition(effect, condition.region, across, confidence)
        warned = warnings_of(rules, condition, effect, chunks)
        judged.append(JudgedCondition(rules, condition, effect, judgement, condition.kind, warned))
    undecided = [c for c in judged if _is_undecided_aa(c)]
    allowed = [_allowing(c, undecided, confidence) for c in judged] if undecided else judged
    if not rules.timed:
        return allowed
    states = States(table, names, rules.blocks)
    return [heed(condition, states) for condition in allowed]


def clock_allowance(run: StoredRun, rules: ExperimentRules) -> Allowance:
    """How far the clock of an experiment may be off, by the widest of its undecided A/As.

    Raises:
        HarnessError: the table is missing, broken or edited.
    """
    if not (rules.timed and run.covers(rules) and rules.measurable_on(run.protocol.device)):
        return Allowance()
    aas = replace(rules, conditions=tuple(filter(_is_aa, rules.conditions)))
    judged = _judge_rows(aas, run.table(rules), run.protocol.confidence)
    return allowance([aa.effect for aa in judged if _is_undecided_aa(aa)])


def _not_tested(rules: ExperimentRules) -> Judgement:
    name = rules.name.replace("_", " ")
    return Judgement("not tested", f"The experiment {name} was not finished.")


def _allowing(
    judged: JudgedCondition, undecided: list[JudgedCondition], confidence: float
) -> JudgedCondition:
    """Judged again with an allowance for the clock; what is no ratio of times can be given none."""
    if judged.condition.control:
        return judged
    own = _of_its_kind(judged, undecided)
    if not own:
        return judged
    if not _is_ratio_of_times(judged.condition):
        if judged.condition.comparison.response not in TIMES:
            return judged
        return replace(judged, judgement=withhold(judged.judgement, [_failure(own[0])]))
    allowed = allowance([aa.effect for aa in own])
    effect = allowed.widen(judged.effect)
    region = judged.condition.region
    found = judge_condition(effect, region, judged.condition.comparison.across, confidence)
    return replace(
        judged,
        effect=effect,
        judgement=_with_note(found, allowed, judged),
        warnings=(*judged.warnings, "aa-undecided"),
    )


def _with_note(found: Judgement, allowed: Allowance, judged: JudgedCondition) -> Judgement:
    if judged.effect.problem:
        return found
    note = (
        f" It allows for a clock that is off by up to {allowed.percent:.2g} %, which the A/A did "
        f"not rule out; measured were {judged.effect.low:.4g} to {judged.effect.high:.4g}."
    )
    return Judgement(found.verdict, found.reason + note)


def _of_its_kind(
    judged: JudgedCondition, undecided: list[JudgedCondition]
) -> list[JudgedCondition]:
    """The undecided A/As that speak for a condition: of the same work, if that was measured twice.

    The same work has equal levels of all factors in which nothing is compared. Where the design
    measures no arm of that work twice, all A/As of the experiment speak for it.
    """
    rules = judged.rules
    group = rules.group_of(judged.condition.comparison.arm)
    measured_twice = {rules.group_of(c.comparison.arm) for c in rules.conditions if _is_aa(c)}
    if group not in measured_twice:
        return undecided
    return [aa for aa in undecided if rules.group_of(aa.condition.comparison.arm) == group]


def _is_aa(condition: Condition) -> bool:
    return condition.control and condition.name == AA_NAME


def _is_off(aa: JudgedCondition) -> bool:
    """Whether an A/A's interval excludes 1: the clock saw a difference that is not there."""
    effect = aa.effect
    return (
        not effect.problem
        and aa.judgement.verdict != "not measurable"
        and not (effect.low <= 1 <= effect.high)
    )


def _fails(judged: JudgedCondition) -> bool:
    """Whether a control did not come out as it must."""
    if not judged.condition.control:
        return False
    if judged.judgement.verdict in UNTROUBLED:
        return False
    return not _is_undecided_aa(judged)


def _is_undecided_aa(judged: JudgedCondition) -> bool:
    """Whether this is an A/A that found nothing wrong, only not closely enough."""
    undecided = judged.judgement.verdict == "inconclusive"
    return _is_aa(judged.condition) and undecided and leaves_open(judged.effect)


def _is_ratio_of_times(condition: Condition) -> bool:
    comparison = condition.comparison
    timed = comparison.response in TIMES and comparison.across == "median"
    return timed and comparison.kind == "ratio"


def _failure(control: JudgedCondition) -> str:
    name = f"{control.condition.name} of {control.rules.name.replace('_', ' ')}"
    return f"{name} ({control.label}: {control.judgement.reason})"
