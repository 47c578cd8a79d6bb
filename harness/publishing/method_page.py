"""The page on method: how a number comes about, and how the instrument was tried."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from harness.design.claims import CONFIDENCE
from harness.judging.verdicts import FEW, MOST
from harness.judging.warnings import WARNINGS
from harness.meters.clock import CHUNK_SECONDS
from harness.publishing.evidence import Evidence
from harness.publishing.pages import MEANING
from harness.publishing.site_sources import Sources
from harness.publishing.webpage import render_page

#: The calibrations, as pages in Markdown that stand in the results folder.
CALIBRATIONS = ("calibration.md", "clock.md", "gate.md", "gate_tools.md")
#: What these pages show and link.
FILES = tuple(
    Path(name).with_suffix(suffix).name
    for name in CALIBRATIONS
    for suffix in (".csv", ".svg", ".png")
)


def method_page(sources: Sources) -> bytes:
    """The page, with the calibrations as they stand in the results folder."""
    pages = [sources.results / name for name in CALIBRATIONS]
    return render_page(
        "method.html.jinja",
        "",
        confidence=f"{100 * CONFIDENCE:g}",
        chunk=f"{1000 * CHUNK_SECONDS:g}",
        most=f"{100 * MOST:g}",
        few=f"{100 * FEW:g}",
        meanings=MEANING,
        warnings=list(WARNINGS.values()),
        policy=sources.ledger["policy"].replace("`", ""),
        calibrations=[
            as_html(path.read_text(encoding="utf-8"), sources.evidence)
            for path in pages
            if path.is_file()
        ],
    )


def as_html(text: str, evidence: Evidence) -> Markup:
    """A generated page in Markdown as a part of a page in HTML.

    Headings go down by one, tables can be scrolled by keyboard, links lead to the stored files, and
    HTML inside of it is shown letter by letter.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL))
    title = next((token.content for token in tokens if token.type == "inline"), "")
    _fit(tokens, evidence)
    body = str(markdown.renderer.render(tokens, markdown.options, {}))
    before, *tables = body.replace("</table>", "</table></div>").split("<table>")
    begin = Markup('<div class="scroll" role="region" tabindex="0" aria-label="{}, table {}">')
    framed = [
        begin.format(title, number) + Markup(f"<table>{rest}")  # noqa: S704 - see below
        for number, rest in enumerate(tables, start=1)
    ]
    # The renderer made it, and escapes what it is given.
    return Markup("").join([Markup(before), *framed])  # noqa: S704


def _fit(tokens: Sequence[Token], evidence: Evidence) -> None:
    """Change what the renderer is about to write, in place."""
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{int(token.tag[1]) + 1}"
        if token.type in ("th_open", "td_open"):
            _cell(token.attrs, head=token.type == "th_open")
        for attribute in ("href", "src"):
            if attribute in token.attrs and "/" not in str(token.attrs[attribute]):
                token.attrs[attribute] = evidence.link(str(token.attrs[attribute]))
        if token.type == "image":  # as on all pages; the svg beside it is there to download
            token.attrs["src"] = re.sub(r"\.svg$", ".png", str(token.attrs["src"]))
        if token.children:
            _fit(token.children, evidence)


def _cell(attributes: dict[str, Any], *, head: bool) -> None:
    """Styles stand in the style sheet; a head says of what it is one."""
    if attributes.pop("style", ""):
        attributes["class"] = "number"
    if head:
        attributes["scope"] = "col"
