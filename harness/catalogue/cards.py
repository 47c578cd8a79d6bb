"""The studies there are and what the menu says of each, read without importing any of them."""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError

PACKAGE = "studies"
#: Modules of the package that are not studies.
NOT_STUDIES = frozenset({"documents"})


@dataclass(frozen=True)
class Card:
    """What the menu says of a study, read without importing it."""

    name: str
    question: str
    cost: str


def studies_folder() -> Path:
    """The folder of the ``studies`` package.

    Raises:
        HarnessError: the package is not importable.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise HarnessError("The package 'studies' is not installed beside 'harness'.")
    return Path(next(iter(spec.submodule_search_locations)))


def study_names(folder: Path | None = None) -> list[str]:
    """The names of all studies, as on the command line, sorted."""
    return [_dashed(path) for path in _study_paths(folder or studies_folder())]


def cards(folder: Path | None = None) -> list[Card]:
    """A card for every study, read from its docstring and its ``COST`` line without importing."""
    return [_read_card(path) for path in _study_paths(folder or studies_folder())]


def _study_paths(folder: Path) -> list[Path]:
    candidates = [path for path in folder.iterdir() if not path.name.startswith(("_", "."))]
    return sorted(
        path
        for path in candidates
        if path.stem not in NOT_STUDIES
        and (path.suffix == ".py" or (path / "__init__.py").is_file())
    )


def _dashed(path: Path) -> str:
    return path.stem.replace("_", "-")


def _read_card(path: Path) -> Card:
    source = path if path.suffix == ".py" else path / "__init__.py"
    try:
        tree = ast.parse(source.read_text(encoding="utf-8"))
    except SyntaxError as error:
        return Card(_dashed(path), f"(does not parse: {source.name}, line {error.lineno})", "")
    question = (ast.get_docstring(tree) or "").partition("\n")[0]
    return Card(_dashed(path), question, _constant(tree, "COST"))


def _constant(tree: ast.Module, name: str) -> str:
    for node in tree.body:
        match node:
            case ast.Assign([ast.Name(found)], ast.Constant(str(value))) if found == name:
                return value
    return ""
