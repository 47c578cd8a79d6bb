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
    with pytest.raises(HarnessError, match="no study 'plantde'") as refusal:
        load_study("plantde")
    assert "Do you mean 'planted'? The studies are: fresh, planted." in str(refusal.value)


OWN = '''
"""Does a learning rate of zero move a weight?"""

from harness import Claim, Entry, Experiment, PerProfile, Response, Value, equals

CATALOGUE = (Entry("own-1", says="Nothing moves.", scope="one weight", quantifier="always"),)
EXPERIMENT = Experiment(
    question="Does a learning rate of zero move a weight?",
    measure=lambda block, arm: {"moved": 0.0},
    responses=(Response("moved", "1", "how far the weight moved"),),
    blocks=PerProfile(1, 8, 8),
    claims=(Claim("own-1", Value("moved").always(), equals(0), "It stays where it is."),),
)
'''


def test_a_file_anywhere_is_a_study_that_brings_its_own_claims(house: House) -> None:
    path = house.top / "elsewhere" / "zero_rate.py"
    path.parent.mkdir()
    path.write_text(OWN)
    study = load_study(str(path))
    assert (study.name, study.origin) == ("zero-rate", str(path))
    assert list(study.experiments) == ["zero_rate"]
    assert study.catalogue["own-1"].says == "Nothing moves."
    assert "P-up-1" in study.catalogue
    assert study.sources == (path,)


def test_a_file_that_is_not_there_is_refused(house: House) -> None:
    with pytest.raises(HarnessError, match=r"There is no file 'nowhere/my_claim\.py'"):
        load_study("nowhere/my_claim.py")


def test_an_own_claim_may_not_take_the_id_of_one_of_the_catalogue(house: House) -> None:
    (house.top / "own.py").write_text(OWN.replace("own-1", "P-up-1"))
    with pytest.raises(HarnessError, match="P-up-1 stands in the catalogue already"):
        load_study("own.py")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("import nothing_of_the_kind\n", r"ModuleNotFoundError: .*\(broken.py, line 1\)"),
        ("def measure(\n", "cannot be imported: SyntaxError"),
        ("x = 1\ny = x / 0\n", r"ZeroDivisionError: division by zero \(broken.py, line 2\)"),
        ("raise ValueError('\\x1b[31mred')\n", r"ValueError: \\x1b\[31mred"),
    ],
)
def test_a_study_that_cannot_be_imported_is_one_sentence_with_the_place(
    content: str, sentence: str, house: House
) -> None:
    (house.top / "studies" / "broken.py").write_text(content)
    with pytest.raises(HarnessError, match=sentence) as refusal:
        load_study("broken")
    assert str(refusal.value).count("\n") == 0


def test_a_study_with_faults_is_refused_with_all_of_them(house: House) -> None:
    level = house.top / "studies" / "planted" / "level.py"
    text = level.read_text().replace("PerProfile(8, 9, 10)", "PerProfile(8, 9, 0)")
    level.write_text(text.replace('"Up by half."', '""'))
    with pytest.raises(HarnessError, match="The study 'planted' has 2 faults") as refusal:
        load_study("planted")
    assert "level: blocks must be 1 or more" in str(refusal.value)
    assert "level: P-up-1 has no reading" in str(refusal.value)


def test_a_study_without_an_experiment_is_refused(house: House) -> None:
    (house.top / "studies" / "empty.py").write_text('"""Is there anything?"""\n')
    with pytest.raises(HarnessError, match="The study 'empty' defines no EXPERIMENT"):
        load_study("empty")


def test_a_missing_package_of_studies_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.catalogue.cards.PACKAGE", "studies_that_are_not_there")
    assert "studies_that_are_not_there" not in sys.modules
    with pytest.raises(HarnessError, match="'studies' is not installed beside 'harness'"):
        studies_folder()
