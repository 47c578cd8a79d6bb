"""Slides as Markdown for Marp, with the pictures beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.publishing.markdown import cell, render
from harness.publishing.pictures import png_size
from harness.publishing.pptx_slides import INKS, QUIET, RAISED, TEXT
from harness.publishing.slide_layout import (
    BADGE,
    BETWEEN,
    BODY,
    BOTTOM,
    MARGIN,
    SOURCE,
    TOP,
    laid_out,
)
from harness.publishing.slide_measures import LINE
from harness.publishing.slides import Slide

#: Marp's slides are 1280 pixels wide, where ours are 960 points.
PIXELS = 4 / 3
#: Words in a picture's alternative text that Marp would take for orders.
_ORDERS = re.compile(
    r"(?<![\w-])(bg|fit|auto|contain|cover|left|right|vertical|horizontal|blur|brightness|contrast|"
    r"drop-shadow|grayscale|hue-rotate|invert|opacity|saturate|sepia|[wh]|width|height)(?![\w-])",
    re.IGNORECASE,
)
_JOINER, _FIXED = "\N{WORD JOINER}", "\N{NO-BREAK SPACE}"


def marp_of(slides: Iterable[Slide], pictures: str) -> tuple[bytes, dict[str, Path]]:
    """A presentation in Markdown.

    Args:
        slides: in their order.
        pictures: the folder beside the file that the pictures go to.

    Returns:
        The file, and what to copy: by its place beside the file, the stored picture.
    """
    places: dict[str, Path] = {}
    told = [_told(each, pictures, places) for each in slides]
    text = render(
        "slides.md.jinja",
        slides=told,
        inks=INKS,
        text=TEXT,
        quiet=QUIET,
        raised=RAISED,
        line=LINE,
        margin=_px(MARGIN),
        top=_px(TOP),
        bottom=_px(BOTTOM),
        between=_px(BETWEEN),
        badge=_px(BADGE),
        source=_px(SOURCE),
    )
    return text.encode(), places


def _told(slide: Slide, pictures: str, places: dict[str, Path]) -> dict[str, Any]:
    layout = laid_out(slide, png_size(slide.figure) if slide.figure else None)
    picture = None
    if slide.figure and layout.figure:
        name = f"{pictures}/{re.sub(r'[^A-Za-z0-9._-]', '-', slide.name)}.png"
        places[name] = slide.figure
        alt = _ORDERS.sub(lambda found: f"{_JOINER}{found[0]}", _marked(slide.alt))
        picture = {"place": quote(name), "alt": alt, "width": _px(layout.figure.width)}
    sizes = {each.strong: _px(each.size) for each in layout.body}
    return {
        "verdict": slide.verdict,
        "badge": _marked(slide.badge),
        "machine": _marked(slide.machine) if layout.machine else "",
        "title": {"text": _marked(layout.title.text), "size": _px(layout.title.size)},
        "body": [{"text": _marked(each.text), "strong": each.strong} for each in layout.body],
        "column": _px(layout.body_box.width),
        "strong": sizes.get(True, _px(BODY)),
        "usual": sizes.get(False, _px(BODY)),
        "picture": picture,
        # A footer is Markdown in quotes of YAML, in a comment of HTML.
        "source": _marked(slide.source).replace("'", "''"),
        "notes": re.sub(r"--(?=!?>)", f"-{_JOINER}-", slide.notes),
    }


def _marked(text: str) -> str:
    """A text that Marp shows letter by letter: no list, heading, formula, or picture of a word."""
    safe = _FIXED.join(map(cell, text.split(_FIXED))).replace("$", "\\$")
    safe = re.sub(r":(?=[\w+-]+:)", f":{_JOINER}", safe)
    return re.sub(r"^(?=[-+#=~])|^(\d+)(?=[.)]\s)", lambda found: f"{found[1] or ''}\\", safe)


def _px(points: float) -> int:
    return round(points * PIXELS)
