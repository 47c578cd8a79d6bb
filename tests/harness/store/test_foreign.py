"""Files of other tools: what is taken from each format, and what is refused."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.cli.compare import show_comparison
from harness.errors import HarnessError
from harness.judging.unpaired import compare, ratio_of_medians
from harness.protocol.comparison import HEAD
from harness.publishing.pytest_benchmark_json import write_pytest_benchmark
from harness.store.foreign import Foreign, Times, read_foreign
from tests.harness.trios import comparison, noisy, planted


def pytest_benchmark(values: list[float], **changes: object) -> dict[str, Any]:
    stats = {"median": statistics.median(values), "data": values}
    return {
        "machine_info": {"node": "secret", "cpu": {"brand_raw": "Xeon"}},
        "benchmarks": [{"fullname": "t.py::test", "stats": stats}],
        "datetime": "2026-01-01T10:00:00",
        "version": "5.2.0",
        **changes,
    }


def pyperf(runs: list[list[float]], cpu: str = "Xeon") -> dict[str, Any]:
    return {
        "version": "1.0",
        "metadata": {"name": "t.py::test", "cpu_model_name": cpu, "unit": "second"},
        "benchmarks": [
            {
                "runs": [{"metadata": {"warmups": 1}, "warmups": [[1, 0.5]]}]
                + [{"metadata": {"date": "2026-01-02 10:00:00.0"}, "values": run} for run in runs]
            }
        ],
    }


def asv(**changes: object) -> dict[str, Any]:
    return {
        "version": 2,
        "date": 1767225600000,
        "params": {"cpu": "Xeon"},
        "result_columns": ["result", "params", "version", "samples"],
        "results": {
            "time_it": [[0.2, None, 0.4], [["1", "2", "3"]], "v", [[0.1, 0.2, 0.3], None, None]],
            "time_alone": [[0.5], [], "v"],
            "time_failed": [None, [], "v"],
        },
        **changes,
    }


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_rounds_of_pytest_benchmark(tmp_path: Path) -> None:
    found = read_foreign(write(tmp_path / "a.json", pytest_benchmark([1.0, 3.0, 2.0])))
    assert (found.tool, found.cpu, found.day) == ("pytest-benchmark", "Xeon", "2026-01-01")
    assert found.times == {"t.py::test": Times((1.0, 3.0, 2.0), "round", 2.0)}


def test_processes_of_pyperf_are_its_repetitions(tmp_path: Path) -> None:
    found = read_foreign(write(tmp_path / "a.json", pyperf([[1.0, 9.0, 2.0], [4.0, 6.0]])))
    assert (found.tool, found.cpu, found.day) == ("pyperf", "Xeon", "2026-01-02")
    assert found.times == {"t.py::test": Times((2.0, 5.0), "process", 3.5)}


def test_every_combination_of_asv_that_gave_a_number(tmp_path: Path) -> None:
    found = read_foreign(write(tmp_path / "a.json", asv()))
    assert (found.tool, found.day) == ("asv", "2026-01-01")
    assert found.times == {
        "time_it(1)": Times((0.1, 0.2, 0.3), "sample", 0.2),
        "time_it(3)": Times((), "sample", 0.4),
        "time_alone": Times((), "sample", 0.5),
    }


def test_what_asv_measures_in_bytes_or_units_of_its_own_is_no_time(tmp_path: Path) -> None:
    measured = {name: [[0], [], "v"] for name in ("track_loss", "suite.Peak.peakmem_fit")}
    measured["suite.Fit.time_fit"] = [[0.5], [], "v"]
    found = read_foreign(write(tmp_path / "a.json", asv(results=measured)))
    assert list(found.times) == ["suite.Fit.time_fit"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'"text"',
        json.dumps(pytest_benchmark([1.0], benchmarks=[])).encode(),
        json.dumps(pytest_benchmark([1.0], benchmarks=[{}])).encode(),
        json.dumps(pytest_benchmark([1.0], benchmarks=None)).encode(),
        json.dumps(pytest_benchmark([1.0], machine_info=None)).encode(),
        json.dumps(pytest_benchmark([-1.0])).encode(),
        json.dumps(pytest_benchmark([float("nan")])).encode(),
        json.dumps(asv(version=1)).encode(),
        json.dumps(asv(results={"time_x": 1})).encode(),
        json.dumps(asv(results={"time_x": [[1, 2], [["1"]], "v"]})).encode(),
        json.dumps(asv(results={"time_x": [[1], [["1"] * 100] * 9, "v"]})).encode(),
        json.dumps(asv(date=1e300)).encode(),
        json.dumps(pytest_benchmark([10**400])).encode(),
        json.dumps(pyperf([["fast"]])).encode(),  # type: ignore[list-item]
        json.dumps({"version": "1.0", "benchmarks": "x"}).encode(),
    ],
)
def test_what_is_broken_or_foreign_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(HarnessError) as refused:
        read_foreign(path)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


def test_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(HarnessError, match="too large"):
        read_foreign(path)


@pytest.mark.parametrize("make", [lambda: pytest_benchmark([1.0]), asv, lambda: pyperf([[1.0]])])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.floats(0, 0.999))
def test_a_truncated_file_is_refused(
    tmp_path: Path, make: Callable[[], dict[str, Any]], cut: float
) -> None:
    content = json.dumps(make()).encode()
    (tmp_path / "a.json").write_bytes(content[: int(cut * len(content))])
    with pytest.raises(HarnessError):
        read_foreign(tmp_path / "a.json")


def foreign(**changes: object) -> Foreign:
    fields = {
        "path": Path("a.json"),
        "tool": "pyperf",
        "cpu": "Xeon",
        "day": "2026-01-01",
        "times": {"t": Times(tuple(1 + i / 100 for i in range(20)), "process", 1.1)},
    }
    return Foreign(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({}, "the two were not measured in turns"),
        ({"cpu": "EPYC"}, "another processor (Xeon, then EPYC)"),
        ({"cpu": ""}, "the processor is not named"),
        ({"day": "2026-01-02"}, "another day (2026-01-01, then 2026-01-02)"),
        ({"tool": "asv"}, "pyperf and asv time in different ways"),
        ({"times": {"t": Times((), "process", 1.0)}}, "only aggregates were kept"),
        (
            {"times": {"t": Times((1.0, 1.0, 1.0), "process", 1.0)}},
            "3 repetitions are too few for an interval",
        ),
    ],
)
def test_why_no_verdict_can_be_read_from_two_files(
    changes: dict[str, object], because: str
) -> None:
    (found,) = compare(foreign(), foreign(**changes))
    assert because in found.because


def test_rounds_of_one_process_are_said_to_be_none() -> None:
    rounds = {"t": Times(tuple(1 + i / 100 for i in range(20)), "round", 1.1)}
    (found,) = compare(foreign(times=rounds), foreign(times=rounds))
    assert found.because[-1] == "rounds of one process are no repetitions of it"
    assert found.ratio.low < 1 < found.ratio.high


def test_the_interval_of_two_medians_is_that_of_the_worst_ends() -> None:
    first = Times(tuple(float(i) for i in range(1, 10)), "process", 5.0)
    found = ratio_of_medians(first, first)
    # Nine values at 99.5 %: each median's interval is the whole range, 1 to 9.
    assert [found.low, found.estimate, found.high] == pytest.approx([1 / 9, 1.0, 9.0])


def test_two_files_on_the_screen_get_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = write(tmp_path / "a.json", pytest_benchmark([1.0, 1.1, 1.2]))
    second = write(tmp_path / "b.json", pyperf([[2.0], [2.2], [2.4]]))
    show_comparison(first, second)
    said = " ".join(capsys.readouterr().out.split())
    assert "Not judgeable (1 benchmark), because: the two were not measured in turns;" in said
    assert "3 and 3" in said
    with pytest.raises(HarnessError, match="no benchmark in common"):
        show_comparison(first, write(tmp_path / "c.json", asv()))


def test_our_own_file_is_read_by_pytest_benchmark_and_by_us(tmp_path: Path) -> None:
    compared = comparison()
    table = planted(compared, {"spin": noisy(1.1, compared)})
    base, head = write_pytest_benchmark(tmp_path, compared, table)
    medians = table[table["side"] == HEAD].groupby("block")["value"].median()
    assert read_foreign(head).times["spin"].values == pytest.approx(tuple(medians))
    assert '"node": ""' in base.read_text()
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", str(base), str(head)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert "2 tests" in done.stdout
    assert "spin" in done.stdout
