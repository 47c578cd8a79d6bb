"""A run as its user sees it: what is checked, what is written, and what is said."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from harness.protocol.protocol import read_machine, read_protocol
from harness.store.folders import locked
from tests.harness.runs import House, snapshot


def test_a_run_ends_with_verdicts_tables_figures_and_their_paths(house: House) -> None:
    ended = house("run", "planted", "--profile", "quick", "--seed", "5")
    assert ended.code == 0, ended.err
    run = house.only_run()
    assert sorted(path for path in snapshot(run.path) if Path(path).suffix) == [
        "README.md",
        "claims.csv",
        "figures/level-levels-by-block.png",
        "figures/level-levels-by-block.svg",
        "machine.json",
        "observations/level.parquet",
        "observations/slow.parquet",
        "protocol.json",
        "summary.csv",
        "verdicts.csv",
    ]
    protocol = read_protocol(run.path)
    assert (protocol.study, protocol.profile, protocol.device) == ("planted", "quick", "cpu")
    assert protocol.seed == 5
    assert read_machine(run.path, protocol)["torch"]["version"] == "0.0.stub"
    verdicts = pd.read_csv(run.path / "claims.csv").set_index("claim")["verdict"]
    assert verdicts.to_dict() == {
        "P-up-1": "reproduced",
        "P-down-1": "refuted",
        "P-both-1": "mixed",
        "P-open-1": "inconclusive",
        "P-draw-1": "reproduced",
        "P-field-1": "not measurable",
    }
    place = str(run.path.relative_to(house.top))
    paths = (f"Run     {place}", f"Page    {place}/README.md", f"Figures {place}/figures")
    for said in (*verdicts.index, *verdicts.unique(), *paths):
        assert said in ended.out
    assert "Controls: all 1 condition came out as they must." in ended.out
    page = (run.path / "README.md").read_text()
    assert "### P-up-1" in page
    assert "](figures/level-levels-by-block.png)" in page
    assert "Run folder: results/planted/" in ended.err


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time of a planted run."""
    monkeypatch.setattr("harness.cli.session.draw_run", lambda *_: [])


@pytest.mark.usefixtures("no_figures")
def test_a_ledger_that_cannot_be_read_costs_no_run(house: House) -> None:
    house.results.mkdir()
    (house.results / "claims.csv").write_text("claim,verdict\nP-up-1,refuted\n")
    ended = house("run", "planted", "--profile", "quick")
    assert ended.code == 0, ended.err
    assert "Not compared with the published run: " in ended.err
    assert "P-up-1" in ended.out
    assert "Page    results/planted/" in ended.out


@pytest.mark.usefixtures("no_figures")
def test_another_seed_gives_other_rows(house: House) -> None:
    assert house("run", "planted", "--profile", "quick", "--seed", "5").code == 0
    found, stored = (
        pd.read_parquet(next(results.glob("planted/*/observations/level.parquet")))
        for results in (house.results, house.stored)
    )
    assert set(found["seed"]).isdisjoint(stored["seed"])
    assert set(found["value"]).isdisjoint(stored["value"])


