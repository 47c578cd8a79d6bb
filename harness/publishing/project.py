"""The project as a citation names it: authors, title and address, from CITATION.cff."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import harness
from harness.errors import HarnessError

#: In a checkout it stands above the package, in an installed wheel inside of it.
PLACES = tuple(folder / "CITATION.cff" for folder in Path(harness.__file__).resolve().parents[:2])


@dataclass(frozen=True)
class Project:
    """What every citation shares.

    Attributes:
        authors: names of people, or of who stands for them.
        title: the project's.
        version: of the harness.
        url: where it is published; empty where CITATION.cff names no address.
    """

    authors: tuple[str, ...]
    title: str
    version: str
    url: str = ""


@lru_cache(maxsize=1)
def project() -> Project:
    """This project, read once.

    Raises:
        HarnessError: CITATION.cff is missing or broken.
    """
    path = next((place for place in PLACES if place.is_file()), PLACES[0])
    return read_project(path)


def read_project(path: Path) -> Project:
    """A project from its CITATION.cff.

    Raises:
        HarnessError: the file is missing, or names no author or no title.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        authors = tuple(map(_name, content["authors"]))
        title = str(content["title"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise HarnessError(f"{path}: authors and title cannot be read ({error}).") from error
    url = content.get("url") or content.get("repository-code") or ""
    return Project(authors, title, harness.__version__, str(url))


def _name(author: dict[str, Any]) -> str:
    """A group's name, or a person's, as the format has them."""
    if "name" in author:
        return str(author["name"])
    parts = (author.get(part, "") for part in ("given-names", "name-particle", "family-names"))
    return " ".join(filter(None, map(str, parts)))
