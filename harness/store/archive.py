"""Runs in one file, to be carried from the machine that measured to the one that publishes.

An archive is a zip of protocols, machines and tables, without anything derived from them. What
comes from elsewhere is checked as if it were hostile: the names and sizes of its members before
they are unpacked, and every checksum before a run is given its place.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.protocol.protocol import Protocol, read_machine, read_protocol
from harness.store.durations import NAME as DURATIONS
from harness.store.durations import read_durations
from harness.store.folders import RunFolder, locked
from harness.store.observations import read_observations

#: What a member may be called: ``study/run/file``, and nothing that could lie elsewhere.
MEMBER = re.compile(
    r"[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9._-]*/"
    r"(?:protocol\.json|machine\.json|durations\.json|observations/[a-z0-9_]+\.parquet)"
)
#: The most that is unpacked, in bytes: of one member and of all.
MEMBER_BYTES, ALL_BYTES, MEMBERS = 64 * 2**20, 512 * 2**20, 5000


@dataclass(frozen=True)
class Imported:
    """What became of a run of an archive: where it is, and which of its tables are new there."""

    folder: RunFolder
    tables: tuple[str, ...]


def write_archive(path: Path, folders: Sequence[RunFolder]) -> int:
    """Write runs into an archive; what is under way, and what is derived, is left out.

    Args:
        path: the zip file; it is there whole or not at all.
        folders: of runs with at least one finished table.

    Returns:
        Its size in bytes.

    Raises:
        HarnessError: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Parquet is compressed already; protocols are text.
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for folder in folders:
                for file in _evidence(folder):
                    name = file.relative_to(folder.path.parent.parent).as_posix()
                    archive.write(file, name)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise HarnessError(f"{path}: cannot be written ({error.strerror or error}).") from error
    return path.stat().st_size


def _evidence(folder: RunFolder) -> list[Path]:
    names = ("protocol.json", "machine.json", DURATIONS)
    files = [folder.path / name for name in names]
    tables = sorted((folder.path / "observations").glob("*.parquet"))
    return [file for file in (*files, *tables) if file.is_file()]


def import_archive(path: Path, results: Path) -> list[Imported]:
    """Check an archive, and give its runs their places below a results folder.

    A run that is there already gets the tables it lacks. Nothing is written where anything is
    wrong.

    Args:
        path: the zip file.
        results: the folder of run folders.

    Returns:
        What became of each run.

    Raises:
        HarnessError: it is no archive of runs, has members that do not belong in one, was edited,
            or there is another run of the same name.
    """
    results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=results) as scratch:
        top = Path(scratch)
        _unpack(path, top)
        runs = [RunFolder(each.parent) for each in sorted(top.glob("*/*/protocol.json"))]
        if not runs:
            raise HarnessError(f"{path}: there is no run in this archive.")
        _refuse_strays(path, top, runs)
        protocols = [_checked(path, run) for run in runs]
        targets = [RunFolder(results / run.path.relative_to(top)) for run in runs]
        for target, protocol in zip(targets, protocols, strict=True):
            _refuse_other(target, protocol)
        return [_place(run, target) for run, target in zip(runs, targets, strict=True)]


def _unpack(path: Path, into: Path) -> None:
    """Unpack members whose names and sizes are in order."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _refuse_members(path, members)
            for member in members:
                target = into / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                # The size that a member states is its own word: no more than that is read.
                with archive.open(member) as source:
                    content = source.read(member.file_size + 1)
                if len(content) != member.file_size:
                    raise HarnessError(f"{path}: {member.filename} is larger than it says.")
                target.write_bytes(content)
    except FileNotFoundError as error:
        raise HarnessError(f"{path}: there is no such archive.") from error
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise HarnessError(f"{path}: this is not a whole archive ({error}).") from error


def _refuse_members(path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    for member in members:
        if not MEMBER.fullmatch(member.filename) or member.flag_bits & 1:
            raise HarnessError(f"{path}: {member.filename!r} has no place in an archive of runs.")
        if member.file_size > MEMBER_BYTES:
            raise HarnessError(f"{path}: {member.filename} is larger than {MEMBER_BYTES:,} bytes.")
    if len(set(names)) != len(names):
        raise HarnessError(f"{path}: a member occurs twice.")
    if len(members) > MEMBERS or sum(member.file_size for member in members) > ALL_BYTES:
        raise HarnessError(f"{path}: there is more in it than runs take.")


def _refuse_strays(path: Path, top: Path, runs: Sequence[RunFolder]) -> None:
    inside = {run.path for run in runs}
    for folder in top.glob("*/*"):
        if folder not in inside:
            raise HarnessError(f"{path}: {folder.relative_to(top)} has no protocol.")


def _checked(path: Path, run: RunFolder) -> Protocol:
    """The protocol of an unpacked run, every one of its files having been checked."""
    protocol = read_protocol(run.path)
    read_machine(run.path, protocol)
    if protocol.study != run.path.parent.name:
        raise HarnessError(f"{path}: a run of {protocol.study!r} lies under another study's name.")
    known = {rules.name: rules for rules in protocol.measured()}
    for table in sorted((run.path / "observations").glob("*.parquet")):
        if table.stem not in known:
            raise HarnessError(f"{path}: the run has no experiment {table.stem!r} to be measured.")
        read_observations(run, protocol, known[table.stem])
    if (run.path / DURATIONS).is_file() and not read_durations(run):
        raise HarnessError(f"{path}: {DURATIONS} of {run.path.name} cannot be read.")
    return protocol


def _refuse_other(target: RunFolder, protocol: Protocol) -> None:
    if not target.path.exists():
        return
    if read_protocol(target.path).sha256 != protocol.sha256:
        raise HarnessError(f"{target.path}: there is another run of this name.")


def _place(run: RunFolder, target: RunFolder) -> Imported:
    tables = tuple(path.stem for path in sorted((run.path / "observations").glob("*.parquet")))
    if not target.path.exists():
        target.path.parent.mkdir(parents=True, exist_ok=True)
        run.path.rename(target.path)
        return Imported(target, tables)
    new = tuple(name for name in tables if not target.has_table(name))
    with locked(target):
        for name in new:
            target.table(name).parent.mkdir(parents=True, exist_ok=True)
            run.table(name).rename(target.table(name))
            target.drop_parts(name)
    return Imported(target, new)
