"""BibTeX: texts that cannot break an entry, and entries read back as plain texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.errors import HarnessError

#: Characters that BibTeX or LaTeX would take for their own, and some that a LaTeX with few fonts
#: lacks. BibTeX counts a brace behind a backslash, too, so braces are written by name.
_NAMES = {
    "\\": "textbackslash",
    "{": "textbraceleft",
    "}": "textbraceright",
    "^": "textasciicircum",
    "~": "textasciitilde",
    "`": "textasciigrave",
    "<": "textless",
    ">": "textgreater",
    "|": "textbar",
    "µ": "textmu",
    "°": "textdegree",
    "\N{MULTIPLICATION SIGN}": "texttimes",
    "±": "textpm",
    "\N{EN DASH}": "textendash",
    "—": "textemdash",
    "“": "textquotedblleft",
    "”": "textquotedblright",
    "\N{LEFT SINGLE QUOTATION MARK}": "textquoteleft",
    "\N{RIGHT SINGLE QUOTATION MARK}": "textquoteright",
    "…": "textellipsis",
}
_IN_MATHS = {"≤": "leq", "≥": "geq", "≈": "approx", "→": "rightarrow", "∞": "infty", "√": "surd"}
_BEHIND_A_BACKSLASH = "$%&#_"
_ESCAPES = (
    {character: f"{{\\{name}}}" for character, name in _NAMES.items()}
    | {character: f"{{\\ensuremath{{\\{name}}}}}" for character, name in _IN_MATHS.items()}
    | {character: f"\\{character}" for character in _BEHIND_A_BACKSLASH}
)
#: What other programs write for the same characters.
_CHARACTERS = {name: character for character, name in (_NAMES | _IN_MATHS).items()} | {
    "ensuremath": "",
    "textquotesingle": "'",
    "textquotedbl": '"',
    "textunderscore": "_",
    "textdollar": "$",
    "textpercent": "%",
    "ldots": "…",
    "times": "\N{MULTIPLICATION SIGN}",
    "pm": "±",
}
_COMMAND = re.compile(r"\\([A-Za-z]+)(?:\{\}|[ \t]+(?![ \t])|)|\\([^A-Za-z])|([{}])|(``|'')|(~)")
_FIELD = re.compile(r"\s*([A-Za-z][\w:+./-]*)\s*=\s*")
_ENTRY = re.compile(r"@\s*([A-Za-z]+)\s*\{")
_KEY = re.compile(r"\s*([^\s,{}\"#%=]+)\s*,")
#: Blocks that are no entries.
_OTHERS = frozenset({"comment", "string", "preamble"})


@dataclass(frozen=True)
class Verbatim:
    """A value as it is, that needs no braces: a number, or the name of a month."""

    text: str


def escaped(text: str) -> str:
    """A text in one line that LaTeX shows letter by letter, with as many braces open as closed."""
    line = "".join(_ESCAPES.get(character, character) for character in " ".join(text.split()))
    # Two hyphens would become a dash, and two apostrophes a quotation mark.
    line = re.sub(r"([-'])(?=\1)", r"\1{}", line)
    # A straight quotation mark is a shorthand in some languages: opening and closing ones are not.
    return re.sub(r'(?:^|(?<=[\s(\[]))"', "``", line).replace('"', "''")


def plain_text(latex: str) -> str:
    """The inverse of ``escaped``, also where another program has written the same otherwise."""

    def character(found: re.Match[str]) -> str:
        name, mark, brace, quotes, tie = found.groups()
        if name is not None:
            return _CHARACTERS.get(name, "")
        if mark is not None:
            return str(mark)
        return "" if brace else '"' if quotes else " " if tie else ""

    return " ".join(_COMMAND.sub(character, latex).split())


def entry(kind: str, key: str, fields: Mapping[str, str | Verbatim]) -> str:
    """One entry.

    Args:
        kind: its type, without the @.
        key: what documents cite it by.
        fields: by name, texts as they are; each is escaped here. An empty one is left out.
    """
    lines = [
        f"  {name} = {value.text}"
        if isinstance(value, Verbatim)
        # Two pairs of braces: no style changes capital letters, or takes a group for a person.
        else f"  {name} = {{{{{escaped(value)}}}}}"
        for name, value in fields.items()
        if (value.text if isinstance(value, Verbatim) else value)
    ]
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}\n"


def read_entries(text: str) -> list[dict[str, str]]:
    """The entries of a file, each with its fields as plain texts, by their names in small letters.

    Raises:
        HarnessError: an entry does not end, or has no fields.
    """
    entries, at = [], 0
    while begins := _ENTRY.search(text, at):
        if begins[1].lower() in _OTHERS:
            at = begins.end()
            continue
        line = text.count("\n", 0, begins.start()) + 1
        fields, at = _fields(text, begins.end(), line)
        entries.append(fields)
    return entries


def _fields(text: str, at: int, line: int) -> tuple[dict[str, str], int]:
    key = _KEY.match(text, at)
    if key is None:
        raise HarnessError(f"the BibTeX entry in line {line} has no key")
    found, at = {}, key.end()
    while name := _FIELD.match(text, at):
        value, at = _value(text, name.end(), line)
        found[name[1].lower()] = plain_text(value)
        at += len(text[at:]) - len(text[at:].lstrip())
        if text[at : at + 1] == ",":
            at += 1
    at += len(text[at:]) - len(text[at:].lstrip())
    if text[at : at + 1] != "}":
        raise HarnessError(f"the BibTeX entry in line {line} does not end")
    return found, at + 1


def _value(text: str, at: int, line: int) -> tuple[str, int]:
    """A value that begins at a place: in braces, in quotes, or bare; and where it ends."""
    begin = text[at : at + 1]
    if begin not in ("{", '"'):
        bare = re.compile(r"[^,}\s]*").match(text, at)
        return (bare[0], bare.end()) if bare else ("", at)
    depth, end = 0, "}" if begin == "{" else '"'
    for place in range(at + 1, len(text)):
        if text[place] == end and depth == 0:
            return text[at + 1 : place], place + 1
        depth += {"{": 1, "}": -1}.get(text[place], 0)
    raise HarnessError(f"the BibTeX entry in line {line} does not end")
