"""Run folders: their names, their lock, and how a user's word finds one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.store.folders import (
    RunFolder,
    create_folder,
    current_commit,
    find_run,
    locked,
    run_folders,
)


def planted_run(results: Path, study: str, name: str) -> RunFolder:
    folder = create_folder(results, study, name)
    (folder.path / "protocol.json").write_text("{}")
    return folder


def test_a_second_run_of_one_name_gets_a_number(tmp_path: Path) -> None:
    folders = [create_folder(tmp_path, "study", "2026-01-01_cpu_abc") for _ in range(3)]
    assert [folder.path.relative_to(tmp_path).as_posix() for folder in folders] == [
        "study/2026-01-01_cpu_abc",
        "study/2026-01-01_cpu_abc-2",
        "study/2026-01-01_cpu_abc-3",
    ]
    assert all(folder.path.is_dir() for folder in folders)


def test_a_file_in_place_of_the_results_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("not a folder")
    with pytest.raises(HarnessError, match="the results folder cannot be written"):
        create_folder(tmp_path / "results", "study", "run")
    assert (tmp_path / "results").read_text() == "not a folder"


def test_a_file_in_place_of_the_studys_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study").write_text("not a folder")
    with pytest.raises(HarnessError, match="is not a folder"):
        create_folder(tmp_path, "study", "run")


def test_a_name_is_not_counted_up_for_ever(tmp_path: Path) -> None:
    for number in range(1, 1000):
        (tmp_path / "study" / ("run" if number == 1 else f"run-{number}")).mkdir(parents=True)
    with pytest.raises(HarnessError, match="too many runs of this name"):
        create_folder(tmp_path, "study", "run")


def test_a_folder_has_one_writer_at_a_time(tmp_path: Path) -> None:
    folder = create_folder(tmp_path, "study", "run")
    with locked(folder):
        with pytest.raises(HarnessError, match="another run is writing to this folder"):
            locked(folder).__enter__()
        with locked(create_folder(tmp_path, "study", "run")):
            pass
    with locked(folder):
        pass


def test_a_lock_ends_with_what_it_was_taken_for_even_where_that_fails(tmp_path: Path) -> None:
    folder = create_folder(tmp_path, "study", "run")
    with pytest.raises(ZeroDivisionError), locked(folder):
        _ = 1 / 0
    with locked(folder):
        pass


def test_a_run_is_found_by_its_path_and_by_its_name(tmp_path: Path) -> None:
    folder = planted_run(tmp_path / "results", "study", "run")
    for given in (str(folder.path), "run", "study/run", "elsewhere/study/run/"):
        assert find_run(given, tmp_path / "results").path.samefile(folder.path)


def test_a_name_that_several_studies_use_is_refused(tmp_path: Path) -> None:
    for study in ("one", "other"):
        planted_run(tmp_path, study, "run")
    with pytest.raises(HarnessError, match="Several studies have a run 'run'"):
        find_run("run", tmp_path)


def test_a_name_that_no_run_has_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "notes.txt").touch()
    for given in ("run", "notes.txt"):
        with pytest.raises(HarnessError, match="no run folder of this path or name"):
            find_run(given, tmp_path)


def test_the_runs_are_those_folders_that_have_a_protocol(tmp_path: Path) -> None:
    for study, name in (("b", "2026-01-02"), ("a", "2026-01-03"), ("b", "2026-01-01")):
        planted_run(tmp_path, study, name)
    create_folder(tmp_path, "a", "2026-01-01_without_protocol")
    found = [folder.path.relative_to(tmp_path).as_posix() for folder in run_folders(tmp_path)]
    assert found == ["a/2026-01-03", "b/2026-01-01", "b/2026-01-02"]
    assert run_folders(tmp_path / "nowhere") == []


def test_half_written_files_are_swept_and_whole_ones_stay(tmp_path: Path) -> None:
    folder = create_folder(tmp_path, "study", "run")
    part = folder.part("experiment", 7)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"whole")
    (part.parent / f".{part.name}.99.partial").write_bytes(b"ha")
    (folder.path / ".verdicts.csv.99.partial").write_bytes(b"ha")
    folder.drop_partials()
    assert [path for path in folder.path.rglob("*") if path.is_file()] == [part]


def test_a_folder_in_which_no_run_could_start_goes_away_with_its_studys_folder(
    tmp_path: Path,
) -> None:
    first = planted_run(tmp_path, "study", "run")
    second = planted_run(tmp_path, "study", "run")
    second.discard()
    assert first.path.is_dir()
    first.discard()
    assert list(tmp_path.iterdir()) == []


# -- the commit ------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout with one commit of `studies/study.py` and `notes.txt`."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("there is no git here")

    def run(*arguments: str) -> None:
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(
            [git, "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True
        )

    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "study.py").touch()
    (tmp_path / "notes.txt").touch()
    run("init")
    run("add", ".")
    run("commit", "--no-gpg-sign", "-m", "first")
    return tmp_path


def test_the_commit_is_named_where_the_code_is_as_committed(checkout: Path) -> None:
    (checkout / "notes.txt").write_text("notes are no code")
    commit = current_commit(checkout)
    head = (checkout / ".git" / (checkout / ".git/HEAD").read_text().split()[-1]).read_text()
    assert len(commit) == 8
    assert head.startswith(commit)


@pytest.mark.parametrize("changed", ["study.py", "new.py"])
def test_changed_or_new_code_makes_the_commit_dirty(checkout: Path, changed: str) -> None:
    (checkout / "studies" / changed).write_text("changed = True")
    assert current_commit(checkout).endswith("-dirty")


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path) -> None:
    assert current_commit(tmp_path) == "nogit"


def test_without_git_there_is_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout / "nothing"))
    assert current_commit(checkout) == "nogit"
