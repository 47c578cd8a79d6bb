"""What of a study a run is to measure, and in which order it is worth it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.design.claims import Claim
from harness.design.contrasts import Value
from harness.design.regions import at_least
from harness.errors import HarnessError
from harness.protocol.protocol import read_protocol
from harness.protocol.rules import study_rules
from harness.protocol.selection import ALL, Selection, by_worth, needs_device, seconds_of, select
from tests.harness.runs import bench, drawing, protocol_of, study_of, ticking

STUDY = study_of(first_one=drawing(1), second=drawing(1))


def claim(name: str, needs: str = "cpu") -> Claim:
    return Claim(name, Value("draw"), at_least(0.5), "Half or more.", needs=needs)


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("90", 90), ("90s", 90), ("8m", 480), ("1h", 3600), ("1h30m", 5400), ("1m5s", 65)],
)
def test_a_duration_is_read_in_hours_minutes_and_seconds(duration: str, seconds: float) -> None:
    assert seconds_of(duration) == seconds


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_every_duration_that_is_written_out_is_read_back(h: int, m: int, s: int) -> None:
    assert seconds_of(f"{h}h{m}m{s}s") == 3600 * h + 60 * m + s


@pytest.mark.parametrize("odd", ["", "m", "8 minutes", "-3m", "1.5h", "nan", "3m2h"])
def test_what_is_no_duration_is_refused_by_example(odd: str) -> None:
    with pytest.raises(HarnessError, match="like 90s, 8m or 1h30m"):
        seconds_of(odd)


def test_experiments_are_selected_by_name_in_the_studys_order() -> None:
    assert select(STUDY, ["second", "first-one"]).experiments == ("first_one", "second")
    assert select(STUDY) == ALL


def test_an_experiment_that_the_study_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(HarnessError, match=r"no experiment 'third'; it has first_one, second\."):
        select(STUDY, ["third"])


@pytest.mark.parametrize("budget", [0.0, -1.0])
def test_a_budget_of_no_time_is_refused(budget: float) -> None:
    with pytest.raises(HarnessError, match="more than no time"):
        select(STUDY, budget=budget)


def test_a_selection_is_frozen_in_the_protocol_and_in_the_command(tmp_path: Path) -> None:
    chosen = select(STUDY, ["second"], 90.0)
    made = bench(tmp_path, STUDY, selection=chosen)
    stored = read_protocol(tmp_path)
    assert stored.selection == chosen
    assert stored.command.endswith("--seed 0 --experiment second --budget 90s")
    assert [rules.name for rules in stored.measured()] == ["second"]
    assert made.protocol.sha256 != protocol_of(STUDY).sha256


def test_a_protocol_without_a_selection_means_all_of_the_study(tmp_path: Path) -> None:
    bench(tmp_path, STUDY)
    assert read_protocol(tmp_path).selection == Selection()


def test_what_needs_the_device_comes_first_then_what_judges_most_in_a_second() -> None:
    study = study_of(
        slow=replace(drawing(100), claims=(claim("P-a-1"),)),
        quick=replace(drawing(1), claims=(claim("P-b-1"),)),
        gpu=replace(drawing(1000), claims=(claim("P-c-1", "cuda"),)),
        own=replace(drawing(10, needs="cuda"), claims=(claim("P-d-1", "cuda"),)),
        timed=ticking(1),
    )
    rules = list(study_rules(study, "quick").values())
    names = [each.name for each in by_worth(rules, "cuda", {})]
    assert set(names[:2]) == {"gpu", "own"}
    assert names.index("quick") < names.index("slow")
    assert [each.name for each in by_worth(rules, "cuda", {"slow": 0.001})][2] == "slow"


def test_nothing_needs_a_cpu_in_particular() -> None:
    study = study_of(a=replace(drawing(1), claims=(claim("P-a-1", "cuda"),)))
    (rules,) = study_rules(study, "quick").values()
    assert needs_device(rules, "cuda")
    assert not needs_device(rules, "cpu")
