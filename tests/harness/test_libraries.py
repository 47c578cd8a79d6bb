"""Deferred libraries: named at the top of a study, imported on first use only."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest

from harness import libraries
from harness.errors import HarnessError

REPOSITORY = Path(__file__).parents[2]
DeferredModule = cast(Callable[[str], ModuleType], type(libraries.torch))


def in_new_process(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_attribute_is_that_of_the_real_module() -> None:
    assert DeferredModule("json").dumps is json.dumps
    assert DeferredModule("os.path").join("a", "b") == str(Path("a/b"))


def test_the_version_is_that_of_the_real_module() -> None:
    assert DeferredModule("numpy").__version__ == __import__("numpy").__version__


def test_an_attribute_that_the_module_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        _ = DeferredModule("json").nothing_of_this_name


def test_a_library_that_is_not_installed_is_one_sentence_naming_it() -> None:
    with pytest.raises(HarnessError, match="needs no_such_library, which is not installed here"):
        _ = DeferredModule("no_such_library.part").thing


def test_looking_a_deferred_module_over_does_not_import_it() -> None:
    absent = DeferredModule("no_such_library")
    assert not hasattr(absent, "__wrapped__")
    assert not hasattr(absent, "__path__")
    assert inspect.unwrap(cast(Callable[..., object], absent)) is absent


@pytest.mark.parametrize("name", libraries.__all__)
def test_what_is_exported_is_named_after_the_module_it_stands_for(name: str) -> None:
    expected = {"nn": "torch.nn", "functional": "torch.nn.functional"}.get(name, name)
    assert getattr(libraries, name).__name__ == expected


def test_all_that_works_from_stored_rows_does_without_torch() -> None:
    code = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "transformers", "sklearn"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import harness.calibration.calibrate
import harness.catalogue.claims
import harness.figures.draw
import harness.judging.judge
import harness.publishing.publish
from harness.catalogue.cards import study_names
from harness.catalogue.loading import load_study
from harness.protocol.protocol import study_rules
print(sum(len(study_rules(load_study(name), "standard")) for name in study_names()))
"""
    assert int(in_new_process(code)) > 0
