"""Where a site's pages find the stored files of runs: beside the site, or copied into it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

#: Copies of stored files stand here, in a site that does not lie in the results folder.
COPIES = "data"
_NOT_EVIDENCE = {".partial", ".md"}


@dataclass(frozen=True)
class Evidence:
    """The stored files as the pages of a site link them.

    A site inside the results folder points at them where they lie; one elsewhere gets copies, and
    can be moved, served or sent as one folder.
    """

    results: Path
    site: Path

    @property
    def copied(self) -> bool:
        """Whether the site has copies of its own."""
        return not self.site.resolve().is_relative_to(self.results.resolve())

    @property
    def base(self) -> str:
        """The way from the site's first page to the results folder, or to the copies of it."""
        if self.copied:
            return f"{COPIES}/"
        return Path(os.path.relpath(self.results.resolve(), self.site.resolve())).as_posix() + "/"

    def link(self, name: str) -> str:
        """The address of a stored file, from the site's first page.

        Args:
            name: its place below the results folder.
        """
        return self.base + quote(name)

    def files(self, folder: str) -> list[str]:
        """The stored files of a run by their place below it: tables, rows, protocol, figures."""
        top = self.results / folder
        found = (path for path in top.rglob("*") if path.is_file())
        kept = (p for p in found if p.suffix not in _NOT_EVIDENCE and not p.name.startswith("."))
        return sorted(path.relative_to(top).as_posix() for path in kept)

    def copies(self, runs: list[str], others: list[str]) -> Iterator[tuple[Path, str]]:
        """What has to be copied: from where, and to which place in the site; nothing where linked.

        Args:
            runs: names of run folders.
            others: further files, by their place below the results folder.
        """
        if self.copied:
            names = [f"{run}/{name}" for run in runs for name in self.files(run)]
            for name in [*others, *names]:
                if (self.results / name).is_file():
                    yield self.results / name, f"{COPIES}/{name}"
