"""The command line: what each command refuses, and in which words."""

from __future__ import annotations

import json
import os
import shlex
import signal
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
import pyarrow.parquet
import pytest

from harness.store.folders import RunFolder
from tests.harness.runs import House, Outcome, eventually, snapshot


def assert_refused(ended: Outcome, sentence: str) -> None:
    """One sentence on the error stream, exit code 2, nothing else."""
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1, ended.err
    assert sentence in ended.err


# -- what is asked for does not exist --------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("run nonesuch", "no study 'nonesuch'. The studies are: fresh, planted."),
        ("check plantde", "no study 'plantde'. Do you mean 'planted'? The studies are: fresh"),
        ("check nowhere.py", "There is no file 'nowhere.py'."),
        ("run nowhere/mine.py", "There is no file 'nowhere/mine.py'."),
        ("run documents", "no study 'documents'"),
        ("run planted --profile huge", "no profile 'huge'; choose one of quick, standard, full."),
        ("run planted --device tpu", "no device 'tpu'; choose one of auto, cpu, cuda."),
        ("run planted --device cuda", "CUDA was asked for, but torch 0.0.stub finds no CUDA"),
        ("run planted --seed -1", "The seed must be 0 or more, not -1."),
        ("run planted --jobs 0", "The number of jobs must be 1 or more, not 0."),
        ("run planted --resume nowhere --jobs -2", "The number of jobs must be 1 or more, not -2."),
        ("run planted --results a-file", "a-file: the results folder cannot be written"),
        ("run planted --results a-file/below", "a-file/below: the results folder cannot be"),
        ("run planted --resume nowhere", "nowhere: there is no run folder of this path or name"),
        ("run nonesuch --resume nowhere", "nowhere: there is no run folder of this path or name"),
        ("claims --study nonesuch", "no study 'nonesuch'; there are fresh, planted, unwritten."),
        ("claims --document Z", "no document 'Z'; there are A, B, C, D."),
        ("claims --verdict maybe", "no verdict 'maybe'; there are inconclusive, mixed"),
        ("show P-nope-1", "no claim 'P-nope-1'."),
        ("show X", "no claim 'X'."),
        ("judge nowhere", "nowhere: there is no run folder of this path or name in results."),
        ("judge studies", "studies: there is no run folder of this path or name in results."),
        ("draw nowhere", "nowhere: there is no run folder of this path or name in results."),
        ("draw a-file", "a-file: there is no run folder of this path or name in results."),
    ],
)
def test_what_does_not_exist_is_refused_in_a_sentence_and_nothing_is_written(
    command: str, sentence: str, house: House
) -> None:
    (house.top / "a-file").write_text("not a folder")
    before = snapshot(house.top)
    assert_refused(house(*command.split()), sentence)
    assert snapshot(house.top) == before


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc here")
def test_results_that_no_one_can_write_to_are_refused(house: House) -> None:
    """Not even root can make a folder there."""
    ended = house("run", "planted", "--results", "/proc/results")
    assert_refused(ended, "/proc/results: the results folder cannot be written")


@pytest.mark.parametrize("arguments", [["--seed", "much"], ["--nonesuch"], []])
def test_arguments_that_make_no_command_are_refused(arguments: list[str], house: House) -> None:
    ended = house(*(["run", *arguments] if not arguments else ["run", "planted", *arguments]))
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert not house.results.exists()


def test_a_refusal_in_a_process_of_its_own_has_the_same_code_and_no_traceback(
    house: House,
) -> None:
    ended = house.ended("-m", "harness", "claims", "--study", "nonesuch")
    assert_refused(ended, "no study 'nonesuch'")


def test_help_names_every_command(house: House) -> None:
    ended = house("--help")
    assert ended.code == 0
    commands = "list claims show check run judge draw ledger cite verify slides arithmetic doctor"
    for command in commands.split():
        assert f" {command} " in ended.out


def test_a_terminal_s_escapes_in_a_text_of_a_file_reach_no_terminal(house: House) -> None:
    broken = house.top / "studies" / "broken.py"
    broken.write_text(
        '"""\x1b[31mIs it red?"""\n\nCOST = "\x1b[2J1 s"\nraise ValueError("\x1b[31mred")\n'
    )
    for command in ("list", "check broken", "run broken"):
        ended = house(*command.split())
        assert "\x1b" not in ended.out + ended.err, command
        assert r"\x1b[31m" in ended.out + ended.err, command


