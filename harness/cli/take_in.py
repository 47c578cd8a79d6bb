"""Taking in an archive: its runs are checked, judged and drawn, and then ready to be published."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from harness.cli.screen import counts_text, verdict_counts
from harness.figures.draw import draw_run
from harness.judging.judge import judge_run
from harness.judging.tables import write_judgement
from harness.publishing.pages import write_run_page
from harness.store.archive import import_archive
from harness.store.observations import StoredRun
from harness.words import plural


def take_in(archive: Path, results: Path) -> None:
    """Import an archive and derive tables, figures and pages of its runs from their rows.

    Raises:
        HarnessError: the archive is refused, or a run's rows cannot be judged or drawn.
    """
    console = Console(highlight=False)
    for imported in import_archive(archive, results):
        run = StoredRun.open(imported.folder)
        if not run.finished():
            console.print(f"{imported.folder.path}: nothing in it is finished.", soft_wrap=True)
            continue
        judged = judge_run(run)
        write_judgement(run, judged)
        figures = draw_run(run)
        write_run_page(run, judged)
        counts = verdict_counts(judged)
        told = Text(f"{imported.folder.path}: {plural(len(imported.tables), 'new table')}, ")
        told.append_text(counts_text(counts)).append(f", {plural(len(figures) // 2, 'figure')}")
        console.print(told, soft_wrap=True)
    console.print("Look at them, and publish them with: python -m harness ledger")
