"""Where the parts of a slide stand, and in which size: by measuring them, in points.

The title shrinks before it runs over, the column of text takes from the figure what it needs, and
only what fits in no way is cut: the whole of it stands in the notes.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.publishing.slide_measures import LINE, height, shortened, width
from harness.publishing.slides import Line, Slide

#: A slide of 13.33 by 7.5 inches, as screens are.
WIDTH, HEIGHT = 960.0, 540.0
MARGIN, TOP, BOTTOM, GAP = 36.0, 26.0, 14.0, 24.0
TITLE_SIZES = (34.0, 32.0, 30.0, 28.0, 26.0, 24.0)
#: A title in large letters takes two lines, and one in the smallest of them as many as it needs.
TITLE_LINES, MOST_TITLE = 2, 150.0
#: Sizes of what is strong and of all else, the largest first. What the last row must be able to
#: read is never smaller than the smallest of these.
BODY = 24.0
BESIDE_A_FIGURE = ((32.0, BODY), (28.0, BODY), (BODY, BODY))
ALONE = ((40.0, 32.0), (36.0, 28.0), *BESIDE_A_FIGURE)
BADGE, BADGE_ROOM, BADGE_SIDE = 24.0, 42.0, 16.0
#: The citation: for who looks it up, not for the last row.
SOURCE, SOURCE_ROOM = 14.0, 34.0
#: The column of text is as narrow as it can be, and then the figure gets the rest.
COLUMNS = (340.0, 390.0, 440.0, 490.0, 540.0, 590.0)
BETWEEN = 8.0
#: What the boxes are called that say what was found: by these names a slide is read back.
VERDICT_BOX, FINDING_BOX = "Verdict", "Finding"


@dataclass(frozen=True)
class Box:
    """A place on a slide."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Set:
    """A paragraph with its size."""

    text: str
    size: float
    strong: bool


@dataclass(frozen=True)
class Layout:
    """A slide with every part in its place.

    Attributes:
        title: the text, with its size.
        title_box: where it stands.
        badge: where the verdict stands; none without one.
        machine: where the machine stands, in the verdict's row; none without a verdict.
        body: the paragraphs.
        body_box: where they stand.
        figure: where the figure stands, in its own proportions; none without one.
        source_box: where the citation stands.
        whole: whether nothing had to be cut.
    """

    title: Set
    title_box: Box
    badge: Box | None
    machine: Box | None
    body: tuple[Set, ...]
    body_box: Box
    figure: Box | None
    source_box: Box
    whole: bool


def laid_out(slide: Slide, picture: tuple[int, int] | None) -> Layout:
    """The slide's layout.

    Args:
        slide: its texts.
        picture: width and height of its figure in pixels, if it has one.
    """
    room = WIDTH - 2 * MARGIN
    title = _title(slide.title, room)
    row = TOP + height(title.text, title.size, room, bold=True) + GAP / 2
    bottom = HEIGHT - BOTTOM - SOURCE_ROOM
    badge, machine, lines = _verdict_row(slide, row, room)
    top = row + BADGE_ROOM + BETWEEN if badge else row
    most = bottom - GAP / 2 - top
    columns, sizes = (COLUMNS, BESIDE_A_FIGURE) if picture else ((room,), ALONE)
    fitted = ((column, _fitted(lines, column, most, sizes)) for column in columns)
    found = next(((column, body) for column, body in fitted if body), None)
    column, body = found or (columns[-1], _cut(lines, columns[-1], most))
    area = Box(MARGIN + column + GAP, top, room - column - GAP, most)
    return Layout(
        title,
        Box(MARGIN, TOP, room, row - TOP),
        badge,
        machine,
        body,
        Box(MARGIN, top, column, most),
        _inside(area, picture) if picture else None,
        Box(MARGIN, bottom, room, SOURCE_ROOM),
        whole=bool(found) and title.text == slide.title,
    )


def _verdict_row(
    slide: Slide, top: float, room: float
) -> tuple[Box | None, Box | None, tuple[Line, ...]]:
    """Where verdict and machine stand, and what is read below; a machine too long goes there."""
    if not slide.verdict:
        return None, None, slide.lines
    across = width(slide.badge, BADGE, bold=True) + 2 * BADGE_SIDE
    rest = room - across - GAP
    if width(slide.machine, BODY) > rest:
        badge = Box(MARGIN, top, across, BADGE_ROOM)
        return badge, None, (*slide.lines, Line(slide.machine))
    machine = Box(MARGIN + across + GAP, top, rest, BADGE_ROOM)
    return Box(MARGIN, top, across, BADGE_ROOM), machine, slide.lines


def _title(text: str, room: float) -> Set:
    for size in TITLE_SIZES:
        if height(text, size, room, bold=True) <= TITLE_LINES * size * LINE + 1:
            return Set(text, size, strong=True)
    size = TITLE_SIZES[-2] if height(text, TITLE_SIZES[-2], room, bold=True) <= MOST_TITLE else 0
    size = size or TITLE_SIZES[-1]
    return Set(shortened(text, size, room, MOST_TITLE, bold=True), size, strong=True)


def _fitted(
    lines: tuple[Line, ...], column: float, most: float, sizes: tuple[tuple[float, float], ...]
) -> tuple[Set, ...]:
    """The paragraphs in the largest sizes in which all of them fit; none where they do not."""
    for strong, usual in sizes:
        body = tuple(
            Set(line.text, strong if line.strong else usual, line.strong) for line in lines
        )
        if _height(body, column) <= most:
            return body
    return ()


def _cut(lines: tuple[Line, ...], column: float, most: float) -> tuple[Set, ...]:
    """The paragraphs in the smallest size, the longest of them cut until all fit."""
    body = [Set(line.text, BODY, line.strong) for line in lines]
    while (over := _height(tuple(body), column) - most) > 0:
        at = max(range(len(body)), key=lambda n: height(body[n].text, BODY, column))
        own = height(body[at].text, BODY, column, bold=body[at].strong)
        if own <= BODY * LINE + 1:
            body.pop(-2 if len(body) > 1 else -1)
            continue
        room = max(own - over, own - BODY * LINE)
        cut = shortened(body[at].text.removesuffix(" …"), BODY, column, room, bold=body[at].strong)
        body[at] = Set(cut, BODY, body[at].strong)
    return tuple(body)


def _height(body: tuple[Set, ...], column: float) -> float:
    return sum(height(each.text, each.size, column, bold=each.strong) + BETWEEN for each in body)


def _inside(area: Box, picture: tuple[int, int]) -> Box:
    """The largest place for a picture inside of an area, in the middle of it."""
    across, down = picture
    scale = min(area.width / across, area.height / down)
    size = across * scale, down * scale
    left, top = (area.width - size[0]) / 2, (area.height - size[1]) / 2
    return Box(area.left + left, area.top + top, *size)
