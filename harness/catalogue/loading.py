"""Loading a study: its module or its folder, imported and its experiments collected."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.catalogue import cards
from harness.design.experiment import Experiment, Study
from harness.errors import HarnessError


def load_study(name: str) -> Study:
    """Import a study and collect its experiments.

    Args:
        name: as on the command line, for instance "eval-variance".

    Raises:
        HarnessError: for an unknown study, or one that has no experiment.
    """
    known = cards.study_names()
    if name not in known:
        raise HarnessError(f"There is no study {name!r}. The studies are: {', '.join(known)}.")
    module = importlib.import_module(f"{cards.PACKAGE}.{name.replace('-', '_')}")
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
