"""Other gates on planted work: what is made of what they print; none of them is run here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest

from harness.calibration import tool_trials, tools
from harness.calibration.planted_benchmarks import COMPARED, HEAD, VARIABLE
from harness.calibration.resumable_trials import measured_with
from harness.calibration.tools import TOOLS, Budget, require, run
from harness.calibration.tools_page import OURS, counts, tools_page, write_tools
from harness.catalogue.benchmarks import Benchmark
from harness.errors import HarnessError
from harness.judging.intervals import Interval
from harness.judging.regressions import Finding

BUDGET = Budget(60.0, 3.0, 3e-4)
#: What the tools print, of the versions in constraints.txt.
FAILED = (
    "ERROR: Performance has regressed:\n"
    "\ttest_planted[planted_3] (0001_base) - Field 'mean' has failed "
    "PercentageRegressionCheck: 7.341882101 > 5.000000000\n"
)
COMPARED_TO = (
    "planted_0: Mean +- std dev: [base] 288 us +- 17 us -> [head] 280 us +- 12 us: 1.03x faster\n"
    "planted_3: Mean +- std dev: [base] 288 us +- 17 us -> [head] 297 us +- 12 us: 1.03x slower\n"
)
HIDDEN = "Benchmark hidden because not significant (2): planted_0, planted_3\n"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """What would have been run; every command prints ``printed``."""
    seen: list[tuple[list[str], dict[str, str]]] = []

    def pretend(
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        codes: Sequence[int] = (0,),
    ) -> str:
        seen.append((list(command), dict(environment)))
        return PRINTED[0]

    monkeypatch.setattr(tools, "run", pretend)
    return seen


PRINTED = [""]


@pytest.mark.parametrize(
    ("tool", "printed", "said"),
    [
        ("pytest_benchmark", "2 passed", ("no alarm", "no alarm")),
        ("pytest_benchmark", FAILED, ("no alarm", "slower")),
        ("pyperf", COMPARED_TO, ("faster", "slower")),
        ("pyperf", HIDDEN, ("no alarm", "no alarm")),
    ],
)
def test_what_a_tool_prints_becomes_a_word(
    tool: str,
    printed: str,
    said: tuple[str, str],
    asked: list[tuple[list[str], dict[str, str]]],
    tmp_path: Path,
) -> None:
    PRINTED[0] = printed
    found = getattr(tools, tool)(tmp_path, BUDGET)
    assert tuple(found[name] for name in COMPARED) == said
    assert [environment.get(VARIABLE) for _, environment in asked][:2] == ["base", HEAD]


@pytest.mark.parametrize(
    ("regression", "word"),
    [
        ("regressed", "slower"),
        ("improved", "faster"),
        ("unchanged", "no alarm"),
        ("inconclusive", "inconclusive"),
        ("not_comparable", "inconclusive"),
    ],
)
def test_benchmatrix_speaks_by_its_report(
    regression: str, word: str, asked: list[tuple[list[str], dict[str, str]]], tmp_path: Path
) -> None:
    cells = [{"implementation_name": name, "regression": regression} for name in COMPARED]
    PRINTED[0] = json.dumps({"comparisons": cells})
    assert set(tools.benchmatrix(tmp_path, BUDGET).values()) == {word}
    collect = asked[0][0]
    base, head = collect[collect.index("--") :], collect[collect.index(":::") :]
    assert f"{VARIABLE}=base" in base
    assert f"{VARIABLE}={HEAD}" in head


def test_a_session_never_measures_for_no_time() -> None:
    assert Budget(60.0, 3.0, 1e-4).of_session(2) == 13.5
    assert Budget(6.0, 3.0, 1e-4).of_session(2) == 0.05


def test_a_missing_tool_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(HarnessError, match="pip install no-such-tool"):
        require(["no_such_tool"])


def test_a_tool_that_fails_is_said_with_what_it_printed_last(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"ended with 3: .*planted"):
        run(["sh", "-c", "echo planted >&2; exit 3"], tmp_path, {})
    assert run(["sh", "-c", "echo $GIVEN; exit 1"], tmp_path, {"GIVEN": "it"}, codes=(1,)) == "it\n"


def finding(name: str, word: str) -> Finding:
    interval = Interval(1.0, 0.99, 1.01)
    return Finding(Benchmark(name), word, "", 1e-4, interval, interval, (1.0,), 0.0)  # type: ignore[arg-type]


def test_a_trial_has_a_row_for_each_gate_and_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = [finding("planted_0", "inconclusive"), finding("planted_3", "slower")]
    monkeypatch.setattr(tool_trials, "measure_ours", lambda number, seconds: (ours, 55.0))
    monkeypatch.setattr(tool_trials, "starting_seconds", lambda: 2.0)
    budgets: list[Budget] = []

    def fake(folder: Path, budget: Budget) -> dict[str, str]:
        budgets.append(budget)
        return dict.fromkeys(COMPARED, "no alarm")

    monkeypatch.setattr(tool_trials, "TOOLS", dict.fromkeys(TOOLS, fake))
    rows = pd.DataFrame(tool_trials.trial(3, "nothing"))
    assert len(rows) == (len(TOOLS) + 1) * len(COMPARED)
    assert set(budgets) == {Budget(55.0, 2.0, 1e-4)}
    said = rows.set_index(["tool", "benchmark"])["said"]
    assert said[OURS, "planted_0"] == "inconclusive"
    assert said[OURS, "planted_3"] == "slower"
    planted = rows.groupby("benchmark")["planted"].first()
    assert planted.to_dict() == {"planted_0": 0, "planted_3": 3}


def cries_wolf(trial: int, _: int) -> str:
    return "slower" if trial < 2 else "faster" if trial == 2 else "no alarm"


def sees(trial: int, planted: int) -> str:
    return "slower" if planted else "inconclusive" if trial == 0 else "no alarm"


def test_alarms_are_counted_on_each_side_of_the_truth(tmp_path: Path) -> None:
    rows = [
        {"trial": t, "beside": "nothing", "tool": tool, "benchmark": f"planted_{p}", "planted": p}
        | {"said": said(t, p), "seconds": 50.0}
        for tool, said in {"a gate": cries_wolf, OURS: sees}.items()
        for t in range(10)
        for p in (0, 3)
    ]
    table = pd.DataFrame(rows).assign(**measured_with(6.0))
    ours, other = counts(table)
    assert (ours["tool"], other["tool"]) == (OURS, "a gate")
    assert ours["wolf"].startswith("0 (0 %")
    assert ours["seen"].startswith("10 (100 %")
    assert ours["open"].startswith("1 (5 %")
    assert other["wolf"].startswith("3 (30 %")
    assert other["seen"].startswith("2 (20 %")
    assert "10 of 20 planned trials so far" in tools_page(table)
    assert "| regress | 10 | 0 (0 %, 0 to " in tools_page(table)
    assert all(path.suffix in (".csv", ".md") for path in write_tools(tmp_path, table))
