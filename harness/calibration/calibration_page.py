"""The calibration as a table, a page and a figure."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import pandas as pd
from scipy import stats

from harness.calibration.calibration_figure import coverage_figure
from harness.calibration.checks import Check
from harness.calibration.planted import ALLOWANCE, LEAST_COVERAGE, MOST_WRONG
from harness.design.claims import CONFIDENCE
from harness.figures.style import save_figure, slide_style
from harness.files import write_bytes
from harness.publishing.markdown import render


def write_calibration(results: Path, checks: Sequence[Check], seed: int) -> list[Path]:
    """Write ``calibration.csv``, ``.md``, ``.svg`` and ``.png`` into the results folder.

    Raises:
        HarnessError: the folder cannot be written.
    """
    table = pd.DataFrame([{**asdict(check), "se": check.se} for check in checks])
    csv = table.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    paths = [results / "calibration.csv", results / "calibration.md"]
    write_bytes(paths[0], csv.encode())
    write_bytes(paths[1], page(checks, seed).encode())
    with slide_style():
        return [*paths, *save_figure(coverage_figure(table), results / "calibration")]


def page(checks: Sequence[Check], seed: int) -> str:
    """The page, in Markdown; every number on it is calculated from the checks."""
    table = pd.DataFrame([asdict(check) for check in checks])
    medians = table[table["interval"].str.startswith("median")]
    frequencies = table[table["interval"] == "frequency"]
    universal = table[table["interval"] == "observed range"]
    few = medians[medians["quantity"] == "decided"]
    covered = [check for check in checks if check.quantity == "covered"]
    wrong = [check for check in checks if check.quantity.endswith(("false", "true"))]
    return render(
        "calibration.md.jinja",
        outcome=outcome(checks),
        seed=seed,
        simulations=f"{medians['simulations'].max():,}",
        simulations_of_frequencies=f"{frequencies['simulations'].max():,}",
        simulations_of_few=f"{few['simulations'].max():,}",
        python=platform.python_version(),
        numpy=version("numpy"),
        scipy=version("scipy"),
        confidence=f"{100 * CONFIDENCE:g}",
        least=f"{100 * LEAST_COVERAGE:g}",
        most=f"{100 * MOST_WRONG:g}",
        allowance=f"{ALLOWANCE:g}",
        lowest=min(covered, key=lambda check: check.rate, default="none"),
        highest=max(wrong, key=lambda check: check.rate, default="none"),
        above=sum(check.rate > MOST_WRONG for check in wrong),
        wrong_rates=len(wrong),
        medians=_markdown(_coverage(medians).assign(exact=_exact)),
        median_errors=_markdown(_errors(medians)),
        frequencies=_markdown(_coverage(frequencies)),
        frequency_errors=_markdown(_errors(frequencies)),
        few=" or ".join(str(blocks) for blocks in sorted(set(few["blocks"]))),
        decided=f"{100 * few['rate'].max():g}",
        universal=_markdown(_universal(universal)),
    )


def outcome(checks: Sequence[Check]) -> str:
    """Whether all requirements are met, and which are not."""
    missed = [check for check in checks if not check.met]
    if not missed:
        return f"All {len(checks)} requirements are met."
    named = "; ".join(str(check) for check in missed)
    return f"{len(missed)} of {len(checks)} requirements are MISSED: {named}."


def _coverage(table: pd.DataFrame) -> pd.DataFrame:
    """Blocks by distribution: the least coverage in %."""
    covered = table[table["quantity"] == "covered"]
    return _percent(covered, "distribution", "min")


def _errors(table: pd.DataFrame) -> pd.DataFrame:
    """Blocks by kind of region and of error: the highest rate in %."""
    wrong = table[table["quantity"].str.endswith(("false", "true"))]
    truth = wrong["quantity"].str.rpartition(" ")[2]
    return _percent(wrong.assign(case=wrong["region"] + ", " + truth), "case", "max")


def _universal(table: pd.DataFrame) -> pd.DataFrame:
    """Values by share of counterexamples: how often none was seen, and the formula's rate."""
    cells = [
        f"{100 * r:.2f} ({100 * e:.2f})" for r, e in zip(table["rate"], table["limit"], strict=True)
    ]
    wide = table.assign(cell=cells).pivot_table(
        index="blocks", columns="distribution", values="cell", aggfunc="first", sort=False
    )
    worth = [f"{100 * (1 - 0.01 ** (1 / values)):.1f} %" for values in wide.index]
    return wide.assign(**{"seen with 99 %": worth}).rename_axis("values")


def _exact(table: pd.DataFrame) -> list[str]:
    """The coverage of the order-statistic interval for continuous values, in %."""
    found = []
    for blocks in table.index:
        tails = [2 * stats.binom.cdf(k, blocks, 0.5) for k in range(blocks // 2)]
        found.append(f"{100 * (1 - max(t for t in tails if t <= 1 - CONFIDENCE)):.2f}")
    return found


def _percent(table: pd.DataFrame, columns: str, worst: Literal["min", "max"]) -> pd.DataFrame:
    """Blocks by another column, the worst rate of each cell in %, in the order of the table."""
    wide = table.pivot_table(
        index="blocks", columns=columns, values="rate", aggfunc=worst, sort=False
    )
    return wide.sort_index().map(lambda rate: f"{100 * rate:.2f}")


def _markdown(table: pd.DataFrame) -> str:
    head = [str(table.index.name), *map(str, table.columns)]
    rows = [
        [str(index), *map(str, row)]
        for index, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    lines = [head, ["---:"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
