"""The calibration's page and figure: every number on them comes from the checks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harness.calibration.calibrate import calibrate
from harness.calibration.calibration_page import outcome, page, write_calibration
from harness.calibration.checks import Check


@pytest.fixture(scope="module")
def checks() -> list[Check]:
    return calibrate([3, 8, 12], simulations=40, seed=0, jobs=1)


def with_rate(checks: list[Check], chosen: Check, rate: float) -> list[Check]:
    return [replace(check, rate=rate) if check is chosen else check for check in checks]


def find(checks: list[Check], interval: str, blocks: int, quantity: str) -> Check:
    return next(
        c for c in checks if (c.interval, c.blocks, c.quantity) == (interval, blocks, quantity)
    )


def cells(text: str, heading: str, first: str) -> list[str]:
    """The cells of the row that begins with ``first`` in the first table after a heading."""
    after = text.partition(heading)[2]
    row = next(line for line in after.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_table_holds_every_check(checks: list[Check], tmp_path: Path) -> None:
    write_calibration(tmp_path, checks, seed=0)
    table = pd.read_csv(tmp_path / "calibration.csv", keep_default_na=False)
    assert len(table) == len(checks)
    for row, check in zip(table.to_dict("records"), checks, strict=True):
        assert row["distribution"] == check.distribution
        assert (row["rate"], row["se"]) == pytest.approx((check.rate, check.se), rel=1e-5)


def test_the_page_shows_the_least_coverage_of_the_four_kinds_of_contrast(
    checks: list[Check],
) -> None:
    chosen = find(checks, "median, ratio", 8, "covered")
    text = page(with_rate(checks, chosen, 0.4321), seed=0)
    assert cells(text, "Coverage in %, the least", "8")[1] == "43.21"
    assert f"The lowest found: {replace(chosen, rate=0.4321)}" in text


def test_the_page_gives_the_exact_coverage_beside_the_simulated_one(checks: list[Check]) -> None:
    text = page(checks, seed=0)
    assert cells(text, "Coverage in %, the least", "8")[-1] == "99.22"  # 1 - 2 / 2**8
    assert cells(text, "Coverage in %, the least", "12")[-1] == "99.37"  # 1 - 26 / 2**12


def test_the_page_shows_the_most_wrong_verdicts_and_counts_those_above_the_limit(
    checks: list[Check],
) -> None:
    before = sum(c.rate > 0.01 for c in checks if c.quantity.endswith(("true", "false")))
    chosen = find(checks, "median, spread", 12, "refuted though true")
    changed = with_rate(checks, chosen, 0.77)
    text = page(changed, seed=0)
    assert "77.00" in cells(text, "Wrong verdicts in %, the most of all", "12")
    assert f"Rates above 1 % at all: {before + (chosen.rate <= 0.01)} of" in text


def test_the_page_says_what_a_universal_verdict_is_worth(checks: list[Check]) -> None:
    row = cells(page(checks, seed=0), "## Universal conditions", "8")
    assert row[-1] == "43.8 %"  # 1 - 0.01 ** (1 / 8)
    assert row[2].endswith("(43.05)")  # 0.9 ** 8


def test_the_page_names_the_numbers_of_blocks_that_decide_nothing(checks: list[Check]) -> None:
    assert "A median of 3 or 7 blocks has no finite 99 % interval" in page(checks, seed=0)


def test_the_page_names_the_seed_and_the_number_of_simulations(checks: list[Check]) -> None:
    assert "Seed 12345, 40 simulated experiments" in page(checks, seed=12345)


def test_the_outcome_is_all_met_or_the_missed_ones_by_name(checks: list[Check]) -> None:
    met = [replace(check, met=True) for check in checks]
    assert outcome(met) == f"All {len(met)} requirements are met."
    missed = [*met[:-1], replace(met[-1], met=False)]
    assert outcome(missed) == f"1 of {len(met)} requirements are MISSED: {met[-1]}."


def test_the_same_checks_give_the_same_bytes_in_svg_and_png(
    checks: list[Check], tmp_path: Path
) -> None:
    for name in ("one", "two"):
        write_calibration(tmp_path / name, checks, seed=0)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    assert (tmp_path / "one" / "calibration.png").read_bytes().startswith(b"\x89PNG")
