"""The command that builds the report site."""

from __future__ import annotations

from pathlib import Path

import typer

from harness.errors import HarnessError
from harness.publishing.site import build_site
from harness.words import plural


def build_report(results: Path, into: Path) -> None:
    """Build the site and say what became of it.

    Raises:
        HarnessError: the site cannot be built; or it is built, and says itself which runs are
            broken and left out.
    """
    built = build_site(results, into)
    typer.echo(
        f"{built.path / 'index.html'}: {plural(built.files, 'file')}, of them "
        f"{len(built.written):,} new or changed, {len(built.removed):,} removed"
    )
    if built.broken:
        named = "; ".join(f"{run.name}: {run.problem}" for run in built.broken)
        raise HarnessError(
            f"The site is built without {plural(len(built.broken), 'run')} that could not be read: "
            f"{named}"
        )
