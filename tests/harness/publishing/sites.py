"""Built sites and what tests ask of them: helpers, no tests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from harness.protocol.checksum import json_sha256
from harness.store.folders import RunFolder

CHROMIUM = shutil.which("chromium")
#: Marks of tests in a real browser: Debian's chromium, without which they are skipped.
IN_BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]


@dataclass
class Parsed(HTMLParser):
    """A page as a browser would take it apart, as far as tests ask.

    Attributes:
        links: what it points at, by link or by source.
        ids: the places inside of it.
        scripts: what stands in script elements.
        handlers: attributes that would run as script.
        tags: how often each element begins.
        words: all text outside of head.
    """

    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    handlers: list[str] = field(default_factory=list)
    tags: dict[str, int] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self._open.append(tag)
        for name, value in attrs:
            if name in ("href", "src", "action") and value and not value.startswith("data:"):
                self.links.append(value)
            if name == "id" and value:
                self.ids.append(value)
            if name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.handlers.append(f"{name}={value}")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)
        self.words.append(data)

    @property
    def text(self) -> str:
        """All words, blanks between them."""
        return " ".join(" ".join(self.words).split())


def parsed(path: Path) -> Parsed:
    """A page taken apart."""
    page = Parsed()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def pages(site: Path) -> Iterator[tuple[str, Parsed]]:
    """Every page of a site by its place in it."""
    for path in sorted(site.rglob("*.html")):
        yield path.relative_to(site).as_posix(), parsed(path)


def dead_links(site: Path) -> list[str]:
    """Links inside the site, or to stored files beside it, that lead nowhere."""
    known = {name: set(page.ids) for name, page in pages(site)}
    dead = []
    for name, page in pages(site):
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                dead.append(f"{name}: {link} needs a network")
                continue
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            target = target.resolve()
            if not target.is_file():
                dead.append(f"{name}: {link}")
            elif parts.fragment and target.is_relative_to(site.resolve()):
                place = target.relative_to(site.resolve()).as_posix()
                if parts.fragment not in known[place]:
                    dead.append(f"{name}: {link} has no such place")
    return dead


def older_copy(run: RunFolder, name: str, started: str) -> RunFolder:
    """A second run beside one, the same but for its date: the one that a newer run superseded."""
    older = RunFolder(run.path.parent / name)
    shutil.copytree(run.path, older.path)
    rewrite_protocol(older, started=started)
    return older


def rewrite_protocol(run: RunFolder, **changes: object) -> None:
    """Change what a protocol says, and its checksum with it."""
    path = run.path / "protocol.json"
    content = json.loads(path.read_text(encoding="utf-8")) | changes
    content.pop("sha256")
    path.write_text(json.dumps({**content, "sha256": json_sha256(content)}), encoding="utf-8")
