"""What a judged run looks like on the screen: one line a claim, and all else on request."""

from __future__ import annotations

import math
import random
import re

import pytest

from harness.cli.screen import show_judgement
from harness.design.claims import Beyond, Claim, Control, Unmeasurable
from harness.design.contrasts import Value
from harness.design.experiment import Experiment, Responses
from harness.design.factors import Arm, Block, Factor, PerProfile
from harness.design.regions import at_least, at_most, equals
from harness.design.responses import Response
from harness.judging.judge import JudgedRun, judge_run
from harness.publishing.agreement import Agreement
from harness.store.observations import StoredRun
from tests.harness.runs import bench, study_of

SIZE = Factor("size", tuple(range(40)))


def measure(cell: Block, arm: Arm) -> Responses:
    if arm[SIZE] == 1:
        raise ValueError("planted")
    return {"weight": arm[SIZE] + random.random() / 8, "odd": math.nan}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> JudgedRun:
    weight = Value("weight")
    many = tuple(range(2, 40))
    experiment = Experiment(
        question="What is shown?",
        measure=measure,
        responses=(Response("weight", "kg", "the weight"), Response("odd", "1", "the odd one")),
        factors=(SIZE,),
        blocks=PerProfile(8, 8, 8),
        claims=(
            Claim("P-one-1", weight.at(size=2), at_least(1), "Two weighs one or more."),
            Claim("P-many-1", weight.at(size=many), at_most(-1)),
            Claim("P-mixed-1", weight.at(size=(2, 9)), at_most(5)),
            Claim("P-failed-1", weight.at(size=1), at_least(1)),
            Claim("P-nan-1", Value("odd").at(size=0), at_least(1)),
            Beyond("P-one-1", weight.at(size=0), at_least(1), why="nothing is weighed"),
            Control("nothing weighs almost nothing", weight.at(size=0), equals(0, within=1)),
            Unmeasurable("P-field-1", "field data", "nobody has asked"),
        ),
        one_sample="one scale",
    )
    made = bench(tmp_path_factory.mktemp("screen"), study_of(only=experiment))
    made.execute()
    return judge_run(StoredRun(made.folder, made.protocol))


def printed(
    run: JudgedRun,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    agreement: Agreement | None = None,
    details: bool = False,
) -> str:
    monkeypatch.setenv("COLUMNS", "250")
    show_judgement(run, agreement, details=details)
    return capsys.readouterr().out


@pytest.fixture
def screen(
    run: JudgedRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> str:
    return printed(run, capsys, monkeypatch)


def line_of(screen: str, word: str) -> str:
    return next(line for line in screen.splitlines() if word in line)


def test_verdicts_are_counted_first(screen: str) -> None:
    assert screen.splitlines()[0] == (
        "planted, profile quick, cpu: 1 reproduced, 1 refuted, 1 mixed, 2 inconclusive, "
        "1 not measurable"
    )


def test_every_claim_is_one_line_with_its_finding_those_to_look_at_first(screen: str) -> None:
    lines = [line for line in screen.splitlines() if line.startswith("P-")]
    assert [line.split()[0] for line in lines] == [
        "P-mixed-1",
        "P-many-1",
        "P-failed-1",
        "P-nan-1",
        "P-one-1",
        "P-field-1",
    ]
    assert "0 of 38 hold; " in line_of(screen, "P-many-1")
    number = r"2\.0\d kg \(2(\.\d+)? to 2\.\d+ kg\): the weight \(size 2\)"
    assert re.search(number, line_of(screen, "P-one-1"))


def test_in_a_terminal_a_claim_takes_one_line_with_its_number(
    run: JudgedRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    show_judgement(run)
    lines = [line for line in capsys.readouterr().out.splitlines() if "P-" in line[:8]]
    claims = [line for line in lines if "Warning" not in line]
    assert len(claims) == 6
    assert all("kg (" in line for line in claims if "P-one-1" in line or "P-many-1" in line)


def test_a_run_of_many_conditions_fits_one_screen(screen: str) -> None:
    assert len(screen.splitlines()) < 20


def test_what_could_not_be_judged_says_why_and_shows_no_number(screen: str) -> None:
    assert "8 of 8 blocks failed: ValueError: planted" in line_of(screen, "P-failed-1")
    assert "8 of 8 values are nan" in line_of(screen, "P-nan-1")
    assert "It takes field data: nobody has asked" in line_of(screen, "P-field-1")


def test_all_controls_are_one_line(screen: str) -> None:
    assert "Controls: all 1 condition came out as they must." in screen


def test_a_warning_is_one_line_with_the_claims_that_have_it(screen: str) -> None:
    line = line_of(screen, "Warning one-sample")
    assert "P-one-1" in line
    assert "All blocks draw from one sample" in line
    assert "Repeat the sample itself" in line


def test_how_it_agrees_with_the_published_run_is_said(
    run: JudgedRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    agreement = Agreement("planted/run", 3, {"P-one-1": ("refuted", "reproduced")})
    shown = printed(run, capsys, monkeypatch, agreement=agreement)
    assert "the same verdict in 2 of 3 claims; P-one-1 was refuted, is reproduced." in shown


def test_details_show_every_condition_its_reading_and_what_lies_beyond(
    run: JudgedRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = printed(run, capsys, monkeypatch, details=True)
    assert shown.count("holds if at most -1") == 38
    assert "Reading: Two weighs one or more." in shown
    assert "beyond the document's words:   refuted  the weight (size 0)" in shown


def test_a_study_that_cannot_be_loaded_today_is_said(screen: str) -> None:
    """No study of that name is installed here."""
    assert "The study cannot be loaded today: There is no study 'planted'" in screen
