"""A lease: what is measured first, what is left in the archive, and how a machine takes it in."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from harness.cli.gpu import Lease
from tests.harness.runs import House, snapshot

GPU = ("gpu", "--device", "cpu", "--profile", "standard", "--no-tests")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_lease_leaves_an_archive_that_another_machine_takes_in(house: House) -> None:
    ended = house(*GPU, "--budget", "4m", "--study", "planted")
    assert ended.code == 0, ended.err
    assert "What the lease gave" in ended.out
    assert "2 of 2" in ended.out
    measured = house.only_run()
    with zipfile.ZipFile("lease.zip") as archive:
        names = {name.partition("/")[2].partition("/")[2] for name in archive.namelist()}
    assert names == {
        "protocol.json",
        "machine.json",
        "durations.json",
        "observations/level.parquet",
        "observations/slow.parquet",
    }
    taken = house("import", "lease.zip", "--results", "home")
    assert taken.code == 0, taken.err
    assert "2 new tables" in taken.out
    (run,) = Path("home").glob("*/*")
    assert (run / "figures" / "level-levels-by-block.png").is_file()
    assert (run / "verdicts.csv").read_bytes() == (measured.path / "verdicts.csv").read_bytes()
    assert house("ledger", "--results", "home").code == 0
    assert house("ledger", "--results", "home", "--check").code == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_machine_that_is_taken_away_has_left_the_studies_before(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: Lease) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Lease, "judge", gone)  # before anything is packed at the end
    house(*GPU, "--budget", "4m", "--study", "planted")
    with zipfile.ZipFile("lease.zip") as archive:
        tables = [name for name in archive.namelist() if name.endswith(".parquet")]
    assert len(tables) == 2


def test_without_cuda_a_lease_is_refused(house: House) -> None:
    ended = house("gpu", "--no-tests")
    assert ended.code == 2
    assert "CUDA was asked for" in ended.err
    assert not house.results.exists()


@pytest.mark.parametrize("odd", ["soon", "", "0"])
def test_a_budget_that_is_no_time_is_refused(odd: str, house: House) -> None:
    ended = house(*GPU, "--budget", odd)
    assert ended.code == 2
    assert "duration" in ended.err or "more than no time" in ended.err


def test_a_study_that_cannot_be_loaded_is_skipped_with_its_reason(house: House) -> None:
    (house.top / "studies" / "broken.py").write_text('"""Is it broken?"""\nimport nonesuch\n')
    ended = house(*GPU, "--budget", "2m", "--study", "broken")
    assert ended.code == 2
    assert "No study can be loaded here" in ended.err
    assert "nonesuch" in ended.err


def test_an_archive_that_is_refused_changes_nothing(house: House) -> None:
    before = snapshot(house.finished().path.parent)
    Path("lease.zip").write_bytes(b"no archive")
    ended = house("import", "lease.zip")
    assert ended.code == 2
    assert "not a whole archive" in ended.err
    assert snapshot(house.results / "planted") == before


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_forecast_names_every_experiment_that_would_run(device: str, house: House) -> None:
    ended = house("list", "--device", device)
    assert ended.code == 0, ended.err
    for name in ("level", "slow", "fresh"):
        assert name in ended.out
    assert "nobody has recorded the time" in ended.out


def test_the_forecast_knows_what_a_run_has_taken(house: House) -> None:
    folder = house.finished()
    (folder.path / "durations.json").write_text('{"level": 123.4, "slow": 45.6}')
    said = house("list", "--device", "cpu").out
    assert "123" in said
    assert "46" in said


def test_a_forecast_for_no_device_is_refused(house: House) -> None:
    ended = house("list", "--device", "tpu")
    assert ended.code == 2
    assert "no device 'tpu'" in ended.err