# -- run folders that are not as a run left them ---------------------------------------------------


def truncate_table(run: RunFolder) -> None:
    path = run.table("level")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty_table(run: RunFolder) -> None:
    run.table("level").write_bytes(b"")


def edit_table(run: RunFolder) -> None:
    path = run.table("level")
    stored = pyarrow.parquet.read_table(path)
    values = [value + 1e-9 for value in stored["value"].to_pylist()]
    place = stored.column_names.index("value")
    edited = stored.set_column(place, "value", pyarrow.array(values))
    pyarrow.parquet.write_table(edited, path)


def drop_a_row(run: RunFolder) -> None:
    path = run.table("level")
    stored = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(stored.slice(1), path)


def put_a_foreign_table(run: RunFolder) -> None:
    pd.DataFrame({"value": [1.0]}).to_parquet(run.table("level"))


def swap_tables(run: RunFolder) -> None:
    run.table("level").write_bytes(run.table("slow").read_bytes())


def pickle_table(run: RunFolder) -> None:
    pd.DataFrame({"value": [1.0]}).to_pickle(run.table("level"))


def truncate_protocol(run: RunFolder) -> None:
    path = run.path / "protocol.json"
    path.write_bytes(path.read_bytes()[:-20])


def edit_protocol(run: RunFolder) -> None:
    path = run.path / "protocol.json"
    path.write_text(path.read_text().replace('"low": 0.5', '"low": 0.4'))


def put_a_foreign_protocol(run: RunFolder) -> None:
    (run.path / "protocol.json").write_text("[1, 2, 3]")


def put_a_newer_protocol(run: RunFolder) -> None:
    (run.path / "protocol.json").write_text(json.dumps({"format": 99, "news": True}))


def put_bytes_for_a_protocol(run: RunFolder) -> None:
    (run.path / "protocol.json").write_bytes(b"\xff\xfe\x00nothing")


BREAKAGES: list[tuple[Callable[[RunFolder], None], str]] = [
    (truncate_table, "level.parquet: this is not a whole parquet file"),
    (empty_table, "level.parquet: this is not a whole parquet file"),
    (edit_table, "level.parquet: the rows were edited after the run (checksum differs)"),
    (drop_a_row, "level.parquet: the rows were edited after the run (checksum differs)"),
    (put_a_foreign_table, "level.parquet: the file belongs elsewhere: its run_sha256 is 'missing'"),
    (swap_tables, "level.parquet: the file belongs elsewhere: its experiment is 'slow'"),
    (pickle_table, "level.parquet: this is not a whole parquet file"),
    (truncate_protocol, "protocol.json: this is not whole JSON"),
    (edit_protocol, "protocol.json: the protocol was edited after the run (checksum differs)"),
    (put_a_foreign_protocol, "protocol.json: expected a JSON object"),
    (put_a_newer_protocol, "protocol.json: format 99 is none of (1, 2)"),
    (put_bytes_for_a_protocol, "protocol.json: this is not whole JSON"),
]


@pytest.mark.parametrize("command", ["judge {}", "draw {}", "run planted --resume {}"])
@pytest.mark.parametrize(("breakage", "sentence"), BREAKAGES)
def test_a_broken_run_is_refused_in_a_sentence_and_left_as_it_is(
    command: str, breakage: Callable[[RunFolder], None], sentence: str, house: House
) -> None:
    run = house.finished()
    breakage(run)
    before = snapshot(house.top)
    assert_refused(house(*command.format(run.path.name).split()), sentence)
    assert snapshot(house.top) == before


def test_an_unfinished_run_is_refused_with_the_command_that_finishes_it(house: House) -> None:
    run = house.finished()
    complete = snapshot(run.path)
    run.table("level").unlink()
    before = snapshot(house.top)
    drawn, judged = (house(command, str(run.path)) for command in ("draw", "judge"))
    for ended in (drawn, judged):
        assert_refused(ended, "level.parquet: there is no such table; the run is not finished.")
    assert snapshot(house.top) == before
    finishing = judged.err.partition("python -m harness ")[2]
    assert house(*shlex.split(finishing)).code == 0
    assert snapshot(run.path) == complete


