"""A generated folder of pages: what is unchanged stays untouched, what is gone is removed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from harness.errors import HarnessError
from harness.files import write_bytes

#: Lists what a build wrote. Only that is ever removed: whatever else lies there is somebody's.
LISTING = ".built.json"


@dataclass
class SiteFolder:
    """A folder that one build after another fills.

    Attributes:
        path: where it is.
        written: files that are new or differ from what stood there.
        unchanged: how many had the same bytes already; they are not touched.
    """

    path: Path
    written: list[str] = field(default_factory=list)
    unchanged: int = 0
    _names: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, path: Path) -> Self:
        """The folder, new or from a build before.

        Raises:
            HarnessError: it is no folder, cannot be written, or holds files of somebody else.
        """
        listing = path / LISTING
        if path.exists() and not path.is_dir():
            raise HarnessError(f"{path} is not a folder.")
        if path.is_dir() and any(path.iterdir()) and not listing.is_file():
            raise HarnessError(
                f"{path} holds files that no report wrote. Give an empty folder, or a new one."
            )
        if not listing.is_file():  # at once: a build that is stopped can then be built again
            write_bytes(listing, b"[]\n")
        return cls(path)

    def put(self, name: str, content: bytes) -> None:
        """Write a file, unless it stands there already.

        Nothing is flushed to the disk one by one: these files can be made again at any time.

        Args:
            name: its place in the folder.
            content: its bytes.

        Raises:
            HarnessError: the folder cannot be written.
        """
        self._names.add(name)
        path = self.path / name
        try:
            if path.is_file() and path.read_bytes() == content:
                self.unchanged += 1
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.partial")
            partial.write_bytes(content)
            partial.replace(path)
        except OSError as error:
            raise HarnessError(f"{path}: cannot be written ({error.strerror or error}).") from error
        self.written.append(name)

    def finish(self) -> list[str]:
        """Remove what an earlier build wrote and this one did not; returns the names removed."""
        gone = sorted(self._listed() - self._names)
        for name in gone:
            path = self.path / name
            path.unlink()
            if path.parent != self.path and not any(path.parent.iterdir()):
                path.parent.rmdir()
        listing = json.dumps(sorted(self._names), indent=0) + "\n"
        self.put(LISTING, listing.encode())
        return gone

    def _listed(self) -> set[str]:
        """The files of the build before that are still there, as far as they lie in this folder."""
        try:
            names = {str(name) for name in json.loads((self.path / LISTING).read_bytes())}
        except (OSError, TypeError, ValueError) as error:
            raise HarnessError(
                f"{self.path / LISTING} is broken ({error}): remove {self.path}, and build again."
            ) from error
        top = self.path.resolve()
        paths = {name: (self.path / name).resolve() for name in names - {LISTING}}
        return {n for n, path in paths.items() if path.is_relative_to(top) and path.is_file()}
