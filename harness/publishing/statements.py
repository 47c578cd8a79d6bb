"""Statements: what citations say, found again in texts, BibTeX, CSL JSON and slides."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import HarnessError
from harness.publishing.bibtex import plain_text, read_entries
from harness.publishing.slide_layout import FINDING_BOX, VERDICT_BOX
from harness.words import COLOURS

#: Nothing that people cite in is larger; a file that is tells of another use.
LARGEST, LARGEST_UNPACKED = 256 * 2**20, 2**30
#: Paragraphs and texts of slides are elements of this namespace.
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_VERDICT = "|".join(COLOURS)
#: A statement begins with what it is of and its verdict, and ends with its source; between them
#: stand words in quotation marks and what was found, or nothing.
_HEAD = re.compile(
    r"\b(?P<kind>Claim|Study|Run) (?P<id>\S{1,200}?)(?: \((?P<counterpart>\w+) counterpart\))?, "
    rf"(?P<verdict>(?:{_VERDICT})|\d+ (?:{_VERDICT})(?:, \d+ (?:{_VERDICT}))*)"
    r'(?=: ?"|\.? ?$)'
)
_SOURCE = re.compile(
    r"\(Version (?P<version>[^;()\s]+); runs? (?P<runs>[^;()]+); commits? (?P<commits>[^;()]+); "
    r"torch (?P<torch>[^;()]+); (?P<device>\w+)\)"
)
#: What tells a text written for LaTeX: no run's name is without such a mark there.
_LATEX = re.compile(r"\\_|\\[%&#]|\\text[a-z]+")


@dataclass(frozen=True)
class Statement:
    """What one citation says.

    Attributes:
        kind: "claim", "study" or "run".
        id: of it.
        counterpart: the device of a counterpart; empty for none.
        verdict: the claim's, or how many claims have which.
        said: the words of the claim in quotation marks, and what was found; empty where only the
            source is named.
        runs: the places of the runs.
        commits: of the runs.
        device: that they measured on.
        where: in the file, in words; empty where there is but one place.
        shown: what its slide tells the audience, which somebody may have edited since.
    """

    kind: str
    id: str
    counterpart: str
    verdict: str
    said: str
    runs: tuple[str, ...]
    commits: tuple[str, ...]
    device: str
    where: str = ""
    shown: str = ""


def statements(text: str, where: str = "") -> list[Statement]:
    """The statements of a text, in its order.

    Lines may be broken anywhere between words, and quotation marks may be typographic ones.
    """
    flat = " ".join(re.sub("[\u201c\u201d\u201e]", '"', text.replace("\u00a0", " ")).split())
    found, at = [], 0
    for source in _SOURCE.finditer(flat):
        head = _HEAD.search(flat, at, source.start())
        at = source.end()
        if head is None:
            continue
        found.append(
            Statement(
                head["kind"].lower(),
                head["id"],
                head["counterpart"] or "",
                head["verdict"],
                flat[head.end() : source.start()].lstrip(":. ").rstrip(),
                tuple(source["runs"].split(", ")),
                tuple(source["commits"].split(", ")),
                source["device"],
                where,
            )
        )
    return found


def read_statements(path: Path) -> list[Statement]:
    """The statements of a file: BibTeX, CSL JSON, slides, or any text.

    Raises:
        HarnessError: it cannot be read, is broken, or holds no statement of ours.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise HarnessError(f"{path}: a file of more than {LARGEST >> 20} MiB is no citation.")
        content = path.read_bytes()
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror or error}).") from error
    if path.suffix.lower() == ".pptx" or content.startswith(b"PK\x03\x04"):
        return _some(list(_of_slides(path)), str(path))
    return statements_in(content, str(path))


def statements_in(content: bytes, name: str) -> list[Statement]:
    """The statements of a text in any of its forms, told by how it begins.

    Args:
        content: its bytes.
        name: what to call it where it is refused.

    Raises:
        HarnessError: it is no text, is broken, or holds no statement of ours.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HarnessError(f"{name}: this is no text, and no pptx.") from error
    try:
        found = _of_text(text, name)
    except HarnessError as error:
        raise HarnessError(f"{name}: {error}.") from error
    return _some(found, name)


def _of_text(text: str, name: str) -> list[Statement]:
    if text.lstrip().startswith(("[", "{")) and _is_json(text, name):
        return _of_csl(json.loads(text))
    if re.search(r"^\s*@\s*\w+\s*\{", text, re.MULTILINE):
        return _of_bibtex(text)
    return statements(plain_text(text) if _LATEX.search(text) else text)


def _some(found: list[Statement], name: str) -> list[Statement]:
    if not found:
        raise HarnessError(
            f"{name}: no citation of training-claims is in it; `python -m harness cite` and "
            "`python -m harness slides` write them."
        )
    return merged(found)


def merged(found: Iterable[Statement]) -> list[Statement]:
    """Each statement once: of two that say the same in one place, the fuller one."""
    kept: dict[Statement, Statement] = {}
    for each in found:
        same = replace(each, said="")
        if same not in kept or len(each.said) > len(kept[same].said):
            kept[same] = each
    return list(kept.values())


def _is_json(text: str, name: str) -> bool:
    """Whether a text that may be JSON is; a list of references may begin with a bracket, too.

    Raises:
        HarnessError: it is called JSON, and is broken.
    """
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        if not name.endswith(".json"):
            return False
        raise HarnessError(f"this is not whole JSON ({error})") from error
    return True


def _of_csl(content: object) -> list[Statement]:
    """Of an array of items, one item, or a library of items, as different programs export them."""
    if isinstance(content, dict) and isinstance(content.get("items"), list):
        content = content["items"]
    items = content if isinstance(content, list) else [content]
    return [each for item in items if isinstance(item, dict) for each in _of_entry(item)]


def _of_bibtex(text: str) -> list[Statement]:
    return [each for entry in read_entries(text) for each in _of_entry(entry)]


def _of_entry(entry: Mapping[str, object]) -> list[Statement]:
    """Of an entry of a bibliography, whichever of its fields comes first."""
    return statements(f"{entry.get('title', '')} {entry.get('note', '')}")


def _of_slides(path: Path) -> Iterator[Statement]:
    """Of every slide: what stands on it, and in its notes.

    Raises:
        HarnessError: it is no presentation, or a broken one.
    """
    for number, (text, shown) in enumerate(_texts_of_slides(path), start=1):
        for statement in statements(text, f"slide {number}"):
            yield replace(statement, shown=shown)


def _texts_of_slides(path: Path) -> list[tuple[str, str]]:
    """Of every slide all that is written on it and in its notes, and what its finding is."""
    from lxml import etree
    from pptx import Presentation
    from pptx.exc import PythonPptxError

    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > LARGEST_UNPACKED:
                raise HarnessError(f"{path}: unpacked, these slides are larger than any.")
        slides = Presentation(str(path)).slides
        return [
            (
                "\n".join(
                    "".join(node.itertext(f"{DRAWING}t"))
                    for part in (slide, slide.notes_slide if slide.has_notes_slide else None)
                    if part is not None
                    for node in part.element.iter(f"{DRAWING}p")
                ),
                "\n".join(
                    shape.text_frame.text
                    for shape in slide.shapes
                    if shape.name in (VERDICT_BOX, FINDING_BOX) and shape.has_text_frame
                ),
            )
            for slide in slides
        ]
    except (
        *(zipfile.BadZipFile, etree.XMLSyntaxError, PythonPptxError),
        *(OSError, KeyError, ValueError, AttributeError, TypeError, NotImplementedError),
    ) as error:
        raise HarnessError(f"{path}: this is no whole pptx ({error}).") from error
