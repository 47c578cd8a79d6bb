"""Where the parts of a slide stand: nothing runs over, nothing is too small for the last row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.publishing.slide_layout import (
    BODY,
    HEIGHT,
    MARGIN,
    TITLE_SIZES,
    WIDTH,
    Box,
    Layout,
    laid_out,
)
from harness.publishing.slide_measures import height, lines, shortened, width
from harness.publishing.slides import Line, Slide

SLIDE = Slide(
    name="P-up-1",
    title="A shift goes up.",
    verdict="reproduced",
    machine="On xeon-2c (cpu), torch 2.13.0+cpu",
    lines=(Line("1 m in all 9 blocks", strong=True), Line("The level, shifted less plain")),
    source="The contributors (2027). Claim P-up-1, reproduced.",
    figure=None,
    alt="",
    notes="",
    date="2027-03-04",
)
PICTURE = (1920, 1080)


def filled(layout: Layout) -> float:
    """The height that the paragraphs take."""
    column = layout.body_box.width
    return sum(height(each.text, each.size, column, bold=each.strong) for each in layout.body)


def boxes(layout: Layout) -> list[Box]:
    found = (layout.title_box, layout.badge, layout.machine, layout.body_box, layout.figure)
    return [box for box in (*found, layout.source_box) if box]


def overlap(one: Box, other: Box) -> bool:
    apart = one.left + one.width <= other.left + 1e-6 or other.left + other.width <= one.left + 1e-6
    above = one.top + one.height <= other.top + 1e-6 or other.top + other.height <= one.top + 1e-6
    return not apart and not above


def check(layout: Layout) -> None:
    """Nothing outside, nothing over another part, nothing small."""
    found = boxes(layout)
    for box in found:
        assert box.left >= MARGIN - 1e-6
        assert box.left + box.width <= WIDTH - MARGIN + 1e-6
        assert box.top >= 0
        assert box.top + box.height <= HEIGHT
    pairs = [(a, b) for at, a in enumerate(found) for b in found[at + 1 :]]
    assert not any(overlap(one, other) for one, other in pairs)
    assert filled(layout) <= layout.body_box.height
    room = layout.title_box
    assert height(layout.title.text, layout.title.size, room.width, bold=True) <= room.height
    assert layout.title.size >= TITLE_SIZES[-1]
    assert all(each.size >= BODY for each in layout.body)


@pytest.mark.parametrize("picture", [None, PICTURE, (100, 2000)])
@pytest.mark.parametrize("verdict", ["reproduced", "not measurable", ""])
def test_a_short_slide_is_whole_and_large(verdict: str, picture: tuple[int, int] | None) -> None:
    layout = laid_out(replace(SLIDE, verdict=verdict), picture)
    check(layout)
    assert layout.whole
    assert layout.title.size == TITLE_SIZES[0]
    assert layout.body[0].size >= 32
    assert bool(layout.badge) == bool(verdict)


def test_a_figure_keeps_its_proportions_and_gets_more_than_half_beside_few_words() -> None:
    figure = laid_out(SLIDE, PICTURE).figure
    assert figure is not None
    assert figure.width / figure.height == pytest.approx(16 / 9)
    assert figure.width > WIDTH / 2


def test_more_words_take_room_from_the_figure_before_anything_is_cut() -> None:
    few = laid_out(SLIDE, PICTURE)
    words = tuple(Line(" ".join(["many words of a finding"] * 9)) for _ in range(2))
    many = laid_out(replace(SLIDE, lines=words), PICTURE)
    check(many)
    assert many.whole
    assert few.figure is not None
    assert many.figure is not None
    assert many.figure.width < few.figure.width


def test_a_long_title_shrinks_and_one_too_long_is_cut_at_a_word() -> None:
    long = laid_out(replace(SLIDE, title="A long statement of many words " * 5), PICTURE)
    check(long)
    assert long.title.size < TITLE_SIZES[0]
    assert long.whole
    endless = laid_out(replace(SLIDE, title="A statement that does not end " * 30), PICTURE)
    check(endless)
    assert endless.title.text.endswith(" …")
    assert not endless.whole


def test_a_machine_with_a_long_name_goes_below_the_verdict() -> None:
    layout = laid_out(replace(SLIDE, machine="On " + "nvidia-h100-" * 8 + " (cuda)"), None)
    check(layout)
    assert layout.machine is None
    assert layout.body[-1].text.startswith("On nvidia-h100-")


WORDS = st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=60).map(" ".join)


@given(WORDS, st.lists(WORDS, max_size=6), st.sampled_from([None, PICTURE, (3000, 10)]))
def test_no_words_run_over(title: str, texts: list[str], picture: tuple[int, int] | None) -> None:
    told = tuple(Line(text, strong=not at) for at, text in enumerate(texts))
    check(laid_out(replace(SLIDE, title=title, lines=told), picture))


def test_lines_break_between_words_and_long_words_inside() -> None:
    assert lines("a bc", 10, 1000) == ["a bc"]
    broken = lines("word " * 20 + "x" * 200, 24, 200)
    assert all(width(line, 24) <= 200 for line in broken)
    assert "".join(broken).replace(" ", "") == "word" * 20 + "x" * 200
    assert lines("99\u00a0% ok", 24, width("99", 24) + 1)[0].startswith("99")


def test_what_is_cut_says_so_and_fits() -> None:
    text = "word " * 40
    cut = shortened(text, 24, 200, 60)
    assert cut.endswith(" …")
    assert height(cut, 24, 200) <= 60
    assert shortened("short", 24, 200, 60) == "short"


def test_bold_letters_are_wider() -> None:
    assert width("finding", 24, bold=True) > width("finding", 24)


def test_a_figure_that_is_there_belongs_to_a_slide() -> None:
    assert replace(SLIDE, figure=Path("a.png")).badge == "✓ reproduced"
