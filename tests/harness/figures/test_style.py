"""Figures: the same bytes whatever the user's settings, in the shape of a slide."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from PIL import Image

from harness.errors import HarnessError
from harness.figures.style import (
    MOST_MARKS,
    PALETTE,
    lighter_svg,
    save_figure,
    slide_style,
    span,
)


def drawing() -> Figure:
    figure = Figure()
    axes = figure.add_subplot()
    axes.plot([1, 2, 3], [1.0, 4.0, 9.0], label="squares")
    axes.scatter([1, 2, 3], [2.0, 3.0, 5.0])
    axes.fill_between([1, 3], [0, 0], [1, 2], alpha=0.3)
    axes.set_title("Squares and primes: größer als 0")
    axes.legend()
    return figure


def drawn(stem: Path) -> tuple[bytes, bytes]:
    with slide_style():
        svg, png = save_figure(drawing(), stem)
    assert (svg.name, png.name) == (f"{stem.name}.svg", f"{stem.name}.png")
    return svg.read_bytes(), png.read_bytes()


@pytest.fixture
def odd_settings() -> Iterator[None]:
    """Settings as a user's matplotlibrc may have them."""
    odd: dict[Any, Any] = {
        "font.size": 4,
        "font.family": "monospace",
        "figure.figsize": (3, 3),
        "figure.dpi": 31,
        "savefig.dpi": 77,
        "savefig.bbox": "tight",
        "savefig.facecolor": "black",
        "axes.facecolor": "red",
        "svg.fonttype": "none",
        "svg.hashsalt": "odd",
        "path.simplify": True,
        "lines.linewidth": 9,
    }
    with mpl.rc_context(odd):
        yield


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    assert drawn(tmp_path / "one") == drawn(tmp_path / "two")


def test_the_users_settings_change_nothing(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    plain = drawn(tmp_path / "plain")
    request.getfixturevalue("odd_settings")
    assert mpl.rcParams["font.size"] == 4
    assert drawn(tmp_path / "odd") == plain


def test_the_users_settings_are_as_before_afterwards(odd_settings: None, tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    drawn(tmp_path / "figure")
    assert dict(mpl.rcParams) == before


def test_a_figure_fills_a_slide(tmp_path: Path) -> None:
    svg, png = drawn(tmp_path / "figure")
    width, height = struct.unpack(">II", png[16:24])
    assert width * 9 == height * 16
    assert width >= 1920
    shape = re.search(rb'width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    assert shape is not None
    assert float(shape[1]) / float(shape[2]) == pytest.approx(16 / 9)


def test_a_figure_names_neither_a_date_nor_a_program(tmp_path: Path) -> None:
    svg, png = drawn(tmp_path / "figure")
    for word in (b"dc:date", b"Matplotlib v", b"matplotlib.org"):
        assert word not in svg
    for chunk in (b"tEXt", b"tIME", b"iTXt"):
        assert chunk not in png


def test_letters_in_an_svg_are_drawn_and_need_no_font(tmp_path: Path) -> None:
    svg, _ = drawn(tmp_path / "figure")
    assert b"<text" not in svg


def test_a_figure_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "figures").write_text("a file in place of the folder")
    with pytest.raises(HarnessError, match=r"figure.svg: cannot be written"):
        drawn(tmp_path / "figures" / "figure")


@pytest.mark.parametrize(
    ("values", "words"),
    [([1.004, 0.996], "1.00"), ([0.5], "0.50"), ([2.0, 0.5, 1.0], "0.50 to 2.00")],
)
def test_a_span_names_both_ends_unless_they_read_the_same(values: list[float], words: str) -> None:
    assert span(values) == words


def crowded(marks: int) -> Figure:
    figure = Figure()
    axes = figure.add_subplot()
    axes.plot(range(marks), [n % 7 for n in range(marks)], "o")
    axes.set_title("Crowded")
    return figure


@pytest.mark.parametrize(("marks", "is_picture"), [(MOST_MARKS - 10, False), (5000, True)])
def test_a_layer_of_very_many_marks_is_a_picture_inside_the_svg(
    marks: int, is_picture: bool, tmp_path: Path
) -> None:
    with slide_style():
        svg, _ = save_figure(crowded(marks), tmp_path / "figure")
    content = svg.read_bytes()
    assert (b"<image" in content) is is_picture
    assert b"Crowded" in content, "the title stays drawn in letters"
    assert len(content) < 300_000


def test_a_png_has_a_palette_and_flat_colours_survive_it(tmp_path: Path) -> None:
    figure = Figure()
    figure.add_subplot().bar(range(len(PALETTE)), 1.0, color=list(PALETTE), width=1.0)
    with slide_style():
        _, png = save_figure(figure, tmp_path / "figure")
    picture = Image.open(png)
    assert picture.mode == "P"
    colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20) or ()}
    for name in PALETTE:
        wanted = tuple(int(name[place : place + 2], 16) for place in (1, 3, 5))
        nearest = min(max(abs(a - b) for a, b in zip(wanted, c, strict=True)) for c in colours)  # type: ignore[arg-type]  # three numbers
        assert nearest <= 2, name


