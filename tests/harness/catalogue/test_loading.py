"""Finding studies: by looking into the folder, without importing before it is needed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.catalogue.cards import Card, cards, studies_folder, study_names
from harness.catalogue.loading import load_study
from harness.errors import HarnessError
from tests.harness.runs import House


def test_a_module_and_a_package_are_studies_and_nothing_else_is(house: House) -> None:
    package = house.top / "studies"
    for name in ("documents.py", "_draft.py", ".hidden.py", "notes.md"):
        (package / name).touch()
    (package / "data").mkdir()
    (package / "under_score.py").write_text('"""What about a name of two words?"""')
    assert study_names() == ["fresh", "planted", "under-score"]
    assert study_names(package) == study_names()
    assert studies_folder().samefile(package)


def test_a_card_is_read_from_a_file_that_cannot_even_be_imported(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        '"""Does it break?\n\nIt does."""\nimport nothing_of_the_kind\n\nCOST = "2 h"\n'
    )
    (tmp_path / "bare.py").write_text("COST = make_up(1)\n")
    assert cards(tmp_path) == [Card("bare", "", ""), Card("broken", "Does it break?", "2 h")]


def test_a_study_that_does_not_parse_is_in_the_menu_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "halved.py").write_text('"""Is it whole?"""\n\ndef measure(\n')
    (tmp_path / "whole.py").write_text('"""Is it whole?"""\n')
    assert cards(tmp_path) == [
        Card("halved", "(does not parse: halved.py, line 3)", ""),
        Card("whole", "Is it whole?", ""),
    ]


def test_a_study_of_one_file_has_one_experiment(house: House) -> None:
    study = load_study("fresh")
    assert study.name == "fresh"
    assert study.question == "What becomes of blocks in processes of their own?"
    assert list(study.experiments) == ["fresh"]
    assert [path.name for path in study.sources] == ["fresh.py"]


def test_a_study_folder_has_an_experiment_for_each_module_that_defines_one(house: House) -> None:
    (house.top / "studies" / "planted" / "helpers.py").write_text("EXPERIMENT = 'not one'\n")
    study = load_study("planted")
    assert list(study.experiments) == ["level", "slow"]
    names = ["__init__.py", "helpers.py", "level.py", "slow.py"]
    assert [path.name for path in study.sources] == names


def test_an_unknown_study_is_refused_with_those_there_are(house: House) -> None:
    with pytest.raises(HarnessError, match=r"no study 'plantde'\. The studies are: fresh, planted"):
        load_study("plantde")


def test_a_study_without_an_experiment_is_refused(house: House) -> None:
    (house.top / "studies" / "empty.py").write_text('"""Is there anything?"""\n')
    with pytest.raises(HarnessError, match="The study 'empty' defines no EXPERIMENT"):
        load_study("empty")


def test_a_missing_package_of_studies_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.catalogue.cards.PACKAGE", "studies_that_are_not_there")
    assert "studies_that_are_not_there" not in sys.modules
    with pytest.raises(HarnessError, match="'studies' is not installed beside 'harness'"):
        studies_folder()
