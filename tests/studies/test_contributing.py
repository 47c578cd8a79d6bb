"""CONTRIBUTING: the study it prints is one that can be checked and run, by whoever copies it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.catalogue.loading import load_study
from harness.cli.session import start_run

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def printed_study(tmp_path: Path) -> Path:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.search(r"A whole study.*?`(\w+\.py)`.*?```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    path = tmp_path / found[1]
    path.write_text(found[2], encoding="utf-8")
    return path


def test_the_study_in_contributing_has_no_fault(printed_study: Path) -> None:
    assert load_study(str(printed_study)).experiments


def test_the_study_in_contributing_runs_and_judges_its_own_claim(
    printed_study: Path, tmp_path: Path
) -> None:
    judged = start_run(str(printed_study), "quick", "cpu", tmp_path / "results", seed=0, jobs=1)
    assert judged is not None
    assert [claim.kind for claim in judged.claims] == ["claim"]
    assert all(control.verdict == "reproduced" for control in judged.controls)
    (run,) = (tmp_path / "results").glob("*/*")
    assert (run / "README.md").is_file()
