"""Publishing: the ledger as a table and as a page, and the findings in the README."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from harness.errors import HarnessError
from harness.figures.draw import draw_run
from harness.files import write_bytes
from harness.judging.judge import judge_run
from harness.judging.staleness import staleness
from harness.judging.tables import write_judgement
from harness.publishing.comparison_files import derive_comparison, derived_of_comparison
from harness.publishing.comparisons import finished
from harness.publishing.pages import ledger_pages
from harness.side_by_side import call_side_by_side
from harness.store.folders import RunFolder
from harness.store.observations import StoredRun, reference_runs


@dataclass(frozen=True)
class _Derivation:
    """A folder whose files are made from its rows.

    Attributes:
        folder: of a run or a comparison.
        derive: writes its files into this folder or another.
        derived: the files of this kind that are there.
        keeps_figures: whether some were drawn under rules that have changed since.
    """

    folder: RunFolder
    derive: Callable[[RunFolder], list[Path]]
    derived: Callable[[RunFolder], list[Path]]
    keeps_figures: bool = False

    def differing(self, copy: RunFolder, written: Sequence[Path]) -> list[Path]:
        """The files here that are not what was written into a copy, or are here or there alone."""
        fresh = {path.relative_to(copy.path) for path in written}
        stored = {path.relative_to(self.folder.path) for path in self.derived(self.folder)}
        # What was drawn under rules that have changed since is kept, and cannot be drawn anew.
        kept = {
            name for name in stored - fresh if self.keeps_figures and name.parts[0] == "figures"
        }
        here, there = self.folder.path, copy.path
        return [
            here / name
            for name in sorted((fresh | stored) - kept)
            if _content(here / name) != _content(there / name)
        ]


def publish(results: Path, *, regenerate: bool = False) -> list[Path]:
    """Write the ledger from the judged runs.

    Args:
        results: the folder of run folders; the README above it gets the findings, if it has one.
        regenerate: judge and draw every reference run and every comparison first.

    Returns:
        The files written.

    Raises:
        HarnessError: a run is broken, unfinished or not judged.
    """
    written: list[Path] = []
    if regenerate:
        calls = [partial(each.derive, each.folder) for each in _derivations(results)]
        written += chain.from_iterable(call_side_by_side(calls))
    for page in ledger_pages(results):
        write_bytes(page.path, page.content)
        written.append(page.path)
    return written


def check_published(results: Path) -> None:
    """Compare every derived file with what the rows give; nothing is written.

    Raises:
        HarnessError: names every table, figure and page that differs.
    """
    differing: list[Path] = []
    with tempfile.TemporaryDirectory() as scratch:
        derivations = _derivations(results)
        copies = [RunFolder(Path(scratch) / str(number)) for number in range(len(derivations))]
        pairs = list(zip(derivations, copies, strict=True))
        written = call_side_by_side([partial(each.derive, copy) for each, copy in pairs])
        for (each, copy), files in zip(pairs, written, strict=True):
            differing += each.differing(copy, files)
    differing += [
        page.path for page in ledger_pages(results) if _content(page.path) != page.content
    ]
    if differing:
        raise HarnessError(
            f"{len(differing)} stored files differ from what their rows give: "
            f"{', '.join(map(str, differing))}. Regenerate them with: python -m harness ledger "
            "--regenerate"
        )


def _derivations(results: Path) -> list[_Derivation]:
    """Every reference run, and every comparison that was carried out to its end."""
    runs = [
        _Derivation(
            run.folder, partial(_derive_run, run), _derived_of_run, bool(staleness(run.protocol))
        )
        for run in reference_runs(results)
    ]
    comparisons = [
        _Derivation(folder, partial(derive_comparison, folder), derived_of_comparison)
        for folder in finished(results)
    ]
    return [*runs, *comparisons]


def _derive_run(run: StoredRun, into: RunFolder) -> list[Path]:
    """Judge and draw the rows of a run into a folder, its own or another."""
    tables = write_judgement(run, judge_run(run), into)
    return [*tables, *draw_run(run, into)]


def _derived_of_run(folder: RunFolder) -> list[Path]:
    return [*folder.path.glob("*.csv"), *folder.figures.glob("*")]


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
