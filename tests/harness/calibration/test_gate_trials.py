"""The gate's calibration: counting what planted findings were called, and going on where it was."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from harness.calibration import planted_benchmarks
from harness.calibration.gate_page import (
    by_machine,
    false_alarms,
    gate_figure,
    outcome,
    page,
    sensitivity,
    write_gate,
)
from harness.calibration.gate_trials import (
    FILE,
    comparison_of,
    planted_percent,
    trial_rows,
    try_gate,
)
from harness.calibration.resumable_trials import measured_with
from harness.catalogue.benchmarks import Benchmark, read_benchmarks
from harness.errors import HarnessError
from harness.figures.style import slide_style
from harness.judging.intervals import Interval
from harness.judging.regressions import Finding, Word
from harness.libraries import torch
from harness.protocol.comparison import SECONDS
from harness.publishing.pages import TABLES

NAMES = [each.name for each in read_benchmarks(FILE)]
TRUE: Mapping[int, Word] = {
    0: "same within the margin",
    1: "same within the margin",
    3: "slower",
    5: "slower",
    10: "slower",
}


def findings(changes: Mapping[str, Word] | None = None) -> list[Finding]:
    """What a gate that sees everything would find, but for some."""
    found = []
    for name in NAMES:
        planted = planted_percent(name)
        word = (changes or {}).get(name, TRUE[planted])
        ratio = 1 + planted / 100
        interval = Interval(ratio, ratio - 0.002, ratio + 0.002)
        benchmark = Benchmark(name)
        control = Interval(1.0, 0.998, 1.002)
        found.append(Finding(benchmark, word, "", 1e-4, interval, control, (ratio,), 5e-5))
    return found


def table(trials: int = 40, wrong: Mapping[int, Mapping[str, Word]] | None = None) -> pd.DataFrame:
    rows = []
    for number in range(trials):
        beside = "bursts on a core" if number % 2 else "nothing"
        rows += trial_rows(number, beside, findings((wrong or {}).get(number)), 90.0)
    return pd.DataFrame(rows).assign(**measured_with(SECONDS), commit="planted")


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No core is burnt for the sake of fakes."""
    from contextlib import nullcontext

    from harness.calibration import burner

    monkeypatch.setattr(burner, "burning", lambda seed, *, wanted: nullcontext())


def test_a_gate_that_sees_everything_meets_every_requirement() -> None:
    met, sentence = outcome(table())
    assert met
    assert "0 of 200 comparisons of a thing with itself" in sentence
    assert "Missed" not in sentence


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({n: {"itself_forward": "faster"} for n in range(3)}, "3 of 200 comparisons"),
        ({0: {"planted_1": "slower"}}, "1 of 80 slow-downs of 0 and 1 % were called slower"),
        ({n: {"planted_3": "inconclusive"} for n in (0, 2)}, "90% were in the worst case"),
    ],
)
def test_each_way_to_fail_is_counted_and_said(
    wrong: Mapping[int, Mapping[str, Word]], said: str
) -> None:
    met, sentence = outcome(table(wrong=wrong))
    assert not met
    assert said in sentence
    assert sentence.count("Missed") == 1


def test_two_in_two_hundred_are_as_many_as_may_be() -> None:
    wrong: Mapping[int, Mapping[str, Word]] = {n: {"itself_forward": "slower"} for n in (0, 1)}
    assert outcome(table(wrong=wrong))[0]


def test_tables_count_by_what_ran_beside() -> None:
    wrong: Mapping[int, Mapping[str, Word]] = {1: {"planted_5": "inconclusive"}}
    found = table(wrong=wrong)
    alarms = false_alarms(found).set_index("beside")
    assert alarms["comparisons"].to_dict() == {"nothing": 100, "bursts on a core": 100}
    seen = sensitivity(found).set_index(["planted", "beside"])
    assert seen["slower"].to_dict()[5, "bursts on a core"] == 19
    assert seen["inconclusive"].to_dict()[5, "bursts on a core"] == 1
    assert seen["slower"].to_dict()[5, "nothing"] == 20
    assert "| 5 | bursts on a core | 20 | 19 | 95.0 |" in page(found).partition(TABLES)[2]


