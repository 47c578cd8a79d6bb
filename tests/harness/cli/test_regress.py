"""A comparison from the command to its exit code, with real processes and planted bytes.

Bytes come out the same on any machine, so that no verdict here hangs on a time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import pandas as pd
import pytest

from harness.cli import app, regress
from harness.cli.regress import Wanted, _pinned, resume, start
from harness.errors import HarnessError
from harness.protocol.comparison import NAME, SECONDS, Asked, read_comparison
from harness.publishing.comparison_files import EQUAL
from harness.running.environments import Source
from harness.store.folders import RunFolder
from harness.store.turns import TABLE, finished_blocks, read_turns
from tests.harness.runs import children_hear_ctrl_c
from tests.harness.trios import stub_torch

pytestmark = pytest.mark.usefixtures("unwatched")

BENCHMARKS = """
import os, time, torch
HEAD = os.environ.get("SIDE") == "head"
def weighs(device, *, unit="B", margin=0.01):
    "Weighs more on head."
    return lambda: 200 if HEAD else 100
def weighs_the_same(device, *, unit="B", margin=0.01):
    "Weighs 4 KiB."
    return lambda: 4096
def tuned(device, *, unit="B", margin=0.01):
    "Weighs more where cuDNN is tuned."
    return lambda: 300 if torch.backends.cudnn.benchmark else 100
def breaks(device, *, unit="B"):
    "Works on base."
    if HEAD:
        raise RuntimeError("planted")
    return lambda: 1
def never(device, *, unit="B"):
    "Works nowhere."
    raise RuntimeError("planted")
def slow(device, *, unit="B"):
    "Takes its time."
    time.sleep(0.05)
    return lambda: 1
def card(device, *, needs="cuda"):
    "Needs what is not here."
