"""Slides as PowerPoint has them: texts that can be edited, pictures with their words, notes.

The same slides give the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from harness.publishing.pictures import png_size
from harness.publishing.slide_layout import (
    BADGE,
    BETWEEN,
    BODY,
    FINDING_BOX,
    HEIGHT,
    SOURCE,
    VERDICT_BOX,
    WIDTH,
    Box,
    Set,
    laid_out,
)
from harness.publishing.slide_measures import LINE
from harness.publishing.slides import Slide

FONT = "Arial"
#: Inks on white, those of the site; a verdict is told by its word and its sign as well.
INKS = {
    "reproduced": "10633F",
    "refuted": "A8261C",
    "mixed": "7A4B00",
    "inconclusive": "7B2A86",
    "not measurable": "2B5C84",
    "not tested": "555D6B",
}
TEXT, QUIET, RAISED = "1B1F26", "555D6B", "F5F6F8"
#: Of the template's layouts that with a title and nothing else.
_TITLE_ONLY = 5
#: Every file inside of a pptx carries a date; this is the first that its format knows.
_NO_DATE = (1980, 1, 1, 0, 0, 0)


def pptx_of(slides: Iterable[Slide], title: str, author: str) -> bytes:
    """A presentation.

    Args:
        slides: one or more, in their order.
        title: of the whole.
        author: of the whole.
    """
    from pptx import Presentation
    from pptx.util import Pt

    deck = Presentation()
    _widen(deck, Pt(WIDTH) / deck.slide_width)
    deck.slide_width, deck.slide_height = Pt(WIDTH), Pt(HEIGHT)
    dates = []
    for each in slides:
        _add(deck, each)
        dates.append(each.date)
    made = datetime.fromisoformat(max(dates)).replace(tzinfo=UTC)
    properties = deck.core_properties
    properties.title, properties.author, properties.last_modified_by = title, author, author
    properties.created = properties.modified = made
    properties.revision = 1
    written = io.BytesIO()
    deck.save(written)
    return _undated(written.getvalue())


def _widen(deck: Any, by: float) -> None:  # noqa: ANN401 - python-pptx is not typed
    """Stretch the template, which is made for narrower slides, so that new ones fit as well."""
    for page in (deck.slide_master, *deck.slide_layouts):
        for shape in page.shapes:
            shape.left, shape.width = round(shape.left * by), round(shape.width * by)


def _add(deck: Any, slide: Slide) -> None:  # noqa: ANN401 - see above
    from pptx.enum.shapes import MSO_SHAPE
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.oxml.ns import qn
    from pptx.util import Pt

    size = png_size(slide.figure) if slide.figure else None
    layout = laid_out(slide, size)
    page = deck.slides.add_slide(deck.slide_layouts[_TITLE_ONLY])
    head = page.shapes.title
    _place(head, layout.title_box)
    _fill(head.text_frame, [layout.title], TEXT)
    head.text_frame.paragraphs[0].alignment = PP_ALIGN.LEFT
    if layout.badge:
        badge = page.shapes.add_shape(MSO_SHAPE.ROUNDED_RECTANGLE, *_points(layout.badge))
        badge.name = VERDICT_BOX
        badge._element.remove(badge._element.find(qn("p:style")))  # noqa: SLF001 - has a shadow
        badge.fill.solid()
        badge.fill.fore_color.rgb = _rgb(RAISED)
        badge.line.color.rgb = _rgb(INKS[slide.verdict])
        badge.line.width = Pt(2.5)
        _fill(badge.text_frame, [Set(slide.badge, BADGE, strong=True)], INKS[slide.verdict])
        badge.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE
        badge.text_frame.word_wrap = False
        badge.text_frame.paragraphs[0].alignment = PP_ALIGN.CENTER
    if layout.machine:
        machine = page.shapes.add_textbox(*_points(layout.machine))
        machine.name = "Machine"
        _fill(machine.text_frame, [Set(slide.machine, BODY, strong=False)], TEXT)
        machine.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE
    body = page.shapes.add_textbox(*_points(layout.body_box))
    body.name = FINDING_BOX
    _fill(body.text_frame, layout.body, TEXT)
    if slide.figure and layout.figure:
        picture = page.shapes.add_picture(str(slide.figure), *_points(layout.figure))
        picture.name = "Figure"
        picture._element.nvPicPr.cNvPr.set("descr", slide.alt)  # noqa: SLF001 - no other way
    source = page.shapes.add_textbox(*_points(layout.source_box))
    source.name = "Citation"
    _fill(source.text_frame, [Set(slide.source, SOURCE, strong=False)], QUIET)
    page.notes_slide.notes_text_frame.text = slide.notes


def _fill(frame: Any, paragraphs: Iterable[Set], ink: str) -> None:  # noqa: ANN401 - see above
    """Write paragraphs into a frame without margins, each in its size."""
    from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE
    from pptx.util import Pt

    frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.NONE
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    frame.vertical_anchor = MSO_ANCHOR.TOP
    for number, each in enumerate(paragraphs):
        paragraph = frame.add_paragraph() if number else frame.paragraphs[0]
        paragraph.space_after, paragraph.line_spacing = Pt(BETWEEN), Pt(each.size * LINE)
        run = paragraph.add_run()
        run.text = each.text
        run.font.size, run.font.bold, run.font.name = Pt(each.size), each.strong, FONT
        run.font.color.rgb = _rgb(ink)


def _rgb(ink: str) -> Any:  # noqa: ANN401 - see above
    from pptx.dml.color import RGBColor

    return RGBColor(*bytes.fromhex(ink))  # type: ignore[no-untyped-call]


def _points(box: Box) -> tuple[Any, ...]:
    from pptx.util import Pt

    return Pt(box.left), Pt(box.top), Pt(box.width), Pt(box.height)


def _place(shape: Any, box: Box) -> None:  # noqa: ANN401 - see above
    shape.left, shape.top, shape.width, shape.height = _points(box)


def _undated(content: bytes) -> bytes:
    """The same archive, none of whose files says when it was written."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as stored,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in stored.namelist():
            info = zipfile.ZipInfo(name, _NO_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, stored.read(name))
    return written.getvalue()
