"""Publishing: the ledger as a table and as a page, and the findings in the README."""

from __future__ import annotations

import tempfile
from functools import partial
from itertools import chain
from pathlib import Path

from harness.errors import HarnessError
from harness.figures.draw import draw_run
from harness.files import write_bytes
from harness.judging.judge import judge_run
from harness.judging.staleness import staleness
from harness.judging.tables import write_judgement
from harness.publishing.pages import ledger_pages
from harness.side_by_side import call_side_by_side
from harness.store.folders import RunFolder
from harness.store.observations import StoredRun, reference_runs


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
        derivations = [partial(_derive, run, run.folder) for run in reference_runs(results)]
        written += chain.from_iterable(call_side_by_side(derivations))
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
        runs = reference_runs(results)
        copies = [RunFolder(Path(scratch) / str(number)) for number in range(len(runs))]
        derived = call_side_by_side(
            [partial(_derive, run, copy) for run, copy in zip(runs, copies, strict=True)]
        )
        for run, copy, written in zip(runs, copies, derived, strict=True):
            fresh = {path.relative_to(copy.path) for path in written}
            top = run.folder.path
            stored = {path.relative_to(top) for path in _derived_files(run.folder)}
            # What was drawn under rules that have changed since is kept, and cannot be drawn anew.
            kept = stored - fresh if staleness(run.protocol) else set()
            differing += [
                str(top / name)
                for name in sorted((fresh | stored) - {k for k in kept if k.parts[0] == "figures"})
                if _content(top / name) != _content(copy.path / name)
            ]
    differing += [
        str(page.path) for page in ledger_pages(results) if _content(page.path) != page.content
    ]
    if differing:
        raise HarnessError(
            f"{len(differing)} stored files differ from what their rows give: "
            f"{', '.join(differing)}. Regenerate them with: python -m harness ledger --regenerate"
        )


def _derive(run: StoredRun, into: RunFolder) -> list[Path]:
    """Judge and draw the rows of a run into a folder, its own or another."""
    tables = write_judgement(run, judge_run(run), into)
    return [*tables, *draw_run(run, into)]


def _derived_files(folder: RunFolder) -> list[Path]:
    return [*folder.path.glob("*.csv"), *folder.figures.glob("*")]


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