"""


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    """This Python against itself, with stubs of torch; head knows that it is head."""
    file = tmp_path / "own.py"
    file.write_text(BENCHMARKS, encoding="utf-8")
    paths = [
        f"PYTHONPATH={stub_torch(tmp_path, version, benchmark=tuned).environment['PYTHONPATH']}"
        for version, tuned in (("1.0", False), ("2.0", True))
    ]
    return Wanted(
        "here", "here", paths[:1], [paths[1], "SIDE=head"], file=file, device="cpu", blocks=9
    )


def only(wanted: Wanted, *names: str) -> Wanted:
    return replace(wanted, only=names)


def folder_of(results: Path) -> RunFolder:
    (path,) = (results / "regress").iterdir()
    return RunFolder(path)


@pytest.mark.parametrize(
    ("names", "code", "line"),
    [
        (("weighs_the_same",), 0, "No regression in 1 benchmark"),
        (("weighs", "weighs_the_same"), 1, "Regression in 1 of 2 benchmarks: weighs hungrier"),
        (("breaks",), 1, "Regression in 1 of 1 benchmark: breaks broken"),
        (("never",), 4, "Nothing was measured"),
        (("never", "weighs_the_same"), 3, "Inconclusive: 1 of 2 benchmarks"),
    ],
)
def test_the_exit_code_and_the_first_line_of_the_summary_say_the_same(
    wanted: Wanted,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: tuple[str, ...],
    *,
    code: int,
    line: str,
) -> None:
    job = tmp_path / "job.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))
    assert start(only(wanted, *names), tmp_path / "results") == code
    first = job.read_text().splitlines()[0]
    assert first.replace("\\", "").startswith(f"**{line}")


def test_what_is_stored_of_a_file_of_benchmarks_names_no_home_and_is_found_again(
    wanted: Wanted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert start(only(wanted, "weighs_the_same"), tmp_path / "results") == 0
    folder = folder_of(tmp_path / "results")
    assert read_comparison(folder.path).file == "~/own.py"
    assert resume(folder.path.name, tmp_path / "results") == 0


def test_everything_about_a_comparison_is_in_its_folder(
    wanted: Wanted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start(only(wanted, "weighs", "breaks"), tmp_path / "results")
    folder = folder_of(tmp_path / "results")
    comparison = read_comparison(folder.path)
    assert comparison.blocks == 9
    table = read_turns(folder, comparison)
    assert set(table.columns) >= {"block", "round", "benchmark", "side", "response", "value"}
    proofs = json.loads((folder.path / "sides.json").read_text())
    assert [proofs[side]["torch"] for side in proofs] == ["1.0", "1.0", "2.0"]
    verdicts = pd.read_csv(folder.path / "verdicts.csv").set_index("benchmark")["verdict"]
    assert dict(verdicts) == {"weighs": "hungrier", "breaks": "broken"}
    page = (folder.path / "summary.md").read_text()
    assert "default cudnn\\_benchmark: False on base, True on head" in page
    assert "variable SIDE: not there on base, head on head" in page
    assert {path.name for path in folder.figures.iterdir()} == {"ratios.png", "ratios.svg"}
    shown = capsys.readouterr()
    assert "torch 2.0" in shown.err
    assert "hungrier" in shown.out


def test_what_got_hungrier_is_measured_once_more_with_each_default_set_equal(
    wanted: Wanted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = only(replace(wanted, head_environment=wanted.head_environment[:1]), "tuned")
    assert start(wanted, tmp_path / "results") == 1
    said = "With cudnn benchmark set equal (False), the ratio of tuned is 1.000, 1.000 to 1.000"
    assert said in " ".join(capsys.readouterr().out.split())
    assert said in (folder_of(tmp_path / "results").path / "summary.md").read_text()


def test_a_default_that_was_asked_for_is_named_as_the_reason(
    wanted: Wanted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = wanted.base_environment
    same_torch = replace(wanted, head_environment=stub, head_settings=["cudnn_benchmark=True"])
    assert start(only(same_torch, "tuned"), tmp_path / "results") == 1
    said = "With cudnn benchmark set equal (False), the ratio of tuned is 1.000, 1.000 to 1.000"
    assert said in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("cudnn_benchmark", "is given as NAME=VALUE"),
        ("no_such=1", "no default that can be set; there are dtype"),
        ("threads=4", "no default that can be set"),
        ("cudnn_benchmark=[1]", "a truth value, a number or a word"),
    ],
)
def test_a_default_that_cannot_be_set_is_refused_before_anything_is_written(
    wanted: Wanted, tmp_path: Path, given: str, message: str
) -> None:
    with pytest.raises(HarnessError, match=message):
        start(replace(wanted, head_settings=[given]), tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_nothing_selected_is_not_a_success(
    wanted: Wanted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.py"
    empty.write_text("x = 1\n")
    for none in (only(wanted, "card"), replace(wanted, file=empty)):
        assert start(none, tmp_path / "results") == 4
    assert "card is left out: it needs CUDA" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"head": "no-such-thing=="}, "no requirement"),
        ({"head": "/no/python"}, "no interpreter"),
        ({"only": ("nothing",)}, "there is no benchmark 'nothing'"),
        ({"seed": -1}, "seed"),
        ({"threads": 0}, "threads"),
        ({"seconds": float("nan")}, "seconds"),
        ({"blocks": 0}, "blocks"),
        ({"margin": 2.0}, "margin"),
        ({"head_environment": ["NAME"]}, "NAME=VALUE"),
        ({"file": Path("/no/file.py")}, "cannot be read"),
        ({"suite": (Path(),)}, "not both"),
        ({"file": None, "suite": (Path("/no/tests"),)}, "no tests there"),
        ({"device": "tpu"}, "no device 'tpu'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    wanted: Wanted, tmp_path: Path, changes: dict[str, object], match: str
) -> None:
    with pytest.raises(HarnessError, match=match):
        start(replace(wanted, **changes), tmp_path / "results")  # type: ignore[arg-type]
    assert not (tmp_path / "results").exists()


def command(wanted: Wanted, results: Path, names: Sequence[str]) -> list[str]:
    base, head = wanted.base_environment, wanted.head_environment
    return [
        *(sys.executable, "-m", "harness", "regress", "--base", "here", "--head", "here"),
        *(f"--base-env={each}" for each in base),
        *(f"--head-env={each}" for each in head),
        *(f"--benchmark={name}" for name in names),
        *("--benchmarks", str(wanted.file), "--device", "cpu", "--results", str(results)),
        "--blocks=9",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_command_that_is_stopped_goes_on_where_it_was(
    wanted: Wanted, tmp_path: Path, how: signal.Signals
) -> None:
    results = tmp_path / "results"
    with children_hear_ctrl_c():
        process = subprocess.Popen(
            command(wanted, results, ["slow", "weighs_the_same"]),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    until = time.monotonic() + 100
    while not list(results.glob(f"regress/*/observations/{TABLE}.parts/*.parquet")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(how)
    said = process.communicate()[0]
    folder = folder_of(results)
    if how == signal.SIGINT:
        assert process.returncode == 128 + signal.SIGINT
        assert f"--resume {folder.path}" in said
    before = len(finished_blocks(folder, read_comparison(folder.path)))
    assert before
    assert resume(folder.path.name, results) == 0
    comparison = read_comparison(folder.path)
    assert read_turns(folder, comparison)["block"].nunique() == comparison.blocks


def test_what_has_changed_since_cannot_be_gone_on_with(wanted: Wanted, tmp_path: Path) -> None:
    results = tmp_path / "results"
    start(only(wanted, "weighs_the_same"), results)
    folder = folder_of(results)
    assert wanted.file is not None
    wanted.file.write_text(BENCHMARKS + "\n")
    with pytest.raises(HarnessError, match="has changed since the comparison began"):
        resume(str(folder.path), results)
    text = (folder.path / NAME).read_text()
    (folder.path / NAME).write_text(text.replace('"seed": 0', '"seed": 1'))
    with pytest.raises(HarnessError, match="edited after the first row"):
        resume(str(folder.path), results)
    (folder.path / NAME).write_text(text[: len(text) // 2])
    with pytest.raises(HarnessError, match="no whole comparison"):
        resume(str(folder.path), results)
    with pytest.raises(HarnessError, match="there is no comparison"):
        resume("missing", results)


def test_the_tests_of_a_suite_are_compared_as_benchmarks_are(
    wanted: Wanted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "test_own.py").write_text(
        "import os\n"
        "def test_breaks(benchmark):\n"
        "    assert os.environ.get('SIDE') != 'head'\n"
        "    benchmark(sum, [1, 2])\n"
        "def test_plain():\n    pass\n"
    )
    monkeypatch.chdir(tmp_path)
    suite = replace(wanted, file=None, suite=(Path("suite"),), seconds=0.1)
    assert start(suite, tmp_path / "results") == 1
    table = pd.read_csv(folder_of(tmp_path / "results").path / "verdicts.csv")
    assert table["benchmark"].tolist() == ["suite/test_own.py::test_breaks"]
    assert table["verdict"].tolist() == ["broken"]
    with pytest.raises(HarnessError, match="there is no benchmark 'missing'; there are suite/"):
        start(replace(suite, only=("*breaks", "missing")), tmp_path / "results")
    folder = folder_of(tmp_path / "results")
    (tmp_path / "suite" / "conftest.py").write_text("# what tests stand on has changed\n")
    with pytest.raises(HarnessError, match="suite has changed since the comparison began"):
        resume(str(folder.path), tmp_path / "results")


def test_tests_that_are_skipped_are_left_out(
    wanted: Wanted,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "test_own.py").write_text(
        "import pytest\n"
        "@pytest.mark.skipif(True, reason='no card')\n"
        "def test_on_a_card(benchmark):\n    benchmark(sum, [1])\n"
    )
    monkeypatch.chdir(tmp_path)
    suite = replace(wanted, file=None, suite=(Path("test_own.py"),))
    assert start(suite, tmp_path / "results") == 4
    said = " ".join(capsys.readouterr().err.split())
    assert "test_own.py::test_on_a_card is left out: it is skipped (no card)." in said


def test_each_side_of_a_suite_runs_what_is_installed_there_and_not_the_working_tree(
    wanted: Wanted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, text in (("tree", "tree"), ("on_base", "installed"), ("on_head", "installed too")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "planted_package.py").write_text(f"where = {text!r}\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = tree\n")
    (tmp_path / "conftest.py").write_text("import planted_package\n")
    (tmp_path / "test_own.py").write_text(
        "import planted_package\n"
        "def test_installed(benchmark):\n"
        "    assert planted_package.where.startswith('installed')\n"
        "    benchmark(sum, [1])\n"
    )
    monkeypatch.chdir(tmp_path)
    base, head = (
        [f"{environment[0]}:{tmp_path / place}"]
        for environment, place in (
            (wanted.base_environment, "on_base"),
            (wanted.head_environment, "on_head"),
        )
    )
    suite = Wanted(
        "here",
        "here",
        base,
        head,
        suite=(Path("test_own.py"),),
        device="cpu",
        blocks=1,
        seconds=0.1,
    )
    assert start(suite, tmp_path / "results") == 3  # one block decides nothing
    (reason,) = pd.read_csv(folder_of(tmp_path / "results").path / "verdicts.csv")["reason"]
    assert "failed" not in reason


def test_a_worker_that_is_killed_in_its_turn_costs_one_block(
    wanted: Wanted, tmp_path: Path
) -> None:
    once = tmp_path / "once"
    assert wanted.file is not None
    wanted.file.write_text(
        "import os, signal\n"
        "def dies_once(device, *, unit='B'):\n"
        f"    once = {str(once)!r}\n"
        "    def work():\n"
        "        if os.environ.get('SIDE') == 'head' and not os.path.exists(once):\n"
        "            open(once, 'w').close()\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return 1\n"
        "    return work\n"
    )
    assert start(wanted, tmp_path / "results") == 3
    (reason,) = pd.read_csv(folder_of(tmp_path / "results").path / "verdicts.csv")["reason"]
    assert reason == "head failed in 1 block: the process was killed by SIGKILL."


@pytest.mark.parametrize("error", [KeyboardInterrupt(), HarnessError("planted")])
def test_what_was_found_is_told_even_if_the_question_why_gets_no_answer(
    wanted: Wanted,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
) -> None:
    job = tmp_path / "job.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))

    def stopped(*_: object) -> None:
        raise error

    monkeypatch.setattr(regress._Explain, "one", stopped)
    wanted = only(replace(wanted, head_environment=wanted.head_environment[:1]), "tuned")
    if isinstance(error, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            start(wanted, tmp_path / "results")
    else:
        assert start(wanted, tmp_path / "results") == 1
        assert "Not tried with cudnn_benchmark set equal: planted" in capsys.readouterr().err
    line = "Regression in 1 of 1 benchmark: tuned hungrier"
    assert line in job.read_text().splitlines()[0]
    assert line in (folder_of(tmp_path / "results").path / "summary.md").read_text()


def test_a_comparison_that_was_stopped_before_it_was_planned_again_is_planned_then(
    wanted: Wanted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = only(replace(wanted, head_environment=wanted.head_environment[:1]), "tuned")
    assert start(replace(wanted, why=False), tmp_path / "results") == 1
    folder = folder_of(tmp_path / "results")
    (folder.path / EQUAL / "default-cudnn_benchmark").mkdir(parents=True)
    assert resume(str(folder.path), tmp_path / "results", why=False) == 1
    assert "set equal" not in capsys.readouterr().out
    assert resume(str(folder.path), tmp_path / "results") == 1
    assert "With cudnn benchmark set equal (False)" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--base", "here"], 2), (["--base", "torch==", "--head", "here"], 2)],
)
def test_the_command_ends_with_2_for_bad_input(
    arguments: list[str], code: int, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness", "regress", *arguments, "--results", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == code
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_fault_of_the_harness_is_no_regression(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(app, "app", broken)
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == os.EX_SOFTWARE
    said = capsys.readouterr().err
    assert "RuntimeError: planted" in said
    assert "this is a fault of the harness" in said


def test_a_commit_is_written_down_in_full() -> None:
    source = Source("commit", "commit:HEAD", revision="a" * 40)
    assert _pinned(Asked("commit:HEAD"), source) == Asked(f"commit:{'a' * 40}")
    assert _pinned(Asked("torch==1"), Source("requirements", "torch==1")) == Asked("torch==1")


def test_the_help_names_the_default_time_of_a_benchmark() -> None:
    (option,) = get_type_hints(app.regress, include_extras=True)["seconds"].__metadata__
    assert option.help.endswith(f"by default {SECONDS:g}.")
