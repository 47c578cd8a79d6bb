"""Judging a run: from its stored rows and its stored rules to verdicts, without torch."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace

from harness.catalogue.loading import load_study
from harness.design.aa import AA_NAME
from harness.errors import HarnessError
from harness.judging.allowance import TIMES, Allowance, allowance, leaves_open
from harness.judging.counterpart import counterpart_name
from harness.judging.effects import Effect, Rows, compute_effect
from harness.judging.verdicts import Judgement, judge_claim, judge_condition, withhold
from harness.protocol.protocol import Protocol
from harness.protocol.rules import Condition, ExperimentRules, rules_hash, study_rules
from harness.store.observations import StoredRun

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

    A control that fails takes the verdicts of its experiment with it; a failing A/A takes those of
    all timed experiments of the run, for they had the same clock. An A/A that is merely undecided
    widens the intervals of its experiment's ratios of times (``harness.judging.allowance``).

    Raises:
        HarnessError: a table is missing, broken or edited.
    """
    experiments = run.protocol.experiments.values()
    judged = {rules.name: _judge_experiment(run, rules) for rules in experiments}
    controls = [c for of in judged.values() for c in of if c.condition.control]
    failed = [c for c in controls if _fails(c)]
    timed = {rules.name for rules in experiments if rules.timed}
    by_claim: dict[str, list[JudgedCondition]] = defaultdict(list)
    unmeasurable: dict[str, Judgement] = {}
    for rules in experiments:
        against = [_failure(c) for c in failed if _concerns(c, rules.name, timed)]
        for condition in judged[rules.name]:
            if not condition.condition.control:
                withheld = replace(condition, judgement=withhold(condition.judgement, against))
                for name, part in _parts(run, rules, withheld):
                    by_claim[name].append(part)
        for claim in rules.unmeasurable:
            why = f"It takes {claim.needs}: {claim.why}"
            unmeasurable[claim.id] = Judgement("not measurable", why)
    claims = tuple(
        _judge_claim(name, by_claim.get(name, []), unmeasurable.get(name))
        for name in dict.fromkeys([*by_claim, *unmeasurable])
    )
    return JudgedRun(run.protocol, claims, tuple(controls), is_stale(run.protocol))


def _fails(control: JudgedCondition) -> bool:
    """Whether a control did not come out as it must."""
    if control.judgement.verdict in ("reproduced", "not measurable"):
        return False
    return not _is_undecided_aa(control)


def _is_undecided_aa(judged: JudgedCondition) -> bool:
    """Whether this is an A/A that found nothing wrong, only not closely enough."""
    undecided = judged.judgement.verdict == "inconclusive"
    return _is_aa(judged) and undecided and leaves_open(judged.effect)


def _is_aa(judged: JudgedCondition) -> bool:
    return judged.condition.control and judged.condition.name == AA_NAME


def _concerns(control: JudgedCondition, experiment: str, timed: set[str]) -> bool:
    """Whether the failure of a control counts for an experiment."""
    return control.experiment == experiment or (_is_aa(control) and experiment in timed)


def _failure(control: JudgedCondition) -> str:
    name = f"{control.condition.name} of {control.experiment}"
    return f"{name} ({control.label}: {control.judgement.reason})"


def _parts(
    run: StoredRun, rules: ExperimentRules, judged: JudgedCondition
) -> list[tuple[str, JudgedCondition]]:
    """The claim a condition belongs to; on another device than the claim needs, a counterpart too.

    The claim itself is then not measurable, whatever the same code gave on this device.
    """
    name, needs = judged.condition.name, judged.condition.needs
    device = run.protocol.device
    if needs in ("cpu", device):
        return [(name, judged)]
    headline = replace(judged, effect=_NO_EFFECT, judgement=_lacking(needs, device))
    if not rules.measurable_on(device):
        return [(name, headline)]
    return [(name, headline), (counterpart_name(name, device), judged)]


def _lacking(needs: str, device: str) -> Judgement:
    return Judgement("not measurable", f"It needs {needs}; this run had {device}.")


def _judge_claim(
    name: str, conditions: list[JudgedCondition], unmeasurable: Judgement | None
) -> JudgedClaim:
    """Put the conditions of a claim together, and the part of it that no run can settle."""
    parts = [(condition.label, condition.judgement) for condition in conditions]
    if unmeasurable:
        parts.append(("what no run can settle", unmeasurable))
    return JudgedClaim(name, judge_claim(parts), tuple(conditions))


def _judge_experiment(run: StoredRun, rules: ExperimentRules) -> list[JudgedCondition]:
    """Every condition by itself: no control has been heard yet."""
    if not rules.measurable_on(run.protocol.device):
        missing = _lacking(rules.needs, run.protocol.device)
        return [JudgedCondition(rules.name, c, _NO_EFFECT, missing) for c in rules.conditions]
    rows = Rows(run.table(rules), [factor.name for factor in rules.factors], rules.blocks)
    judged = [_judge_condition(rules.name, condition, rows) for condition in rules.conditions]
    undecided = [c for c in judged if _is_undecided_aa(c)]
    if not undecided:
        return judged
    allowed = allowance([aa.effect for aa in undecided])
    return [_judge_again(c, allowed, _failure(undecided[0])) for c in judged]


def _judge_again(judged: JudgedCondition, allowed: Allowance, failure: str) -> JudgedCondition:
    """With an allowance for the clock; what is no ratio of times cannot be given any."""
    if _is_aa(judged):
        return judged
    if _is_ratio_of_times(judged.condition):
        return replace(judged, judgement=allowed.judge(judged.effect, judged.condition.region))
    return replace(judged, judgement=withhold(judged.judgement, [failure]))


def _is_ratio_of_times(condition: Condition) -> bool:
    comparison = condition.comparison
    timed = comparison.response in TIMES and comparison.across == "median"
    return timed and comparison.kind == "ratio"


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