@pytest.mark.parametrize("content", ["{}", "{", '{"device": "tpu"}'])
def test_an_edited_description_of_the_machine_is_refused(content: str, house: House) -> None:
    run = house.finished()
    (run.path / "machine.json").write_text(content)
    before = snapshot(house.top)
    assert_refused(house("run", "planted", "--resume", str(run.path)), "machine.json: ")
    assert snapshot(house.top) == before


def test_a_folder_without_a_protocol_is_no_run(house: House) -> None:
    (house.results / "planted" / "notes").mkdir(parents=True)
    assert_refused(house("judge", "notes"), "is not a run folder: it has no protocol.json")


# -- without torch ---------------------------------------------------------------------------------


NO_HEAVY_LIBRARIES = """
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "sklearn"}:
            raise ImportError(f"{name} must not be imported")

sys.meta_path.insert(0, Refusing())
from harness.cli.app import main

for command in sys.argv[1:]:
    sys.argv = ["harness", *command.split()]
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code
    print("ended", command, "with", code)
"""


@pytest.mark.slow
def test_everything_but_running_works_without_torch_and_in_spite_of_a_matplotlibrc(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own, where an import of torch fails and matplotlib is set up oddly."""
    run = house.finished()
    assert house("ledger").code == 0
    before = snapshot(house.results)
    for derived in (*run.path.glob("*.csv"), *run.figures.iterdir()):
        derived.unlink()
    rc = house.top / "matplotlibrc"
    rc.write_text(
        "font.size: 5\nsavefig.dpi: 33\nfigure.figsize: 3, 3\nsavefig.bbox: tight\n"
        "svg.fonttype: none\nbackend: tkagg\naxes.facecolor: red\n"
    )
    monkeypatch.setenv("MATPLOTLIBRC", str(rc))
    commands = [
        "list",
        "claims --study planted --verdict mixed",
        f"judge {run.path.name}",
        "show P-up-1",
        f"draw {run.path.name}",
        "ledger",
        "ledger --check",
        "cite P-up-1 planted --format csl",
        "slides planted --into deck.pptx",
        "slides planted --format marp --into deck.md",
        "verify deck.pptx",
    ]
    ended = house.ended("-c", NO_HEAVY_LIBRARIES, *commands)
    assert ended.err == ""
    for command in commands:
        assert f"ended {command} with 0" in ended.out
    assert snapshot(house.results) == before


# -- stopping --------------------------------------------------------------------------------------


def test_ctrl_c_outside_a_run_has_the_same_code(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.cli.app.app", interrupted)
    ended = house("list")
    assert (ended.code, ended.out, ended.err) == (130, "", "stopped\n")


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on_and_going_on_completes_the_run(house: House) -> None:
    (house.top / "hold").touch()
    with house.process("-m", "harness", "run", "planted") as process:
        eventually(lambda: 3 in house.measured(), process)
        run = house.only_run()
        second = house("run", "planted", "--resume", str(run.path))
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert_refused(second, "another run is writing to this folder")
    assert "Traceback" not in said
    assert "Stopped; every finished block is kept. Go on with:" in said
    assert not list(run.path.rglob("*.partial"))
    finished = [int(path.stem) for path in run.parts("slow").iterdir()]
    assert 3 not in finished
    measured = house.measured()

    (house.top / "hold").unlink()
    (command,) = [line for line in said.splitlines() if line.startswith("  python -m harness ")]
    ended = house(*shlex.split(command)[3:])
    assert ended.code == 0, ended.err
    assert sorted(finished + house.measured()[len(measured) :]) == list(range(9))
    assert (run.path / "verdicts.csv").is_file()


@pytest.mark.slow
def test_ctrl_c_in_the_terminal_ends_the_blocks_own_process_too_without_a_traceback(
    house: House,
) -> None:
    """A terminal sends the signal to the whole process group."""
    (house.top / "hold").touch()
    started = house.top / "started-0"
    with house.process("-m", "harness", "run", "fresh") as process:
        eventually(lambda: started.exists() and started.read_text() != "", process)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert "Go on with:" in said
    eventually(lambda: not psutil.pid_exists(int(started.read_text())))
    assert not house.only_run().parts("fresh").exists()
