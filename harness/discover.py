"""Finding studies: look into the folder, nothing is registered."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import HarnessError
from harness.experiment import Experiment, Study

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


def load_study(name: str) -> Study:
    """Import a study and collect its experiments.

    Args:
        name: as on the command line, for instance "eval-variance".

    Raises:
        HarnessError: for an unknown study, or one that has no experiment.
    """
    known = study_names()
    if name not in known:
        raise HarnessError(f"There is no study {name!r}. The studies are: {', '.join(known)}.")
    module = importlib.import_module(f"{PACKAGE}.{name.replace('-', '_')}")
    experiments = dict(_experiments(module))
    if not experiments:
        raise HarnessError(f"The study {name!r} defines no EXPERIMENT.")
    question = (module.__doc__ or "").strip().partition("\n")[0]
    return Study(name, question, experiments, _sources(module))


def _experiments(module: ModuleType) -> Iterator[tuple[str, Experiment[Any]]]:
    """EXPERIMENT of a one-file study, or that of every module of a study folder."""
    own = getattr(module, "EXPERIMENT", None)
    if isinstance(own, Experiment):
        yield module.__name__.rpartition(".")[2], own
    for info in pkgutil.iter_modules(getattr(module, "__path__", [])):
        part = importlib.import_module(f"{module.__name__}.{info.name}")
        experiment = getattr(part, "EXPERIMENT", None)
        if isinstance(experiment, Experiment):
            yield info.name, experiment


def _sources(module: ModuleType) -> tuple[Path, ...]:
    """The study's files."""
    folders = [Path(folder) for folder in getattr(module, "__path__", [])]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    if not files and module.__file__:
        files = [Path(module.__file__)]
    return tuple(sorted(files))


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
