"""The interpreters of two sides: what a user means, telling names, and installing."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.running import environments
from harness.running.environments import (
    STAMP,
    Source,
    interpreter_of,
    key_of,
    read_source,
    uncommitted,
)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A git repository that holds a package in two versions; the second is HEAD."""
    folder = tmp_path / "package"
    (folder / "mine").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "mine"\nversion = "1.0"\n'
    )
    git(folder, "init", "-q")
    for number in (1, 2):
        (folder / "mine" / "__init__.py").write_text(f"number = {number}\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", str(number))
    return folder


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def wheel(folder: Path, version: str = "1.0", needs: str = "") -> Path:
    """A wheel of one module, written by hand: nothing is downloaded to install it."""
    path = folder / f"planted-{version}-py3-none-any.whl"
    info = f"planted-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("planted.py", f"version = {version!r}\n")
        wanted = f"Requires-Dist: {needs}\n" if needs else ""
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: planted\nVersion: {version}\n{wanted}",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        ("torch==2.13.0", ("torch==2.13.0",)),
        ("torch==2.13.0 numpy==2.1", ("torch==2.13.0", "numpy==2.1")),
        ("torch==2.13.0, numpy==2.1", ("torch==2.13.0", "numpy==2.1")),
        ("torch >=2.12,<2.14", ("torch<2.14,>=2.12",)),
        ("torch", ("torch",)),
    ],
)
def test_requirements_are_read_as_pip_does(text: str, requirements: tuple[str, ...]) -> None:
    source = read_source(text, Path())
    assert source.kind == "requirements"
    assert source.requirements == requirements


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is empty"),
        ("torch==", "no requirement"),
        ("torch=2", "no requirement"),
        ("missing.whl", "no such wheel"),
        ("/no/such/python", "no interpreter"),
        ("commit:no-such-commit", "no such commit"),
        ("commit:--help", "no such commit"),
    ],
)
def test_what_is_no_side_is_refused_in_a_sentence(text: str, match: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=match):
        read_source(text, tmp_path)


def test_an_interpreter_is_taken_as_it_is(tmp_path: Path) -> None:
    assert read_source("here", Path()).python == Path(sys.executable)
    assert read_source(sys.executable, Path()).python == Path(sys.executable)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    assert read_source(str(tmp_path), Path()).python == tmp_path / "bin" / "python"


def test_a_name_changes_with_all_that_the_environment_could_change_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned = read_source("torch==2.13.0", Path())
    keys = {key_of(pinned), key_of(read_source("torch==2.14.1", Path()))}
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://example.org/cpu")
    keys.add(key_of(pinned))
    first = Source("wheel", "w.whl", (str(wheel(tmp_path)),))
    keys.add(key_of(first))
    wheel(tmp_path, needs="numpy")
    keys.add(key_of(first))
    assert len(keys) == 5
    assert key_of(pinned) == key_of(read_source(" torch==2.13.0 ", Path()))


def test_a_wheel_is_installed_once_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = read_source(str(wheel(tmp_path)), Path())
    python = interpreter_of(source, tmp_path / "cache")
    said = subprocess.run(
        [python, "-c", "import planted; print(planted.version)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "1.0"
    monkeypatch.setattr(environments, "_make", None)
    assert interpreter_of(source, tmp_path / "cache") == python


def test_an_environment_that_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    source = read_source(str(wheel(tmp_path)), Path())
    python = interpreter_of(source, tmp_path / "cache")
    (python.parents[1] / STAMP).unlink()
    (python.parents[1] / "half-made").touch()
    assert interpreter_of(source, tmp_path / "cache") == python
    assert not (python.parents[1] / "half-made").exists()


def test_what_cannot_be_installed_is_said_in_a_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    needy = wheel(tmp_path, needs="no-such-package-at-all==9")
    with pytest.raises(HarnessError, match=r"cannot be installed: .*no-such-package-at-all"):
        interpreter_of(read_source(str(needy), Path()), tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]


def test_a_cache_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(HarnessError, match="cannot be kept there"):
        interpreter_of(read_source(str(wheel(tmp_path)), Path()), tmp_path / "cache")


def test_a_commit_gets_its_own_files_on_top_of_these_packages(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package is installed by pip, but for the build: that may need what is not on the disk."""
    source = read_source("commit:HEAD~1", package)
    assert len(source.revision) == 40

    def install(_: Source, command: list[str]) -> None:
        if "install" in command:
            (place,) = (tmp_path / "cache").glob("*/lib/python*/site-packages")
            (place / "mine.pth").write_text(command[-1])
        else:
            subprocess.run(command, check=True)

    monkeypatch.setattr(environments, "_run", install)
    python = interpreter_of(source, tmp_path / "cache")
    code = "import mine, hypothesis; print(mine.number, hypothesis.__file__)"
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    number, place = said.stdout.split()
    assert number == "1"
    assert "site-packages" in place


def test_a_commit_whose_files_cannot_be_unpacked_is_refused_and_leaves_nothing(
    package: Path, tmp_path: Path
) -> None:
    (package / "link").symlink_to("/etc/hostname")
    git(package, "add", "link")
    git(package, "commit", "-m", "a link that leads out of it")
    source = read_source("commit:HEAD", package)
    with pytest.raises(HarnessError, match="cannot be unpacked"):
        interpreter_of(source, tmp_path / "cache")
    assert not (tmp_path / "cache" / key_of(source)).exists()


def test_the_newest_is_that_of_a_day() -> None:
    here = Path()
    first, later = (read_source("torch", here, day) for day in ("2026-01-01", "2026-01-02"))
    assert key_of(first) == key_of(read_source("torch", here, "2026-01-01"))
    assert key_of(first) != key_of(later)
    pinned = [read_source("torch==2.13.0", here, day) for day in ("2026-01-01", "2026-01-02")]
    assert key_of(pinned[0]) == key_of(pinned[1])


def test_changes_that_are_not_committed_are_seen(package: Path) -> None:
    assert not uncommitted(package)
    (package / "mine" / "__init__.py").write_text("number = 3\n")
    assert uncommitted(package)
    assert not uncommitted(package.parent)
