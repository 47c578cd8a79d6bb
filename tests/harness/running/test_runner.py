"""The runner: the order of blocks, what is on the disk when, and what survives."""

from __future__ import annotations

import errno
import math
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.design.experiment import Responses
from harness.design.factors import Arm, Block
from harness.errors import HarnessError
from harness.judging.judge import judge_run
from harness.protocol.protocol import Protocol
from harness.protocol.rules import Step
from harness.running.budget import Budget
from harness.running.measure import measure_step
from harness.running.prestart import Prestart
from harness.running.runner import steps_of
from harness.store.folders import RunFolder
from harness.store.observations import StoredRun, check_stored
from tests.harness.runs import (
    MODE,
    RecordingDevice,
    bench,
    draw,
    drawing,
    interrupting,
    named,
    protocol_of,
    snapshot,
    study_of,
    ticking,
)


def test_experiments_advance_side_by_side() -> None:
    """Blocks are ordered by the share of its experiment that is done when each begins."""
    protocol = protocol_of(study_of(a=drawing(2), b=drawing(4), c=drawing(1)))
    assert [named(step) for step in steps_of(protocol)] == [
        ("a", 0),
        ("b", 0),
        ("c", 0),
        ("b", 1),  # 1/4
        ("a", 1),  # 1/2
        ("b", 2),  # 1/2
        ("b", 3),  # 3/4
    ]


def test_what_needs_a_gpu_is_left_out_without_one_and_taken_with_one() -> None:
    study = study_of(a=drawing(1), b=drawing(1, needs="cuda"))
    without, with_one = (protocol_of(study, device=device) for device in ("cpu", "cuda"))
    assert [named(step) for step in steps_of(without)] == [("a", 0)]
    assert [named(step) for step in steps_of(with_one)] == [("a", 0), ("b", 0)]


