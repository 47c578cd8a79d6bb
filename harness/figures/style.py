"""Figures for a slide: 16:9, large type, colours that colour-blind readers can tell apart.

The same rows give the same bytes: no dates, no random ids, no fonts of the machine. Studies take
their colours from here, and every block of theirs runs in a process that draws nothing: matplotlib
is imported where something is drawn.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Okabe and Ito's palette (Color Universal Design, 2008), without its yellow, which is too light.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#000000",
)
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK)
SIZE_INCHES = (12.8, 7.2)
PNG_DPI = 150

_STYLE: dict[Any, Any] = {
    "figure.figsize": SIZE_INCHES,
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",
    "font.size": 18,
    "axes.titlesize": 22,
    "axes.labelsize": 20,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "axes.axisbelow": True,
    "legend.fontsize": 16,
    "legend.frameon": False,
    "lines.linewidth": 2.5,
    "lines.markersize": 9,
    "svg.hashsalt": "training-claims",
    "svg.fonttype": "path",
    "path.simplify": False,
}


@contextmanager
def slide_style() -> Iterator[None]:
    """Draw in the project's style, whatever the user's matplotlibrc says."""
    import matplotlib as mpl
    from cycler import cycler

    # Without the backend: files are written by canvases, and to look it up would import pyplot.
    names = [name for name in mpl.rcParamsDefault if name != "backend"]
    defaults = {name: mpl.rcParamsDefault[name] for name in names}
    with mpl.rc_context(rc=defaults | _STYLE | {"axes.prop_cycle": cycler(color=PALETTE)}):
        yield


def span(values: Iterable[float], form: str = ".2f") -> str:
    """The least and the largest of some numbers in words, or one number where both read the same.

    Args:
        values: one or more; those that are nan, of failed cells, are left out.
        form: of each, as ``format`` takes it.
    """
    found = [value for value in values if not np.isnan(value)] or [np.nan]
    low, high = (format(each, form) for each in (min(found), max(found)))
    return low if low == high else f"{low} to {high}"


#: Letters come in whole pixels: a text shrinks a little less than its size.
SHRINK = 1.03
#: A title takes no more of the figure's width than this.
MOST_OF_WIDTH = 0.97
#: Where a figure has more marks than this, they are a picture inside its svg.
MOST_MARKS = 300
#: A png has so many colours: enough for flat colours with smooth edges, in half of the bytes.
COLOURS_OF_PNG = 128


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write ``stem.svg`` and ``stem.png``, the same bytes for the same figure.

    The layout is worked out once, for both; ``Figure.savefig`` would do so twice and draw each file
    twice. Evidence is committed, so it stays light: the png has a palette, and what an svg has
    hundreds of (points, lines) is a picture inside of it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from PIL import Image

    _flatten_dense_layers(figure)
    figure.set_dpi(PNG_DPI)
    agg = FigureCanvasAgg(figure)
    _shrink_to_fit(figure, agg)
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
        figure.set_layout_engine("none")
    _shrink_to_fit(figure, agg)
    png, svg = io.BytesIO(), io.BytesIO()
    agg.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(agg.buffer_rgba())  # type: ignore[no-untyped-call]
    picture = Image.fromarray(pixels[:, :, :3])  # nothing is transparent
    palette = picture.quantize(COLOURS_OF_PNG, dither=Image.Dither.NONE)
    palette.save(png, "png", dpi=(PNG_DPI, PNG_DPI), optimize=True)
    svg_canvas = FigureCanvasSVG(figure)
    svg_canvas.print_svg(svg, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    written = []
    for suffix, content in ((".svg", lighter_svg(svg.getvalue())), (".png", png.getvalue())):
        path = stem.with_name(stem.name + suffix)
        write_bytes(path, content)
        written.append(path)
    return written


def _shrink_to_fit(figure: Figure, agg: Any) -> None:  # noqa: ANN401 - matplotlib's canvas
    """Make titles smaller that would leave the figure on a side: numbers in them vary in length."""
    renderer = agg.get_renderer()
    width = figure.bbox.width
    above = getattr(figure, "_suptitle", None)  # there is no public way to it
    titles = [above] if above is not None else []
    titles += [title for axes in figure.axes for title in (axes.title, axes._left_title)]  # type: ignore[attr-defined]  # noqa: SLF001 - as above
    for title in titles:
        extent = title.get_window_extent(renderer)
        over = max(extent.width / (MOST_OF_WIDTH * width), _sideways(extent, width))
        if title.get_text() and over > 1:
            title.set_fontsize(title.get_fontsize() / (SHRINK * over))


def _sideways(extent: Any, width: float) -> float:  # noqa: ANN401 - matplotlib's box
    """By how much a centred text would have to shrink to keep inside both edges."""
    middle = (extent.x0 + extent.x1) / 2
    room = 2 * min(middle, width - middle)
    return extent.width / room if 0 < room < extent.width else 1.0


#: A group of nothing but uses of one mark, each with a style of its own.
_MARKS_OF_ONE_GROUP = re.compile(
    rb'<g( clip-path="[^"]*")?>\n((?:<use [^>]* style="([^"]*)"/>\n)+)</g>'
)


def lighter_svg(svg: bytes) -> bytes:
    """The same picture in fewer bytes.

    Coordinates are kept to a hundredth of a point, lines are not indented, letters have short
    names, and a style that all marks of a group share stands at the group.
    """
    # A scale is no coordinate: letters are drawn at 1/64, and 0.01 in place of 0.015625 would make
    # them a third smaller than the room that is left for each.
    rounded = re.sub(rb"(scale\([^)]*\))|(\d\.\d\d)\d+", lambda found: found[1] or found[2], svg)
    lighter = re.sub(rb"\n +", b"\n", rounded)
    lighter = re.sub(rb'(id="|#)DejaVuSans-', rb"\1D", lighter)
    return _MARKS_OF_ONE_GROUP.sub(_with_one_style, lighter)


def _with_one_style(group: re.Match[bytes]) -> bytes:
    clip, marks, style = group[1] or b"", group[2], group[3]
    own = b' style="' + style + b'"'
    if marks.count(own) != marks.count(b"<use "):
        return group[0]
    return b"<g" + clip + own + b">\n" + marks.replace(own, b"") + b"</g>"


def _flatten_dense_layers(figure: Figure) -> None:
    """Where a figure has very many marks, have them drawn as a picture; text and axes stay vectors.

    Counted are marks, not artists: an artist may be a thousand points, or one of a thousand lines.
    """
    artists = [a for axes in figure.axes for a in (*axes.lines, *axes.collections, *axes.patches)]
    if sum(map(_marks, artists)) > MOST_MARKS:
        for artist in artists:
            artist.set_rasterized(True)


def _marks(artist: Any) -> int:  # noqa: ANN401 - a line, a collection or a patch
    """How many marks an artist draws: points, or segments of a line."""
    if hasattr(artist, "get_offsets"):
        return max(len(artist.get_offsets()), len(artist.get_paths()))
    return len(artist.get_xdata()) if hasattr(artist, "get_xdata") else 1
