"""Publishing: the ledger as a table and as a page, and the findings in the README."""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.draw import draw_run
from harness.errors import HarnessError
from harness.folders import RunFolder, run_folders
from harness.judge import judge_run
from harness.pages import ledger_pages
from harness.protocol import read_protocol
from harness.tables import write_bytes
from harness.verdict_tables import write_judgement


def publish(results: Path, *, regenerate: bool = False) -> list[Path]:
    """Write the ledger from the judged runs.

    Args:
        results: the folder of run folders; the README above it gets the findings, if it has one.
        regenerate: judge and draw every reference run first.

    Returns:
        The files written.

    Raises:
        HarnessError: a run is broken, unfinished or not judged.
    """
    written: list[Path] = []
    if regenerate:
        for folder in _reference_folders(results):
            written += _derive(folder, folder)
    for page in ledger_pages(results):
        write_bytes(page.path, page.content)
        written.append(page.path)
    return written


def check_published(results: Path) -> None:
    """Compare every derived file with what the rows give; nothing is written.

    Raises:
        HarnessError: names every table, figure and page that differs.
    """
    differing: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, folder in enumerate(_reference_folders(results)):
            copy = RunFolder(Path(scratch) / str(number))
            fresh = {path.relative_to(copy.path) for path in _derive(folder, copy)}
            stored = {path.relative_to(folder.path) for path in _derived_files(folder)}
            differing += [
                str(folder.path / name)
                for name in sorted(fresh | stored)
                if _content(folder.path / name) != _content(copy.path / name)
            ]
    differing += [
        str(page.path) for page in ledger_pages(results) if _content(page.path) != page.content
    ]
    if differing:
        raise HarnessError(
            f"{len(differing)} stored files differ from what their rows give: "
            f"{', '.join(differing)}. Regenerate them with: python -m harness ledger --regenerate"
        )


def _derive(folder: RunFolder, into: RunFolder) -> list[Path]:
    """Judge and draw the rows of one folder into another (or the same)."""
    protocol = read_protocol(folder.path)
    write_judgement(folder, judge_run(folder, protocol), into)
    tables = [into.path / "verdicts.csv", into.path / "summary.csv"]
    return [*tables, *draw_run(folder, protocol, into)]


def _derived_files(folder: RunFolder) -> list[Path]:
    return [*folder.path.glob("*.csv"), *folder.figures.glob("*")]


def _reference_folders(results: Path) -> list[RunFolder]:
    folders = run_folders(results)
    return [folder for folder in folders if read_protocol(folder.path).profile != "quick"]


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
