"""What a judged run looks like on the screen."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from harness.cli.screen import SHOWN, show_judgement
from harness.design.claims import Claim, Control, Unmeasurable
from harness.design.contrasts import Value
from harness.design.experiment import Experiment, Responses
from harness.design.factors import Arm, Block, Factor, PerProfile
from harness.design.regions import at_least, at_most, equals
from harness.design.responses import Response
from harness.judging.judge import judge_run
from harness.store.observations import StoredRun
from tests.harness.runs import bench, study_of

SIZE = Factor("size", tuple(range(SHOWN + 3)))


def measure(cell: Block, arm: Arm) -> Responses:
    if arm[SIZE] == 1:
        raise ValueError("planted")
    return {"weight": arm[SIZE] + random.random() / 8, "odd": math.nan}


@pytest.fixture
def screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    weight = Value("weight")
    many = tuple(range(2, SHOWN + 3))
    experiment = Experiment(
        question="What is shown?",
        measure=measure,
        responses=(
            Response("weight", "kg", "weight"),
            Response("odd", "1", "odd"),
        ),
        factors=(SIZE,),
        blocks=PerProfile(8, 8, 8),
        claims=(
            Claim("P-one-1", weight.at(size=2), at_least(1)),
            Claim("P-many-1", weight.at(size=many), at_most(-1)),
            Claim("P-failed-1", weight.at(size=1), at_least(1)),
            Claim("P-nan-1", Value("odd").at(size=0), at_least(1)),
            Control("nothing weighs almost nothing", weight.at(size=0), equals(0, within=1)),
            Unmeasurable("P-field-1", "field data", "nobody has asked"),
        ),
    )
    made = bench(tmp_path, study_of(only=experiment))
    made.execute()
    monkeypatch.setenv("COLUMNS", "150")
    show_judgement(judge_run(StoredRun(made.folder, made.protocol)))
    return capsys.readouterr().out


def line_of(screen: str, word: str) -> str:
    return next(line for line in screen.splitlines() if word in line)


def test_a_claim_is_shown_with_verdict_estimate_interval_unit_and_blocks(screen: str) -> None:
    line = line_of(screen, "P-one-1")
    assert "reproduced" in line
    assert "2.0" in line
    assert "kg" in line
    assert line.split()[-1] == "8"
    assert "holds if at least 1" in screen
    assert " to " in screen


def test_of_many_conditions_the_first_are_shown_and_the_rest_counted(screen: str) -> None:
    assert "refuted" in line_of(screen, "P-many-1")
    assert screen.count("holds if at most -1") == SHOWN
    assert "and 1 more conditions in verdicts.csv" in screen


def test_what_could_not_be_judged_says_why_and_shows_no_number(screen: str) -> None:
    assert "inconclusive" in line_of(screen, "P-failed-1")
    assert "8 of 8 blocks failed: ValueError: planted" in screen
    assert "inconclusive" in line_of(screen, "P-nan-1")
    assert "8 of 8 values are nan" in screen
    assert "nan to nan" not in screen


def test_what_no_machine_measures_is_shown_with_the_reason(screen: str) -> None:
    line = line_of(screen, "P-field-1")
    assert "not measurable" in line
    assert "It takes field data: nobody has asked" in line


def test_controls_are_shown_below_the_claims(screen: str) -> None:
    line = line_of(screen, "control")
    assert "reproduced" in line
    assert screen.index("control") > screen.index("P-nan-1")


def test_a_run_whose_study_is_gone_or_changed_is_said_to_be_judged_by_its_own_rules(
    screen: str,
) -> None:
    """No study of that name is installed here."""
    assert "The study's rules have changed since this run" in screen
