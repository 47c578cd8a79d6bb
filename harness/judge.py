"""Judging a run: from its stored rows and its stored rules to verdicts, without torch."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from harness.discover import load_study
from harness.effects import Effect, Rows, compute_effect
from harness.errors import HarnessError
from harness.observations import StoredRun
from harness.protocol import Protocol
from harness.rules import Condition, ExperimentRules, rules_hash, study_rules
from harness.verdicts import Judgement, judge_claim, judge_condition, withhold

_NO_EFFECT = Effect(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True)
class JudgedCondition:
    """One condition, its effect and its verdict."""

    experiment: str
    condition: Condition
    effect: Effect
    judgement: Judgement

    @property
    def label(self) -> str:
        """The comparison in words."""
        return str(self.condition.comparison)


@dataclass(frozen=True)
class JudgedClaim:
    """One claim, the verdict over all its conditions, and these."""

    claim: str
    judgement: Judgement
    conditions: tuple[JudgedCondition, ...]


@dataclass(frozen=True)
class JudgedRun:
    """All verdicts of a run.

    Attributes:
        protocol: what was decided before the run.
        claims: in the order of their ids' first appearance.
        controls: the conditions of the experiments' controls.
        stale: whether the study's rules of today differ from those of the run.
    """

    protocol: Protocol
    claims: tuple[JudgedClaim, ...]
    controls: tuple[JudgedCondition, ...]
    stale: bool


def judge_run(run: StoredRun) -> JudgedRun:
    """Judge every claim of a run by the rules stored with it.

    Raises:
        HarnessError: a table is missing, broken or edited.
    """
    by_claim: dict[str, list[JudgedCondition]] = defaultdict(list)
    unmeasurable: dict[str, Judgement] = {}
    controls: list[JudgedCondition] = []
    for rules in run.protocol.experiments.values():
        judged = _judge_experiment(run, rules)
        controls += [condition for condition in judged if condition.condition.control]
        for condition in judged:
            if not condition.condition.control:
                by_claim[condition.condition.name].append(condition)
        for claim in rules.unmeasurable:
            why = f"It takes {claim.needs}: {claim.why}"
            unmeasurable[claim.id] = Judgement("not measurable", why)
    claims = tuple(
        _judge_claim(name, by_claim.get(name, []), unmeasurable.get(name))
        for name in dict.fromkeys([*by_claim, *unmeasurable])
    )
    return JudgedRun(run.protocol, claims, tuple(controls), is_stale(run.protocol))


def _judge_claim(
    name: str, conditions: list[JudgedCondition], unmeasurable: Judgement | None
) -> JudgedClaim:
    """Put the conditions of a claim together, and the part of it that no run can settle."""
    parts = [(condition.label, condition.judgement) for condition in conditions]
    if unmeasurable:
        parts.append(("what no run can settle", unmeasurable))
    return JudgedClaim(name, judge_claim(parts), tuple(conditions))


def _judge_experiment(run: StoredRun, rules: ExperimentRules) -> list[JudgedCondition]:
    if not rules.measurable_on(run.protocol.device):
        why = f"It needs {rules.needs}; this run had {run.protocol.device}."
        missing = Judgement("not measurable", why)
        return [JudgedCondition(rules.name, c, _NO_EFFECT, missing) for c in rules.conditions]
    rows = Rows(run.table(rules), [factor.name for factor in rules.factors], rules.blocks)
    judged = [_judge_condition(rules.name, condition, rows) for condition in rules.conditions]
    failed = [
        f"{c.condition.name} ({c.label}: {c.judgement.reason})"
        for c in judged
        if c.condition.control and c.judgement.verdict != "reproduced"
    ]
    return [
        c
        if c.condition.control
        else JudgedCondition(c.experiment, c.condition, c.effect, withhold(c.judgement, failed))
        for c in judged
    ]


def _judge_condition(experiment: str, condition: Condition, rows: Rows) -> JudgedCondition:
    effect = compute_effect(condition.comparison, rows)
    judgement = judge_condition(effect, condition.region, condition.comparison.across)
    return JudgedCondition(experiment, condition, effect, judgement)


def is_stale(protocol: Protocol) -> bool:
    """Whether the study's rules of today differ from those frozen with a run."""
    try:
        study = load_study(protocol.study)
    except HarnessError:
        return True
    return rules_hash(study_rules(study, protocol.profile)) != protocol.rules_sha256
