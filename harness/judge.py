"""Judging a run: from its stored rows and its stored rules to verdicts, without torch."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.discover import load_study
from harness.effects import Effect, Rows, compute_effect
from harness.errors import HarnessError
from harness.folders import RunFolder
from harness.intervals import median_interval
from harness.protocol import Condition, ExperimentRules, Protocol, rules_hash, study_rules
from harness.run import read_observations
from harness.tables import write_bytes
from harness.verdicts import Judgement, judge_claim, judge_condition, withhold

VERDICT_COLUMNS = (
    "claim",
    "claim_verdict",
    "claim_reason",
    "experiment",
    "contrast",
    "rule",
    "region",
    "estimate",
    "low",
    "high",
    "unit",
    "blocks",
    "verdict",
    "reason",
    "reading",
)
#: What a control's name begins with in the claim column.
CONTROL = "control: "

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


def judge_run(folder: RunFolder, protocol: Protocol) -> JudgedRun:
    """Judge every claim of a run by the rules stored with it.

    Raises:
        HarnessError: a table is missing, broken or edited.
    """
    by_claim: dict[str, list[JudgedCondition]] = defaultdict(list)
    unmeasurable: dict[str, Judgement] = {}
    controls: list[JudgedCondition] = []
    for rules in protocol.experiments.values():
        judged = _judge_experiment(folder, protocol, rules)
        controls += [condition for condition in judged if condition.condition.control]
        for condition in judged:
            if not condition.condition.control:
                by_claim[condition.condition.name].append(condition)
        for claim in rules.unmeasurable:
            why = f"It takes {claim.needs}: {claim.why}"
            unmeasurable[claim.id] = Judgement("not measurable", why)
    claims = [
        JudgedClaim(name, _overall(conditions), tuple(conditions))
        for name, conditions in by_claim.items()
    ]
    claims += [JudgedClaim(name, judgement, ()) for name, judgement in unmeasurable.items()]
    return JudgedRun(protocol, tuple(claims), tuple(controls), is_stale(protocol))


def write_judgement(folder: RunFolder, judged: JudgedRun, into: RunFolder | None = None) -> None:
    """Write ``verdicts.csv`` and ``summary.csv``.

    Args:
        folder: the run, with its tables.
        judged: its verdicts.
        into: where to write; by default the run folder itself.
    """
    target = into or folder
    write_csv(target, "verdicts.csv", verdict_table(judged))
    write_csv(target, "summary.csv", summary_table(folder, judged.protocol))


def write_csv(folder: RunFolder, name: str, table: pd.DataFrame) -> None:
    """Write a derived table, the same bytes for the same content."""
    text = table.to_csv(index=False, lineterminator="\n")
    write_bytes(folder.path / name, text.encode())


def verdict_table(judged: JudgedRun) -> pd.DataFrame:
    """One row a condition: claim, its verdict, contrast, region, numbers, verdict and reason."""
    rows: list[dict[str, object]] = []
    for claim in judged.claims:
        rows += [_verdict_row(claim.claim, claim.judgement, c) for c in claim.conditions]
        if not claim.conditions:
            rows.append(_overall_columns(claim.claim, claim.judgement))
    for control in judged.controls:
        rows.append(_verdict_row(f"{CONTROL}{control.condition.name}", control.judgement, control))
    return pd.DataFrame(rows, columns=list(VERDICT_COLUMNS))


def summary_table(folder: RunFolder, protocol: Protocol) -> pd.DataFrame:
    """One row an experiment, arm and response: block means, their median and its 99 % interval."""
    frames = [
        _summarise(rules, read_observations(folder, protocol, rules))
        for rules in protocol.experiments.values()
        if rules.measurable_on(protocol.device)
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def number(value: float) -> str:
    """A number as derived tables show it; empty where there is none."""
    return "" if math.isnan(value) else f"{value:.6g}"


def _judge_experiment(
    folder: RunFolder, protocol: Protocol, rules: ExperimentRules
) -> list[JudgedCondition]:
    if not rules.measurable_on(protocol.device):
        why = f"It needs {rules.needs}; this run had {protocol.device}."
        missing = Judgement("not measurable", why)
        return [JudgedCondition(rules.name, c, _NO_EFFECT, missing) for c in rules.conditions]
    table = read_observations(folder, protocol, rules)
    rows = Rows(table, [factor.name for factor in rules.factors], rules.blocks)
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


def _overall(conditions: list[JudgedCondition]) -> Judgement:
    return judge_claim([(condition.label, condition.judgement) for condition in conditions])


def is_stale(protocol: Protocol) -> bool:
    """Whether the study's rules of today differ from those frozen with a run."""
    try:
        study = load_study(protocol.study)
    except HarnessError:
        return True
    return rules_hash(study_rules(study, protocol.profile)) != protocol.rules_sha256


def _overall_columns(claim: str, judgement: Judgement) -> dict[str, object]:
    return {
        "claim": claim,
        "claim_verdict": judgement.verdict,
        "claim_reason": judgement.reason,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
    }


def _verdict_row(claim: str, overall: Judgement, judged: JudgedCondition) -> dict[str, object]:
    effect = judged.effect
    return _overall_columns(claim, overall) | {
        "experiment": judged.experiment,
        "contrast": judged.label,
        "rule": judged.condition.comparison.across,
        "region": str(judged.condition.region),
        "estimate": number(effect.estimate),
        "low": number(effect.low),
        "high": number(effect.high),
        "unit": judged.condition.unit,
        "blocks": effect.blocks,
        "verdict": judged.judgement.verdict,
        "reason": judged.judgement.reason,
        "reading": judged.condition.reading,
    }


def _summarise(rules: ExperimentRules, table: pd.DataFrame) -> pd.DataFrame:
    names = [factor.name for factor in rules.factors]
    measured = table[table["phase"] == "measured"]
    rows = []
    for key, group in measured.groupby([*names, "response"], sort=False):
        response = str(key[-1])
        ok = group[group["status"] == "ok"]
        blocks = ok.groupby("block")["value"].agg(["mean", "std", "size"])
        # pandas' mean would skip a NaN among the rounds; a summary must not.
        judgeable = len(ok) > 0 and bool(np.isfinite(ok["value"].to_numpy(np.float64)).all())
        interval = median_interval(blocks["mean"].to_numpy(np.float64)) if judgeable else None
        sd_between = float(blocks["mean"].std(ddof=1)) if judgeable else math.nan
        sd_within = float(blocks["std"].median()) if judgeable else math.nan
        rows.append(
            {
                "experiment": rules.name,
                "arm": ", ".join(f"{n}={v}" for n, v in zip(names, key[:-1], strict=True)),
                "response": response,
                "unit": rules.responses[response],
                "blocks": len(blocks),
                "failed_blocks": int(group.loc[group["status"] != "ok", "block"].nunique()),
                "rounds_per_block": int(blocks["size"].max()) if len(blocks) else 0,
                "median": number(interval.estimate) if interval else "",
                "low": number(interval.low) if interval else "",
                "high": number(interval.high) if interval else "",
                "sd_between_blocks": number(sd_between),
                "sd_within_blocks": number(sd_within),
            }
        )
    return pd.DataFrame(rows)