def test_coordinates_keep_a_hundredth_of_a_point() -> None:
    svg = b'<g>\n   <path d="M 1.234567 -8.7 L 12.3 4e-05 10.999999"/>\n</g>'
    assert lighter_svg(svg) == b'<g>\n<path d="M 1.23 -8.7 L 12.3 4e-05 10.99"/>\n</g>'


def test_a_style_that_all_marks_of_a_group_share_stands_at_the_group() -> None:
    use = b'<use xlink:href="#m1" x="1" y="%d" style="fill: #0072b2"/>\n'
    group = b'<g clip-path="url(#p)">\n' + use % 1 + use % 2 + b"</g>"
    assert lighter_svg(group) == (
        b'<g clip-path="url(#p)" style="fill: #0072b2">\n'
        b'<use xlink:href="#m1" x="1" y="1"/>\n<use xlink:href="#m1" x="1" y="2"/>\n</g>'
    )
    mixed = b"<g>\n" + use % 1 + (use % 2).replace(b"0072b2", b"000000") + b"</g>"
    assert lighter_svg(mixed) == mixed


def test_a_lighter_svg_has_every_letter_and_mark_of_the_heavy_one(tmp_path: Path) -> None:
    svg, _ = drawn(tmp_path / "figure")
    names = {found.decode() for found in re.findall(rb'xlink:href="#([^"]+)"', svg)}
    defined = {found.decode() for found in re.findall(rb'id="([^"]+)"', svg)}
    assert names
    assert names <= defined


@pytest.mark.parametrize("where", ["above the figure", "above a panel"])
def test_a_title_that_is_too_long_for_a_slide_is_made_smaller(where: str, tmp_path: Path) -> None:
    long = "A finding with a number (99 % interval 1.2345 to 6.789) and all that belongs to it " * 2
    with slide_style():
        figure = Figure()
        left, right = figure.subplots(1, 2)
        title = figure.suptitle(long) if where == "above the figure" else left.set_title(long)
        right.set_title("short")
        before, short = float(title.get_fontsize()), right.title.get_fontsize()
        save_figure(figure, tmp_path / "figure")
        extent = title.get_window_extent()
    assert float(title.get_fontsize()) < before
    assert extent.x0 >= 0
    assert extent.x1 <= figure.bbox.width
    assert right.title.get_fontsize() == short


def test_letters_keep_their_size_when_a_picture_is_made_lighter() -> None:
    svg = b'<g transform="translate(1.23456 2) scale(0.015625 -0.015625)"/>'
    assert lighter_svg(svg) == b'<g transform="translate(1.23 2) scale(0.015625 -0.015625)"/>'
