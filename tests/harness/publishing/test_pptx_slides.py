"""Slides for PowerPoint."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pptx import Presentation
from pptx.util import Pt

import harness.publishing
from harness.publishing.citation import apa
from harness.publishing.pptx_slides import INKS, TEXT, pptx_of
from harness.publishing.site import ASSETS
from harness.publishing.slides import Line, Slide
from harness.publishing.statements import read_statements
from tests.harness.publishing.test_citation import CITED, HOSTILE
from tests.harness.publishing.test_slide_layout import SLIDE


@pytest.fixture
def pictured(tmp_path: Path) -> Slide:
    """A slide with a figure and a citation."""
    path = tmp_path / "figure.png"
    Image.new("RGB", (320, 180), "white").save(path)
    cited = f"{CITED.title.partition(':')[0]}. {CITED.source}"
    return replace(
        SLIDE, figure=path, alt="what is drawn", source=cited, notes=f"How to cite:\n{apa(CITED)}"
    )


def opened(content: bytes) -> Any:  # noqa: ANN401 - python-pptx is not typed
    return Presentation(io.BytesIO(content))


def named(page: Any) -> dict[str, Any]:  # noqa: ANN401 - see above
    return {shape.name: shape for shape in page.shapes}


def test_a_slide_has_native_texts_a_picture_with_its_words_and_notes(pictured: Slide) -> None:
    (page,) = opened(pptx_of([pictured], "planted", "the contributors")).slides
    parts = named(page)
    assert page.shapes.title.text_frame.text == "A shift goes up."
    assert parts["Verdict"].text_frame.text == "✓ reproduced"
    assert parts["Machine"].text_frame.text == pictured.machine
    assert parts["Finding"].text_frame.text == "1 m in all 9 blocks\nThe level, shifted less plain"
    assert parts["Citation"].text_frame.text == pictured.source
    assert parts["Figure"]._element.nvPicPr.cNvPr.get("descr") == "what is drawn"
    assert page.notes_slide.notes_text_frame.text == pictured.notes


def test_what_the_last_row_reads_has_24_points_or_more(pictured: Slide) -> None:
    (page,) = opened(pptx_of([pictured], "planted", "the contributors")).slides
    for name, shape in named(page).items():
        if shape.has_text_frame and name != "Citation":
            runs = [run for p in shape.text_frame.paragraphs for run in p.runs]
            assert all(run.font.size >= Pt(24) for run in runs), name


def test_slides_are_wide_and_nothing_of_the_template_is_narrow() -> None:
    deck = opened(pptx_of([SLIDE], "planted", "the contributors"))
    assert (deck.slide_width, deck.slide_height) == (Pt(960), Pt(540))
    title = deck.slide_layouts[0].placeholders[0]
    assert title.left + title.width / 2 == pytest.approx(Pt(480), rel=0.01)


def test_the_same_slides_give_the_same_bytes(
    pictured: Slide, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pptx_of([pictured, SLIDE], "planted", "the contributors")
    monkeypatch.setattr("time.localtime", lambda *_: (2031, 1, 1, 0, 0, 0, 0, 1, 0))
    assert pptx_of([pictured, SLIDE], "planted", "the contributors") == first
    properties = opened(first).core_properties
    assert properties.title == "planted"
    assert properties.author == properties.last_modified_by == "the contributors"
    assert f"{properties.modified:%Y-%m-%d}" == SLIDE.date


def test_inks_are_those_of_the_site() -> None:
    css = (Path(harness.publishing.__path__[0]) / ASSETS / "site.css").read_text()
    light = dict(re.findall(r"--([\w-]+): #([0-9a-f]{6});", css.partition("}")[0]))
    assert {verdict: light[verdict.replace(" ", "-")].upper() for verdict in INKS} == INKS
    assert light["text"].upper() == TEXT


def test_hostile_words_stay_words(pictured: Slide, tmp_path: Path) -> None:
    hostile = replace(
        pictured, title=HOSTILE, lines=(Line(HOSTILE),), alt=HOSTILE, notes=HOSTILE + "\x1b\x00"
    )
    path = tmp_path / "a.pptx"
    path.write_bytes(pptx_of([hostile, pictured], HOSTILE, "the contributors"))
    first, _ = Presentation(str(path)).slides
    assert named(first)["Finding"].text_frame.text == HOSTILE
    assert named(first)["Figure"]._element.nvPicPr.cNvPr.get("descr") == HOSTILE
    assert len(read_statements(path)) == 2


def test_citations_are_found_on_slides_and_in_their_notes(pictured: Slide, tmp_path: Path) -> None:
    path = tmp_path / "a.pptx"
    without_notes = replace(pictured, notes="")
    path.write_bytes(pptx_of([SLIDE, pictured, without_notes], "planted", "the contributors"))
    found = read_statements(path)
    assert [(each.id, each.where) for each in found] == [
        ("P-up-1", "slide 2"),
        ("P-up-1", "slide 3"),
    ]
    assert found[0].said == f'"{CITED.says}" {CITED.sentence}'
    assert found[1].said == ""
