"""Slides for Marp."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from harness.publishing.citation import apa
from harness.publishing.marp_slides import marp_of
from harness.publishing.slides import Line, Slide
from harness.publishing.statements import statements_in
from tests.harness.publishing.test_citation import CITED, HOSTILE
from tests.harness.publishing.test_slide_layout import SLIDE


@pytest.fixture
def pictured(tmp_path: Path) -> Slide:
    """A slide with a figure."""
    path = tmp_path / "figure.png"
    Image.new("RGB", (320, 180), "white").save(path)
    return replace(SLIDE, name="P up/1", figure=path, alt="a contrast of both")


def test_a_slide_has_finding_verdict_figure_notes_and_source(pictured: Slide) -> None:
    pictured = replace(pictured, notes=f"One.\n{apa(CITED)}")
    content, pictures = marp_of([pictured, SLIDE], "deck")
    text = content.decode()
    assert pictures == {"deck/P-up-1.png": pictured.figure}
    head, first, second = text.split("\n---\n")
    assert head.startswith("---\nmarp: true\n")
    order = [
        "<!-- _class: reproduced -->",
        "<!-- _footer: 'The contributors (2027). Claim P-up-1, reproduced.' -->",
        "# A shift goes up.",
        "## **✓ reproduced** On xeon-2c (cpu), torch 2.13.0+cpu",
        "![w:",
        "](deck/P-up-1.png)",
        "**1 m in all 9 blocks**",
        "The level, shifted less plain",
        "<!--\nNotes\nOne.\n",
    ]
    places = [first.index(said) for said in order]
    assert places == sorted(places)
    assert "![" not in second
    (found,) = statements_in(content, "it")
    assert found.said == f'"{CITED.says}" {CITED.sentence}'


def test_words_that_marp_would_obey_in_a_picture_are_only_words(pictured: Slide) -> None:
    text = marp_of([pictured], "deck")[0].decode()
    assert "a contrast of both" not in text
    assert "a contrast of both" in text.replace("\N{WORD JOINER}", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("---", r"\---"),
        ("# a", r"\# a"),
        ("1. a", r"1\. a"),
        ("0.5 a", "0.5 a"),
        ("costs $x$ and $y", r"costs \$x\$ and \$y"),
        (":joy: a: b", ":\N{WORD JOINER}joy: a: b"),
        ("<b>**x**</b>", r"&lt;b&gt;\*\*x\*\*&lt;/b&gt;"),
        ("99\u00a0% \\input", "99\u00a0% \\\\input"),
    ],
)
def test_a_text_is_shown_letter_by_letter(text: str, shown: str) -> None:
    content = marp_of([replace(SLIDE, lines=(Line(text),))], "deck")[0].decode()
    assert f"\n\n{shown}\n\n" in content


def test_hostile_words_end_no_comment_and_begin_no_slide(pictured: Slide) -> None:
    hostile = f"{HOSTILE} --> </style> '"
    made = replace(
        pictured, title=hostile, lines=(Line(hostile),), alt=hostile, source=hostile, notes=hostile
    )
    text = marp_of([made, made], "deck")[0].decode()
    assert text.count("\n---\n") == 2
    assert text.count("-->") == 2 * 3
    assert text.count("</style>") == 2 + 2  # our own, and in the notes, inside a comment
    assert "<script>" not in text.replace("<!--", "\0").split("\0")[0]


def test_the_same_slides_give_the_same_bytes(pictured: Slide) -> None:
    assert marp_of([pictured], "deck") == marp_of([pictured], "deck")
