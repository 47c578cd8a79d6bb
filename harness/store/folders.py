"""Run folders: where a run keeps its protocol, its rows and what is derived from them."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError


@dataclass(frozen=True)
class RunFolder:
    """The paths inside ``results/<study>/<date_machine_commit>/``."""

    path: Path

    @property
    def figures(self) -> Path:
        """Where the figures go."""
        return self.path / "figures"

    def table(self, experiment: str) -> Path:
        """The finished table of an experiment."""
        return self.path / "observations" / f"{experiment}.parquet"

    def has_table(self, experiment: str) -> bool:
        """Whether an experiment is finished."""
        return self.table(experiment).is_file()

    def parts(self, experiment: str) -> Path:
        """The folder of finished blocks of an experiment that is not finished yet."""
        return self.path / "observations" / f"{experiment}.parts"

    def part(self, experiment: str, index: int) -> Path:
        """The file of one finished block."""
        return self.parts(experiment) / f"{index:05d}.parquet"

    def drop_parts(self, experiment: str) -> None:
        """Remove the blocks' own files once the whole table is on the disk."""
        shutil.rmtree(self.parts(experiment), ignore_errors=True)

    def discard(self) -> None:
        """Remove a folder in which no run could be started, and its study's folder if empty."""
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            self.path.parent.rmdir()

    def drop_partials(self) -> None:
        """Remove what a killed process had begun to write; only for who holds the lock."""
        for partial in self.path.rglob("*.partial"):
            partial.unlink(missing_ok=True)


def create_folder(results: Path, study: str, name: str) -> RunFolder:
    """Make a new run folder; a second run of one name gets "-2", a third "-3".

    Raises:
        HarnessError: the results folder cannot be written.
    """
    for number in range(1, 1000):
        path = results / study / (name if number == 1 else f"{name}-{number}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir()
        except FileExistsError:
            if not path.parent.is_dir():
                raise HarnessError(f"{results} is not a folder.") from None
            continue
        except OSError as error:
            raise HarnessError(
                f"{results}: the results folder cannot be written ({error.strerror})."
            ) from error
        return RunFolder(path)
    raise HarnessError(f"{results / study / name}: there are too many runs of this name.")


@contextmanager
def locked(folder: RunFolder) -> Iterator[None]:
    """Hold a run folder; the lock goes with the process, however it ends.

    Raises:
        HarnessError: another process holds it.
    """
    handle = os.open(folder.path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise HarnessError(f"{folder.path}: another run is writing to this folder.") from error
    try:
        yield
    finally:
        os.close(handle)


def find_run(given: str, results: Path) -> RunFolder:
    """The run folder a user means: a path, or a name below the results folder.

    Raises:
        HarnessError: there is none, or several have that name.
    """
    if (Path(given) / "protocol.json").is_file():
        return RunFolder(Path(given))
    found = [path for path in results.glob(f"*/{Path(given).name}") if path.is_dir()]
    if len(found) > 1:
        raise HarnessError(f"Several studies have a run {given!r}: give its path.")
    if not found:
        raise HarnessError(f"{given}: there is no run folder of this path or name in {results}.")
    return RunFolder(found[0])


def run_folders(results: Path) -> list[RunFolder]:
    """All runs below a results folder, oldest first."""
    return [RunFolder(path.parent) for path in sorted(results.glob("*/*/protocol.json"))]


def current_commit(top: Path) -> str:
    """The short commit of the source tree, "-dirty" where the code differs from it.

    Args:
        top: the folder that holds ``studies``.

    Returns:
        "nogit" outside a checkout.
    """
    commit = _git(top, "rev-parse", "--short=8", "HEAD")
    if not commit:
        return "nogit"
    changed = _git(top, "status", "--porcelain", "--", "studies", "harness")
    return f"{commit}-dirty" if changed else commit


def in_history(path: Path) -> bool:
    """Whether the repository that a path lies in, or lay in, has ever had something there."""
    top = next((folder for folder in path.absolute().parents if folder.is_dir()), Path())
    return bool(_git(top, "log", "-1", "--format=%h", "--", str(path.absolute())))


def _git(top: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(top), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
