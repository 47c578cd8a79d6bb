"""Real text that comes with Python: the docstrings of the standard library, labelled by package.

The files are parsed, never imported. What they hold depends on Python's version, and so does every
number measured on them; ``machine.json`` names the version.
"""

from __future__ import annotations

import ast
import sysconfig
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from harness.errors import HarnessError

#: The eight packages with the most docstrings among those that every Python from 3.11 on installs.
#: tkinter and idlelib hold more but are optional parts; distutils and lib2to3 are gone since.
AREAS = ("asyncio", "email", "http", "importlib", "logging", "multiprocessing", "unittest", "xml")
FEWEST_WORDS = 5


@dataclass(frozen=True)
class Texts:
    """Labelled texts.

    Attributes:
        texts: each with its white space normalised to single blanks.
        labels: for each text, the place of its area in ``areas``.
        areas: the names of the classes.
    """

    texts: tuple[str, ...]
    labels: tuple[int, ...]
    areas: tuple[str, ...]


@lru_cache(maxsize=2)
def load_docstrings(
    areas: tuple[str, ...] = AREAS, seed: int = 0, library: Path | None = None
) -> Texts:
    """The docstrings of some packages of the standard library, equally many of each.

    Docstrings of modules, classes and functions with 5 words or more; those of test packages are
    left out. A text that occurs more than once is kept once, and not at all where it occurs in two
    areas. The larger areas are cut to the size of the smallest by a seeded draw. A text may name
    its own package, as it does for any reader of it, and texts of one file resemble each other: the
    accuracy of a classifier speaks for docstrings of these very packages.

    Args:
        areas: names of top-level packages; they are the classes.
        seed: of the draw that balances the areas.
        library: the folder that holds the packages; by default this Python's standard library.

    Returns:
        The texts in order of area and file; the same for the same files and seed.

    Raises:
        HarnessError: a package is missing (an embedded or stripped Python) or holds no such text.
    """
    import numpy as np  # here: the networks of this room are timed where there is no numpy

    root = library or Path(sysconfig.get_path("stdlib"))
    found = {area: list(dict.fromkeys(_docstrings(root / area))) for area in areas}
    homes = Counter(text for texts in found.values() for text in texts)
    unique = {area: [t for t in texts if homes[t] == 1] for area, texts in found.items()}
    size = min(len(texts) for texts in unique.values())
    if size == 0:
        empty = next(area for area, texts in unique.items() if not texts)
        raise HarnessError(f"The package {empty!r} in {root} has no docstrings to learn from.")
    draw = np.random.default_rng(seed)
    kept = {
        area: [texts[i] for i in np.sort(draw.choice(len(texts), size, replace=False))]
        for area, texts in unique.items()
    }
    return Texts(
        texts=tuple(text for area in areas for text in kept[area]),
        labels=tuple(label for label in range(len(areas)) for _ in range(size)),
        areas=areas,
    )


def _docstrings(package: Path) -> Iterator[str]:
    if not package.is_dir():
        raise HarnessError(
            f"{package}: this Python comes without the sources of its standard library, "
            "which the texts are taken from. Use a full installation of Python."
        )
    for path in sorted(package.rglob("*.py")):
        folders = path.relative_to(package).parts[:-1]
        if any(folder.startswith("test") for folder in folders):
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                words = (ast.get_docstring(node, clean=False) or "").split()
                if len(words) >= FEWEST_WORDS:
                    yield " ".join(words)