def test_a_page_says_what_is_still_to_come() -> None:
    assert "40 of 100 planned trials so far" in page(table())
    assert "so far" not in page(table(trials=100))


def test_a_stopped_calibration_goes_on_where_it_was(tmp_path: Path, quiet: None) -> None:
    measured: list[int] = []

    def measure(number: int) -> tuple[list[Finding], float]:
        measured.append(number)
        if len(measured) == 3:
            raise KeyboardInterrupt
        return findings(), 90.0

    with pytest.raises(KeyboardInterrupt):
        try_gate(tmp_path, 4, measure)
    found = try_gate(tmp_path, 4, measure)
    assert measured == [0, 1, 2, 2, 3]
    assert found["trial"].nunique() == 4
    assert set(found.loc[found["trial"] == 3, "beside"]) == {"bursts on a core"}
    assert {path.suffix for path in write_gate(tmp_path, found)} == {".csv", ".md", ".svg", ".png"}


@pytest.mark.parametrize("column", ["torch", "seconds_asked"])
def test_trials_of_another_torch_or_time_are_not_gone_on_with(
    tmp_path: Path, quiet: None, column: str
) -> None:
    table(2).assign(**{column: 7}).to_csv(tmp_path / "gate.csv", index=False)
    with pytest.raises(HarnessError, match=f"another {column.replace('_', ' ')} .7, here"):
        try_gate(tmp_path, 4, lambda number: (findings(), 90.0))


def test_trials_of_another_machine_are_gone_on_with_and_each_machine_is_counted(
    tmp_path: Path, quiet: None
) -> None:
    wrong: Mapping[int, Mapping[str, Word]] = {1: {"planted_5": "inconclusive"}}
    table(2, wrong).assign(machine="Z80").to_csv(tmp_path / "gate.csv", index=False)
    found = try_gate(tmp_path, 5, lambda number: (findings(), 90.0))
    first, second = by_machine(found).to_dict("records")
    assert (first["machine"], first["trials"], first["seen"]) == ("Z80", 2, "5 of 6")
    assert (second["trials"], second["seen"], second["false"]) == (3, "9 of 9", "0 of 15")
    assert "Measured on Z80 (2 trials); " in page(found)
    assert "| Z80 | 2 | 0 of 10 | 0 of 2 | 5 of 6 | 10.0 |" in page(found).partition(TABLES)[2]
    assert "Each machine by itself" not in page(table())


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gate.csv").write_text("a,b\n1,2\n")
    with pytest.raises(HarnessError, match="no table of trials"):
        try_gate(tmp_path, 2, lambda number: ([], 0.0))


def test_the_figure_shows_the_share_called_slower() -> None:
    wrong: Mapping[int, Mapping[str, Word]] = {n: {"planted_3": "inconclusive"} for n in range(20)}
    with slide_style():
        figure = gate_figure(table(wrong=wrong))
    (axes,) = figure.axes
    lines = {str(line.get_label()): line for line in axes.lines}
    assert list(lines["beside nothing"].get_ydata()) == [0, 0, 50, 100, 100]  # type: ignore[arg-type]


def test_what_is_planted_is_a_count_of_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = [0]

    class Counting:
        def mul_(self, _: float) -> None:
            counted[0] += 1

    monkeypatch.setattr(torch, "ones", lambda *_, **__: Counting())
    per_call = {}
    for side in ("base", planted_benchmarks.HEAD):
        monkeypatch.setenv(planted_benchmarks.VARIABLE, side)
        for name in (name for name in NAMES if name.startswith("planted")):
            counted[0] = 0
            getattr(planted_benchmarks, name)("cpu")()
            per_call[side, name] = counted[0]
    for name in (name for name in NAMES if name.startswith("planted")):
        ratio = per_call[planted_benchmarks.HEAD, name] / per_call["base", name]
        assert math.isclose(ratio, 1 + planted_percent(name) / 100)


def test_the_sides_of_a_trial_differ_in_four_letters() -> None:
    comparison = comparison_of(3, 8.0)
    assert comparison.seed == 3
    assert comparison.blocks == 12
    sides = [comparison.base.environment, comparison.head.environment]
    assert sides == [{planted_benchmarks.VARIABLE: "base"}, {planted_benchmarks.VARIABLE: "head"}]