def test_a_run_measures_its_steps_in_order_and_leaves_one_table_an_experiment(
    tmp_path: Path,
) -> None:
    measured: list[tuple[str, int]] = []

    def noting(name: str) -> Any:  # noqa: ANN401 - a measure function
        def prepare(block: Block) -> Block:
            measured.append((name, block.index))
            return block

        return prepare

    made = bench(
        tmp_path,
        study_of(
            a=drawing(2, prepare=noting("a")),
            b=drawing(3, prepare=noting("b")),
            c=drawing(9, needs="cuda"),
        ),
    )
    reporter = made.execute()
    steps = [named(step) for step in steps_of(made.protocol)]
    assert measured == steps == reporter.todo
    assert [(name, index) for name, index, _, _ in reporter.finished] == steps
    assert sorted(path.name for path in (tmp_path / "observations").iterdir()) == [
        "a.parquet",
        "b.parquet",
    ]
    table = made.table("b")
    assert table["block"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    planned = made.protocol.experiments["b"].plan("planted", 0)
    assert table.drop_duplicates(["block", "order"])["mode"].tolist() == [
        arm[MODE] for block in planned for arm in block.arms
    ]


def test_the_reporter_hears_how_long_a_block_took_and_how_many_rows_failed(tmp_path: Path) -> None:
    ticks = iter([0.0, 2.5, 10.0, 14.0])

    def measure(cell: Block, arm: Arm) -> Responses:
        if cell.index == 1 and arm[MODE] == "shifted":
            raise ValueError("planted")
        return draw(cell, arm)

    made = bench(tmp_path, study_of(a=drawing(2, measure=measure)))
    reporter = made.execute(clock=lambda: next(ticks))
    assert reporter.finished == [("a", 0, 2.5, 0), ("a", 1, 4.0, 1)]


def test_what_was_finished_before_ctrl_c_is_kept_and_not_measured_again(tmp_path: Path) -> None:
    made = bench(tmp_path / "stopped", study_of(a=interrupting(2), b=drawing(3)))
    with pytest.raises(KeyboardInterrupt):
        made.execute()
    stopped = snapshot(made.folder.path / "observations")
    assert sorted(name for name, content in stopped.items() if content) == [
        "a.parts/00000.parquet",
        "a.parts/00001.parquet",
        "b.parts/00000.parquet",
        "b.parts/00001.parquet",
    ]
    reporter = made.execute()
    assert reporter.todo == [("a", 2), ("b", 2), ("a", 3)]

    undisturbed = bench(tmp_path / "undisturbed", study_of(a=drawing(4), b=drawing(3)))
    undisturbed.execute()
    for name in ("a", "b"):
        pd.testing.assert_frame_equal(made.table(name), undisturbed.table(name), check_exact=True)


def test_a_finished_run_measures_nothing_more(tmp_path: Path) -> None:
    made = bench(tmp_path, study_of(a=drawing(2)))
    made.execute()
    before = snapshot(tmp_path)
    device = RecordingDevice()
    assert made.execute(device).todo == []
    assert device.calls == []
    assert snapshot(tmp_path) == before


def test_what_a_killed_run_had_begun_to_write_is_cleaned_away(tmp_path: Path) -> None:
    made = bench(tmp_path, study_of(a=drawing(2)))
    for place in ("observations/a.parts", "figures"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / ".00000.parquet.123.partial").write_bytes(b"PAR1")
    made.execute()
    assert not list(tmp_path.rglob("*.partial"))
    assert len(made.table("a")) == 8


def test_ctrl_c_in_the_middle_of_a_write_waits_until_the_block_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench(tmp_path, study_of(a=drawing(3)))
    flush = os.fsync
    written = []

    def interrupted(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) == 2:
            signal.raise_signal(signal.SIGINT)
        flush(descriptor)

    monkeypatch.setattr("harness.files.os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made.execute()
    assert made.part("a", 1).is_file()
    assert not made.part("a", 2).exists()
    assert not list(tmp_path.rglob("*.partial"))
    check_stored(made.folder, made.protocol)
    assert made.execute().todo == [("a", 2)]


def test_a_full_disk_stops_the_run_with_a_sentence_and_with_room_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench(tmp_path, study_of(a=drawing(4)))
    flush = os.fsync
    left = [2]

    def full(descriptor: int) -> None:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= 1
        flush(descriptor)

    monkeypatch.setattr("harness.files.os.fsync", full)
    with pytest.raises(HarnessError, match=r"00002.parquet: .*No space left on device"):
        made.execute()
    files = [path.name for path in sorted((tmp_path / "observations").rglob("*.*"))]
    assert files == ["a.parts", "00000.parquet", "00001.parquet"]

    left[0] = 99
    assert made.execute().todo == [("a", 2), ("a", 3)]
    undisturbed = bench(tmp_path / "undisturbed", study_of(a=drawing(4)))
    undisturbed.execute()
    pd.testing.assert_frame_equal(made.table("a"), undisturbed.table("a"), check_exact=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_really_full_loses_nothing_that_was_finished(
    small_disk: Path, tmp_path: Path
) -> None:
    made = bench(small_disk / "run", study_of(a=drawing(20)))
    filler = small_disk / "filler"
    room = shutil.disk_usage(small_disk).free - 10 * 4096
    filler.write_bytes(bytes(room))
    with pytest.raises(HarnessError, match="No space left on device"):
        made.execute()
    finished = sorted(path.name for path in made.folder.parts("a").iterdir())
    assert 0 < len(finished) < 20
    assert finished == [f"{index:05d}.parquet" for index in range(len(finished))]
    check_stored(made.folder, made.protocol)

    filler.unlink()
    assert len(made.execute().todo) == 20 - len(finished)
    undisturbed = bench(tmp_path / "undisturbed", study_of(a=drawing(20)))
    undisturbed.execute()
    pd.testing.assert_frame_equal(made.table("a"), undisturbed.table("a"), check_exact=True)


def test_nan_and_infinity_reach_the_table_and_are_never_judged_as_numbers(tmp_path: Path) -> None:
    def measure(cell: Block, arm: Arm) -> Responses:
        odd = {1: math.nan, 2: math.inf}.get(cell.index, 1.0)
        return {"draw": [1.0, odd if arm[MODE] == "shifted" else 1.0]}

    made = bench(tmp_path, study_of(a=drawing(9, measure=measure)))
    made.execute()
    values = made.table("a").query("mode == 'shifted' and round == 1")["value"]
    assert [str(value) for value in values] == ["1.0", "nan", "inf"] + ["1.0"] * 6
    judged = judge_run(StoredRun(made.folder, made.protocol))
    (claim,) = judged.claims
    plain, shifted = judged.of(claim)
    assert (plain.contrast, plain.verdict) == ("a draw (plain)", "reproduced")
    assert (shifted.contrast, shifted.verdict) == ("a draw (shifted)", "inconclusive")
    assert "2 of 9 values are inf, nan" in shifted.reason
    assert claim.verdict == "inconclusive"


def test_blocks_of_several_threads_and_timed_ones_are_measured_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared: list[tuple[str, int]] = []
    apart: list[tuple[str, int]] = []

    def pool(
        protocol: Protocol,
        folder: RunFolder,
        steps: Sequence[Step],
        size: int,
        clock: Callable[[], float],
        *,
        prestart: Prestart | None = None,
        when_idle: Callable[[], object] | None = None,
        budget: Budget | None = None,
    ) -> Generator[tuple[Step, float, int], None, None]:
        assert budget is not None
        assert (size, prestart is None, when_idle is None) in {(3, True, False), (1, False, True)}
        for step in steps:
            (shared if size == 3 else apart).append(named(step))
            measure_step(made.study, protocol, folder, step, RecordingDevice())
            yield step, 1.0, 0

    monkeypatch.setattr("harness.running.runner.measure_in_pool", pool)
    study = study_of(
        plain=drawing(2),
        fresh=drawing(2, fresh_process=True),
        threaded=drawing(2, threads=2),
        timed=ticking(2),
    )
    made = bench(tmp_path, study)
    device = RecordingDevice()
    reporter = made.execute(device, jobs=3)
    assert shared == [("fresh", 0), ("fresh", 1), ("plain", 0), ("plain", 1)]
    assert apart == [("timed", 0), ("timed", 1)]
    assert {threads for name, *rest in device.calls if name == "start" for threads in rest[1:]} == {
        2
    }
    assert sorted(step[:2] for step in reporter.finished) == sorted(reporter.todo)
    assert all(len(made.table(name)) > 0 for name in study.experiments)
