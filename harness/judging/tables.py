"""The derived tables of a run: its verdicts and the summary of its arms."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.design.factors import Arm
from harness.design.wording import place
from harness.errors import HarnessError
from harness.files import write_bytes
from harness.judging.findings import ClaimFinding, Finding, R, columns, from_row, to_row
from harness.judging.intervals import median_interval
from harness.judging.judge import JudgedRun
from harness.protocol.rules import ExperimentRules
from harness.store.folders import RunFolder
from harness.store.observations import StoredRun


def write_judgement(run: StoredRun, judged: JudgedRun, into: RunFolder | None = None) -> list[Path]:
    """Write ``claims.csv``, ``verdicts.csv`` and ``summary.csv``.

    Args:
        run: the run, with its tables.
        judged: its verdicts.
        into: where to write; by default the run folder itself.

    Returns:
        The files written.
    """
    target = into or run.folder
    tables = {
        "claims.csv": records_table(ClaimFinding, judged.claims),
        "verdicts.csv": records_table(Finding, judged.findings),
        "summary.csv": summary_table(run),
    }
    return [write_csv(target, name, table) for name, table in tables.items()]


def write_csv(folder: RunFolder, name: str, table: pd.DataFrame) -> Path:
    """Write a derived table, the same bytes for the same content."""
    text = table.to_csv(index=False, lineterminator="\n")
    write_bytes(folder.path / name, text.encode())
    return folder.path / name


def records_table(kind: type[R], records: Sequence[R]) -> pd.DataFrame:
    """One row of text a record."""
    return pd.DataFrame([to_row(record) for record in records], columns=columns(kind), dtype=object)


def read_records(folder: RunFolder, name: str, kind: type[R]) -> list[R]:
    """Read a table of records.

    Raises:
        HarnessError: the run is not judged yet, or the file is broken; names file and row.
    """
    path = folder.path / name
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise HarnessError(
            f"{folder.path}: the run is not judged yet: python -m harness judge {folder.path}"
        ) from error
    except (OSError, ValueError) as error:
        raise HarnessError(f"{path}: this is not a table of verdicts ({error}).") from error
    if list(table.columns) != columns(kind):
        raise HarnessError(f"{path}: the columns must be {', '.join(columns(kind))}.")
    found = []
    for number, row in enumerate(table.to_dict("records"), start=2):
        try:
            found.append(from_row(kind, {str(k): str(v) for k, v in row.items()}))
        except HarnessError as error:
            raise HarnessError(f"{path}, row {number}: {error}.") from error
    return found


def summary_table(run: StoredRun) -> pd.DataFrame:
    """One row an experiment, arm and response: block means, their median and its 99 % interval."""
    frames = [_summarise(rules, run.table(rules)) for rules in run.finished()]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def number(value: float) -> str:
    """A number as derived tables show it; empty where there is none."""
    return "" if math.isnan(value) else f"{value:.6g}"


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
                "arm": place(Arm(tuple(zip(names, arm[:-1], strict=True))), rules.factors),
                "response": response,
                "unit": rules.units[response],
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
    for at, (*arm, _) in enumerate(means.index):
        places[tuple(arm)].append(at)
    return {arm: _Blocks(*(column[at] for column in columns)) for arm, at in places.items()}


def _distinct(rows: pd.DataFrame, key: list[str]) -> dict[Any, None]:
    """The arms and responses of some rows, in the order they first appear."""
    return dict.fromkeys(rows[key].drop_duplicates().itertuples(index=False, name=None))