def test_the_protocol_is_on_the_disk_before_anything_is_measured(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def look(*_: object, **__: object) -> None:
        seen.extend(snapshot(house.only_run().path))
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.cli.open_run.execute", look)
    assert house("run", "planted").code == 130
    assert seen == ["machine.json", "protocol.json"]


@pytest.mark.usefixtures("no_figures")
def test_a_quick_run_says_so_in_its_name_and_runs_never_share_a_folder(house: House) -> None:
    standard = house.finished().path.name
    for _ in range(2):
        assert house("run", "planted", "--profile", "quick").code == 0
    names = sorted(path.name for path in house.results.glob("planted/*"))
    today = standard.partition("_")[2]
    assert names[0] == standard
    assert [name.partition("_")[2] for name in names] == [
        today,
        f"{today}_quick",
        f"{today}_quick-2",
    ]
    for name in names[1:]:
        protocol = read_protocol(house.results / "planted" / name)
        assert protocol.profile == "quick"


def test_a_finished_run_that_is_resumed_stays_as_it_is_but_for_what_was_half_written(
    house: House,
) -> None:
    run = house.finished()
    before = snapshot(house.results)
    for name in (".verdicts.csv.77.partial", "observations/.level.parquet.77.partial"):
        (run.path / name).write_bytes(b"ha")
    ended = house("run", "planted", "--resume", str(run.path))
    assert ended.code == 0, ended.err
    assert house.measured() == []
    assert "nothing left to measure" in ended.err
    assert snapshot(house.results) == before


def refused(house: House, *arguments: str) -> str:
    """The one sentence of a refusal that leaves every file as it was."""
    before = snapshot(house.top)
    ended = house(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert snapshot(house.top) == before
    return ended.err


def test_a_run_of_another_study_is_not_resumed(house: House) -> None:
    run = house.finished()
    sentence = refused(house, "run", "fresh", "--resume", str(run.path))
    assert "is a run of 'planted', not of 'fresh'" in sentence


def test_a_run_of_another_version_of_the_study_is_not_resumed(house: House) -> None:
    run = house.finished()
    with (house.top / "studies" / "planted" / "slow.py").open("a") as source:
        source.write("# another version\n")
    sentence = refused(house, "run", "planted", "--resume", str(run.path))
    assert "was started with another version of the study or the harness" in sentence


@pytest.mark.parametrize("part", ["cpu", "packages", "torch"])
def test_a_run_of_another_machine_or_other_packages_is_not_resumed(
    part: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.meters.machine import describe_machine

    run = house.finished()
    monkeypatch.setattr(
        "harness.cli.open_run.describe_machine",
        lambda device: describe_machine(device) | {part: "new"},
    )
    sentence = refused(house, "run", "planted", "--resume", str(run.path))
    assert "was started on another machine or with other versions" in sentence
    assert f"({part} of machine.json differ)" in sentence


@pytest.mark.usefixtures("no_figures")
def test_a_kernel_that_takes_a_little_more_memory_is_no_other_machine(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = house.finished()
    monkeypatch.setattr("harness.meters.machine._memory_gib", lambda: 0.1)
    assert house("run", "planted", "--resume", str(run.path)).code == 0


def test_two_runs_do_not_write_to_one_folder(house: House) -> None:
    run = house.finished()
    with locked(run):
        sentence = refused(house, "run", "planted", "--resume", str(run.path))
    assert "another run is writing to this folder" in sentence


def test_a_broken_block_is_refused_before_anything_is_measured(house: House) -> None:
    run = house.finished()
    run.table("slow").unlink()
    run.part("slow", 4).parent.mkdir()
    run.part("slow", 4).write_bytes(b"PAR1 and no more")
    sentence = refused(house, "run", "planted", "--resume", str(run.path))
    assert "00004.parquet: this is not a whole parquet file" in sentence
    assert house.measured() == []


def test_a_disk_that_is_full_from_the_start_leaves_no_run_behind(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    house.results.mkdir()
    monkeypatch.setattr("harness.files.os.fsync", full)
    assert "No space left on device" in refused(house, "run", "planted")


@pytest.mark.usefixtures("no_figures")
def test_a_disk_that_fills_up_stops_the_run_and_with_room_it_is_resumed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = os.fsync
    left = [9]

    def full(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(descriptor)

    monkeypatch.setattr("harness.files.os.fsync", full)
    stopped = house("run", "planted")
    assert stopped.code == 2
    assert "every finished block is kept" in stopped.err
    assert "No space left on device" in stopped.err
    assert "Traceback" not in stopped.err
    measured = house.measured()

    left[0] = 999
    run = house.only_run()
    assert not list(run.path.rglob("*.partial"))
    assert f"harness run planted --resume {run.path.relative_to(house.top)}\n" in stopped.err
    finished = [int(path.stem) for path in run.parts("slow").iterdir()]
    assert house("run", "planted", "--resume", str(run.path)).code == 0
    assert sorted(finished + house.measured()[len(measured) :]) == list(range(9))
    undisturbed = next(house.stored.glob("*/*")) / "observations"
    for name in ("level", "slow"):
        pd.testing.assert_frame_equal(
            pd.read_parquet(run.table(name)),
            pd.read_parquet(undisturbed / f"{name}.parquet"),
            check_exact=True,
        )


def test_a_disk_that_fills_up_while_judging_loses_no_rows(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = house.finished()
    before = snapshot(run.path)
    for name in ("claims.csv", "verdicts.csv", "summary.csv"):
        (run.path / name).unlink()
    shutil.rmtree(run.figures)
    with monkeypatch.context() as full:
        full.setattr("harness.files.os.fsync", _no_space)
        ended = house("judge", str(run.path))
        assert ended.code == 2
        assert "claims.csv: cannot be written (No space left on device)" in ended.err
        ended = house("draw", str(run.path))
        assert ended.code == 2
        assert ".svg: cannot be written (No space left on device)" in ended.err
    assert house("run", "planted", "--resume", str(run.path)).code == 0
    assert snapshot(run.path) == before


def _no_space(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
