"""The derived tables of a run: its verdicts and the summary of its arms."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.files import write_bytes
from harness.judging.intervals import median_interval
from harness.judging.judge import JudgedCondition, JudgedRun
from harness.judging.verdicts import Judgement
from harness.protocol.rules import ExperimentRules
from harness.store.folders import RunFolder
from harness.store.observations import StoredRun

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


def write_judgement(run: StoredRun, judged: JudgedRun, into: RunFolder | None = None) -> None:
    """Write ``verdicts.csv`` and ``summary.csv``.

    Args:
        run: the run, with its tables.
        judged: its verdicts.
        into: where to write; by default the run folder itself.
    """
    target = into or run.folder
    write_csv(target, "verdicts.csv", verdict_table(judged))
    write_csv(target, "summary.csv", summary_table(run))


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
    # As objects: a claim without blocks must not turn the others' counts into 20.0.
    return pd.DataFrame(rows, columns=list(VERDICT_COLUMNS), dtype=object)


def summary_table(run: StoredRun) -> pd.DataFrame:
    """One row an experiment, arm and response: block means, their median and its 99 % interval."""
    frames = [_summarise(rules, run.table(rules)) for rules in run.protocol.measured()]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def number(value: float) -> str:
    """A number as derived tables show it; empty where there is none."""
    return "" if math.isnan(value) else f"{value:.6g}"


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
    key = [*names, "response"]
    measured = table[table["phase"] == "measured"]
    ok = measured[measured["status"] == "ok"]
    blocks_of = _blocks_by_arm(ok, key)
    # pandas' mean would skip a NaN among the rounds; a summary must not.
    broken = _distinct(ok[~np.isfinite(ok["value"].to_numpy(np.float64))], key)
    failed = measured[measured["status"] != "ok"].groupby(key)["block"].nunique().to_dict()
    nothing = _Blocks(*(np.array([]) for _ in range(3)))
    rows = []
    for arm in _distinct(measured, key):
        blocks = blocks_of.get(arm, nothing)
        count = len(blocks.mean)
        judgeable = count > 0 and arm not in broken
        interval = median_interval(blocks.mean) if judgeable else None
        sd_between = float(blocks.mean.std(ddof=1)) if judgeable and count > 1 else math.nan
        sd_within = float(np.median(blocks.sd)) if judgeable else math.nan
        response = str(arm[-1])
        rows.append(
            {
                "experiment": rules.name,
                "arm": ", ".join(f"{n}={v}" for n, v in zip(names, arm[:-1], strict=True)),
                "response": response,
                "unit": rules.responses[response],
                "blocks": count,
                "failed_blocks": int(failed.get(arm if names else response, 0)),
                "rounds_per_block": int(blocks.rounds.max()) if count else 0,
                "median": number(interval.estimate) if interval else "",
                "low": number(interval.low) if interval else "",
                "high": number(interval.high) if interval else "",
                "sd_between_blocks": number(sd_between),
                "sd_within_blocks": number(sd_within),
            }
        )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Blocks:
    """Mean, s.d. and number of the rounds of each block of one arm and response."""

    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    rounds: NDArray[np.float64]


def _blocks_by_arm(ok: pd.DataFrame, key: list[str]) -> dict[Any, _Blocks]:
    groups = ok.groupby([*key, "block"], sort=False)["value"]
    means = groups.mean()
    columns = [means.to_numpy(), groups.std().to_numpy(), groups.size().to_numpy(np.float64)]
    places: dict[Any, list[int]] = defaultdict(list)
    for place, (*arm, _) in enumerate(means.index):
        places[tuple(arm)].append(place)
    return {arm: _Blocks(*(column[at] for column in columns)) for arm, at in places.items()}


def _distinct(rows: pd.DataFrame, key: list[str]) -> dict[Any, None]:
    """The arms and responses of some rows, in the order they first appear."""
    return dict.fromkeys(rows[key].drop_duplicates().itertuples(index=False, name=None))
