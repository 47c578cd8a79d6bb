"""The command that makes slides."""

from __future__ import annotations

from pathlib import Path

import pytest
from pptx import Presentation

from harness.store.folders import RunFolder
from tests.harness.publishing.sites import older_copy
from tests.harness.runs import House


@pytest.fixture
def run(house: House) -> RunFolder:
    """A published run."""
    folder = house.finished()
    assert house("ledger").code == 0
    return folder


def titles(path: Path) -> list[str]:
    return [slide.shapes.title.text_frame.text for slide in Presentation(str(path)).slides]


def test_a_claim_is_one_slide_named_after_it(house: House, run: RunFolder) -> None:
    ended = house("slides", "P-down-1")
    assert ended.code == 0, ended.err
    assert ended.out == "P-down-1.pptx\n1 slide.\n"
    assert titles(house.top / "P-down-1.pptx") == ["Refuted: A shift goes down."]


def test_a_study_is_a_deck_with_a_title_slide(house: House, run: RunFolder) -> None:
    ended = house("slides", "planted", "--into", "lecture/first.pptx")
    assert ended.code == 0, ended.err
    assert ended.err == ""  # nobody looks: no bar
    made = titles(house.top / "lecture" / "first.pptx")
    assert made[:3] == [
        "Does the harness run what is planted?",
        "A shift goes up.",
        "Refuted: A shift goes down.",
    ]
    assert len(made) == 7


def test_marp_comes_with_its_pictures(house: House, run: RunFolder) -> None:
    ended = house("slides", "P-up-1", "P-field-1", "--format", "marp", "--into", "deck.md")
    assert ended.out == "deck/P-up-1.png\ndeck.md\n2 slides.\n"
    figure = run.figures / "level-levels-by-block.png"
    assert (house.top / "deck" / "P-up-1.png").read_bytes() == figure.read_bytes()
    assert "](deck/P-up-1.png)" in (house.top / "deck.md").read_text()


@pytest.mark.parametrize(("claims", "files"), [(["P-up-1"], 1), (["P-up-1", "P-both-1"], 2)])
def test_pictures_are_numbered_where_they_are_several(
    claims: list[str], files: int, house: House, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cli.slides.check_programs", lambda: None)
    monkeypatch.setattr("harness.cli.slides.pictures_of", lambda _, count: [b"png"] * count)
    ended = house("slides", *claims, "--format", "png", "--into", "a.png")
    assert ended.code == 0, ended.err
    names = ["a.png"] if files == 1 else ["a-1.png", "a-2.png"]
    assert ended.out.splitlines()[:-1] == names
    assert all((house.top / name).read_bytes() == b"png" for name in names)


def test_two_builds_give_the_same_bytes(house: House, run: RunFolder) -> None:
    for name in ("one.pptx", "other.pptx"):
        assert house("slides", "planted", "--into", name).code == 0
    assert (house.top / "one.pptx").read_bytes() == (house.top / "other.pptx").read_bytes()


def test_what_slides_say_is_verified_from_them(house: House, run: RunFolder) -> None:
    assert house("slides", "planted").code == 0
    ended = house("verify", "planted.pptx")
    assert ended.code == 0, ended.err
    assert "stands      P-both-1, mixed (slide 4)" in ended.out
    assert "7 statements: stands 7, superseded 0, changed 0." in ended.out
    newer = older_copy(run, f"2999-01-01_{run.path.name.split('_')[1]}_x", "2999-01-01T00:00:00")
    claims = newer.path / "claims.csv"
    claims.write_text(claims.read_text().replace(",mixed,", ",refuted,"))
    assert house("ledger").code == 0
    ended = house("verify", "planted.pptx")
    assert ended.code == 1
    assert "changed     P-both-1, mixed (slide 4)" in ended.out


def test_slides_of_somebody_else_are_refused(house: House) -> None:
    deck = Presentation()
    deck.slides.add_slide(deck.slide_layouts[0]).shapes.title.text = "Hello"
    deck.save(str(house.top / "foreign.pptx"))
    ended = house("verify", "foreign.pptx")
    assert (ended.code, ended.out) == (2, "")
    assert "foreign.pptx: no citation of training-claims is in it" in ended.err


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("slides P-upp-1", "There is no claim or study 'P-upp-1'. Do you mean one of P-up-1"),
        ("slides P-later-1", "The claim P-later-1 is not tested yet"),
        ("slides P-up-1 --format key", "no format 'key'; choose one of pptx, marp, png."),
        ("slides P-up-1 --into a.odp", "a.odp: the file of --format pptx ends in .pptx."),
        ("slides P-up-1 --into folder.pptx", "folder.pptx is a folder: give the name of a file."),
        ("slides P-up-1 --into a-file/a.pptx", "a-file/a.pptx: cannot be written"),
    ],
)
def test_what_cannot_be_made_is_refused_in_a_sentence(
    command: str, sentence: str, house: House, run: RunFolder
) -> None:
    (house.top / "folder.pptx").mkdir()
    (house.top / "a-file").touch()
    ended = house(*command.split())
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert sentence in ended.err


def test_pictures_without_libreoffice_are_refused_before_anything_is_read(
    house: House, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(house.top))
    ended = house("slides", "P-up-1", "--format", "png")
    assert ended.code == 2
    assert "Slides as pictures need soffice of LibreOffice" in ended.err
