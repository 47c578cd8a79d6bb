"""How much room a text takes on a slide: measured, so that nothing runs out of its box.

The font is DejaVu's, which matplotlib brings along and is wider than what slides are set in; both
are measured in points.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

#: A line is so many times as high as its letters' size.
LINE = 1.15
#: What Arial, or a font of its widths, takes of DejaVu's: 0.79 to 0.89 over the ledger's words.
ARIAL = 0.9
_SIZE = 100


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of a text in one line, set in Arial of a size."""
    return _font(bold=bold).getlength(text) * size / _SIZE * ARIAL


def lines(text: str, size: float, room: float, *, bold: bool = False) -> list[str]:
    """A text broken between words into lines that fit a room; a longer word is broken itself."""
    found = [""]
    for word in _pieces(text, size, room, bold=bold):
        longer = f"{found[-1]} {word}".strip()
        if found[-1] and width(longer, size, bold=bold) > room:
            found.append(word)
        else:
            found[-1] = longer
    return found


def height(text: str, size: float, room: float, *, bold: bool = False) -> float:
    """The height of a text in a room of this width."""
    return len(lines(text, size, room, bold=bold)) * size * LINE


def shortened(text: str, size: float, room: float, most: float, *, bold: bool = False) -> str:
    """The text, cut after a word where it would be higher than this."""
    if height(text, size, room, bold=bold) <= most:
        return text
    count = max(int(most / (size * LINE)), 1)
    kept = " ".join(lines(text, size, room, bold=bold)[:count])
    while kept and height(f"{kept} …", size, room, bold=bold) > most:
        kept = kept.rpartition(" ")[0]
    return f"{kept} …".strip()


def _pieces(text: str, size: float, room: float, *, bold: bool) -> Iterator[str]:
    for word in text.split(" "):  # and not at the spaces that no line ends at
        rest = word
        while width(rest, size, bold=bold) > room and len(rest) > 1:
            fitting = range(len(rest) - 1, 0, -1)
            at = next((n for n in fitting if width(rest[:n], size, bold=bold) <= room), 1)
            yield rest[:at]
            rest = rest[at:]
        yield rest


@lru_cache(maxsize=2)
def _font(*, bold: bool) -> FreeTypeFont:
    from PIL import ImageFont

    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise HarnessError("This needs matplotlib, which is not installed here.")
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / name
    return ImageFont.truetype(path, _SIZE, layout_engine=ImageFont.Layout.BASIC)
