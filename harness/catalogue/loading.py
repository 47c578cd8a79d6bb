"""Loading a study: its module, folder or file, imported, its experiments collected and checked."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.catalogue import cards
from harness.catalogue.claims import read_catalogue
from harness.design.checks import check_study
from harness.design.entry import Entry
from harness.design.experiment import Experiment, Study
from harness.errors import HarnessError
from harness.words import plain


def load_study(name: str) -> Study:
    """Import a study, collect its experiments, and refuse it where it breaks a rule of validity.

    Args:
        name: as on the command line: the name of one of ``studies/`` ("eval-variance"), or the path
            of a file anywhere ("my_claim.py").

    Raises:
        HarnessError: for an unknown study, one that cannot be imported, has no experiment, or has a
            fault that ``harness.design.checks`` finds.
    """
    study = read_study(name)
    check_study(study)
    return study


def read_study(name: str) -> Study:
    """A study as it stands, unchecked; see ``load_study``."""
    module, experiments = _imported(name, _by_path if name.endswith(".py") else _by_name)
    if not experiments:
        raise HarnessError(f"The study {name!r} defines no EXPERIMENT.")
    question = (module.__doc__ or "").strip().partition("\n")[0]
    own = Path(name).stem.replace("_", "-") if name.endswith(".py") else name
    return Study(own, question, experiments, _sources(module), _catalogue(module), origin=name)


def _imported(
    name: str, by: Callable[[str], ModuleType]
) -> tuple[ModuleType, dict[str, Experiment[Any]]]:
    """The study's module with its experiments, those of a folder imported one by one."""
    try:
        module = by(name)
        return module, dict(_experiments(module))
    except HarnessError:
        raise
    except Exception as error:
        frames = [
            f for f in traceback.extract_tb(error.__traceback__) if "importlib" not in f.filename
        ]
        where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
        raise HarnessError(
            f"The study {name!r} cannot be imported: {type(error).__name__}: "
            f"{plain(str(error))}{where}."
        ) from error


def _by_name(name: str) -> ModuleType:
    known = cards.study_names()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        meant = f" Do you mean {near[0]!r}?" if near else ""
        raise HarnessError(
            f"There is no study {name!r}.{meant} The studies are: {', '.join(known)}. "
            "A file of your own is named by its path."
        )
    return importlib.import_module(f"{cards.PACKAGE}.{name.replace('-', '_')}")


def _by_path(name: str) -> ModuleType:
    path = Path(name)
    if not path.is_file():
        raise HarnessError(f"There is no file {name!r}.")
    module_name = f"own_study_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise HarnessError(f"{name} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


def _catalogue(module: ModuleType) -> dict[str, Entry]:
    """The catalogue, with the claims of no document that a study brings along.

    Raises:
        HarnessError: one of these has the id of a claim of the catalogue.
    """
    entries = read_catalogue()
    for entry in getattr(module, "CATALOGUE", ()):
        if entry.claim in entries:
            raise HarnessError(f"{entry.claim} stands in the catalogue already: choose another id.")
        entries[entry.claim] = entry
    return entries


def _experiments(module: ModuleType) -> Iterator[tuple[str, Experiment[Any]]]:
    """EXPERIMENT of a one-file study, or that of every module of a study folder."""
    own = getattr(module, "EXPERIMENT", None)
    if isinstance(own, Experiment):
        name = module.__name__.rpartition(".")[2]
        yield name.removeprefix("own_study_"), own
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
