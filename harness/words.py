"""Words and numbers as every reader meets them: terminal, tables and pages alike."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches

#: All verdicts, in the order they are counted and shown, with a colour each.
COLOURS = {
    "reproduced": "green",
    "refuted": "red",
    "mixed": "yellow",
    "inconclusive": "magenta",
    "not measurable": "blue",
    "not tested": "dim",
}

#: The unit of a response that says of something whether it is so, as 1 or 0.
YES_NO = "yes/no"

#: Texts of studies, files and errors are cut to this many characters where they are shown.
LONGEST_TEXT = 500

#: Numbers outside of these are written with a power of ten; whole numbers need no decimals.
_SMALLEST, _LARGEST, _WHOLE = 1e-4, 1e6, 999.5
_A_NOUN = 4
_SECONDS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))


def number(value: float) -> str:
    """A number with three digits that count: 0.0123, 1.84, 1,830, 2.1e+07."""
    size = abs(value)
    if value == 0:
        return "0"
    if not math.isfinite(value) or size >= _LARGEST or size < _SMALLEST:
        return f"{value:.3g}"
    if size >= _WHOLE:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def quantity(value: str, unit: str) -> str:
    """A number, already as text, with its unit; a pure number, of unit "1", stands alone."""
    if unit in ("1", YES_NO):
        return value
    return f"{value} {_singular(unit) if value == '1' else unit}"


def amount(value: float, unit: str) -> str:
    """A number with its unit; seconds in the unit that suits them."""
    if unit == "s" and value and math.isfinite(value):
        name, size = next((u for u in _SECONDS if abs(value) >= u[1]), _SECONDS[-1])
        return f"{number(value / size)} {name}"
    return quantity(number(value), unit)


def _singular(unit: str) -> str:
    """The unit of one, where it is a counted thing: "1 warning", "1 batch"."""
    if not unit.islower() or not unit.isalpha() or not unit.endswith("s") or len(unit) < _A_NOUN:
        return unit
    return unit[:-2] if unit.endswith(("ches", "sses", "xes")) else unit[:-1]


def interval(low: float, high: float, unit: str) -> str:
    """Both ends in words, with the unit once: "0.91 to 0.94", "1.2 to 1.4 ms"."""
    ends = amount(low, unit), amount(high, unit)
    if ends[0] == ends[1]:
        return ends[0]
    first, _, unit_of_first = ends[0].partition(" ")
    if unit_of_first and unit_of_first == ends[1].partition(" ")[2]:
        return f"{first} to {ends[1]}"
    return f"{ends[0]} to {ends[1]}"


def plural(count: int, noun: str) -> str:
    """The count with its noun, which gets an s unless it is one."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def counts_text(verdicts: Iterable[str]) -> str:
    """How many claims have which verdict: "10 reproduced, 3 refuted"."""
    counts = Counter(verdicts)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in COLOURS if counts[verdict])


def holds_in(count: int, total: int) -> str:
    """In how many of its settings a claim holds."""
    return f"Holds in {count} of {total} settings"


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """A sentence with the names most like one that nobody knows, or nothing.

    Args:
        given: what was asked for.
        known: the names there are.
    """
    names = list(known)
    # Nobody types a name of thousands of letters, and comparing it would take for ever.
    word = given[:LONGEST_TEXT]
    alike = [name for name in names if name.lower().startswith(word.lower()[:4])]
    near = get_close_matches(word, names, n=8, cutoff=0.5) or alike[:8]
    return f" Do you mean one of {', '.join(near)}?" if near else ""


def sentence_case(text: str) -> str:
    """The text with a capital letter at its beginning; names in code keep theirs."""
    head = text.split(" ", 1)[0]
    is_name = any(mark in head for mark in "_(.") or head[1:] != head[1:].lower()
    return text if is_name else text[:1].upper() + text[1:]


def shown(text: str, longest: int = LONGEST_TEXT) -> str:
    """A text of a study, a file or an error, safe for a terminal, a table or a page.

    Control characters (a terminal's escapes, new lines, direction marks) are shown as escapes, and
    what is too long is cut and says how long it was.
    """
    cut = text[:longest]
    # Nearly all texts are safe as they are, and a site has a hundred thousand of them.
    clean = cut.isprintable()
    safe = cut if clean else "".join(c if c.isprintable() else _escape(c) for c in cut)
    return safe if len(text) <= longest else f"{safe}... ({len(text):,} characters)"


def shown_by_lines(text: str, longest: int = 20_000) -> str:
    """A text of several lines, each of them safe; see ``shown``."""
    return "\n".join(shown(line, longest) for line in text.split("\n"))


def plain(text: str) -> str:
    """A text in one line without its control characters, for a row of a table."""
    safe = (c if c.isprintable() or c.isspace() else _escape(c) for c in text)
    return " ".join("".join(safe).split())


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
