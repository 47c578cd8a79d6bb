"""The calibration as a command: what it tries, what it writes, and when it fails."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from numpy.typing import NDArray

from harness.calibration import calibrate, coverage, trials
from harness.calibration.calibrate import block_counts
from harness.calibration.calibration_page import outcome
from harness.catalogue.cards import study_names
from harness.catalogue.loading import load_study
from harness.design.factors import PROFILES
from harness.judging.intervals import Interval
from tests.harness.fakes import experiment, study

FILES = ["calibration.csv", "calibration.md", "calibration.svg", "calibration.png"]


def run(results: Path, *, jobs: int = 1, seed: int = 0, simulations: int = 40) -> int:
    """Calibrate at two numbers of blocks; the exit code."""
    try:
        calibrate.main(results, simulations, seed, jobs, [3, 8])
    except typer.Exit as ended:
        return ended.exit_code
    return 0


@pytest.fixture
def _little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less to try: what a run does with its trials does not depend on how many there are."""
    monkeypatch.setattr(trials, "KINDS", ("value", "spread"))
    monkeypatch.setattr(trials, "SHARES", (0.5,))


def contents(results: Path) -> list[bytes]:
    return [(results / name).read_bytes() for name in FILES]


def test_the_numbers_of_blocks_are_those_of_every_profile_of_every_study() -> None:
    counts = block_counts()
    assert counts == sorted(set(counts))
    for name in study_names():
        for planted in load_study(name).experiments.values():
            assert {planted.blocks.of(profile) for profile in PROFILES} <= set(counts)


def test_a_new_study_s_numbers_of_blocks_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "study_names", lambda: ["planted"])
    monkeypatch.setattr(calibrate, "load_study", lambda name: study(first=experiment()))
    assert block_counts() == [8, 16, 32]


@pytest.mark.usefixtures("_little")
def test_the_same_seed_gives_the_same_checks_on_one_process_and_on_two() -> None:
    one, two = (calibrate.calibrate([3, 8], 40, seed=0, jobs=jobs) for jobs in (1, 2))
    assert one == two
    assert calibrate.calibrate([3, 8], 40, seed=1, jobs=1) != one


@pytest.mark.usefixtures("_little")
def test_requirements_that_are_all_met_end_with_code_0_and_the_files_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = calibrate.calibrate([3, 8], simulations=40, seed=0, jobs=1)
    met = [replace(check, met=True) for check in found]
    monkeypatch.setattr(calibrate, "calibrate", lambda counts, simulations, seed, jobs: met)
    assert run(tmp_path) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [*(str(tmp_path / name) for name in FILES), outcome(met)]


@pytest.mark.usefixtures("_little")
def test_a_requirement_that_is_missed_ends_with_code_1_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def points(values: NDArray[np.float64]) -> Interval:
        width = 0.0 if len(values) >= 8 else math.inf
        return Interval(0.0, -width, width)

    monkeypatch.setattr(coverage, "median_interval", points)
    monkeypatch.setattr(coverage, "_compare", lambda interval, effect: None)
    assert run(tmp_path) == 1
    assert contents(tmp_path)
    said = capsys.readouterr().out
    assert "requirements are MISSED" in said
    assert "median, value; normal; 8 blocks: covered 0.00 %" in said
    assert "requirements are MISSED" in (tmp_path / "calibration.md").read_text()
    table = pd.read_csv(tmp_path / "calibration.csv")
    assert not table["met"].all()


@pytest.mark.usefixtures("_little")
def test_a_results_folder_that_cannot_be_written_ends_with_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert run(tmp_path / "file") == 2
    assert "error: " in capsys.readouterr().err


def test_the_committed_calibration_covers_every_number_of_blocks_in_use() -> None:
    # Where this fails, an experiment has a new number of blocks: run nox -s calibrate.
    table = pd.read_csv(Path(__file__).parents[3] / "results" / "calibration.csv")
    assert set(block_counts()) <= set(table["blocks"])
    assert table["met"].all()
    assert (table["simulations"] >= 2000).all()
