"""Citations: what is cited of a claim, a study or a run, and the three forms it is written in.

All forms are made of the same two texts, a title and a note, which ``statements`` reads again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from harness.publishing.bibtex import Verbatim, entry, escaped
from harness.publishing.project import Project
from harness.words import plain, shown

Kind: TypeAlias = Literal["claim", "study", "run"]
Form: TypeAlias = Literal["bibtex", "apa", "csl"]
FORMS: tuple[Form, ...] = get_args(Form)
#: No words of a catalogue or a finding are cited longer than this.
_LONGEST = 1000
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9._~/?&=:+-]+")


@dataclass(frozen=True)
class Cited:
    """What a citation carries.

    Attributes:
        kind: of what it is of.
        id: the claim's id, the study's name, or the run's place below the results folder.
        counterpart: the device, where a claim about another device's code was measured on it.
        verdict: of the claim; of a study or a run how many of its claims have which verdict.
        says: the claim's words, or the study's question.
        sentence: what was found, with estimate, interval and number of blocks.
        runs: the places of the runs whose rows it rests on, newest first.
        commits: of these runs.
        date: of the newest of them, as 2026-11-26.
        torch: its version.
        machine: the machine's short name.
        device: "cpu" or "cuda".
        project: authors, title and version.
        numbers: the estimate, its interval, its unit and the blocks, as the ledger holds them.
    """

    kind: Kind
    id: str
    verdict: str
    says: str
    sentence: str
    runs: tuple[str, ...]
    commits: tuple[str, ...]
    date: str
    torch: str
    machine: str
    device: str
    project: Project
    counterpart: str = ""
    numbers: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> str:
        """What documents cite it by: the same for as long as it names the same run."""
        whole = self.id if self.kind == "run" else f"{self.id}-{self.runs[0]}"
        key = re.sub(r"[^A-Za-z0-9_.+-]+", "-", whole)
        if key == whole.replace("/", "-"):
            return key
        return f"{key.strip('-')}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"

    @property
    def title(self) -> str:
        """What is cited, its verdict, and its words."""
        of = f" ({self.counterpart} counterpart)" if self.counterpart else ""
        head = f"{self.kind.capitalize()} {self.id}{of}, {self.verdict}"
        return f'{head}: "{self.quoted}"' if self.says else head

    @property
    def quoted(self) -> str:
        """The words as they are cited."""
        return _told(self.says)

    @property
    def told(self) -> str:
        """What was found, as it is cited."""
        return _told(self.sentence)

    @property
    def source(self) -> str:
        """Which version, run, commit and torch it is from."""
        parts = (
            f"Version {self.project.version}",
            f"run{'s' if len(self.runs) > 1 else ''} {', '.join(self.runs)}",
            f"commit{'s' if len(self.commits) > 1 else ''} {', '.join(self.commits)}",
            f"torch {self.torch}",
            self.device,
        )
        return f"({'; '.join(parts)})"

    @property
    def note(self) -> str:
        """What was found, and its source."""
        return f"{self.told} {self.source}".strip()


def _told(text: str) -> str:
    return shown(plain(text), _LONGEST)


def written(cited: Sequence[Cited], form: Form) -> str:
    """Several citations in one form: a file of entries, a list of references, one JSON array."""
    if form == "csl":
        return json.dumps([csl(each) for each in cited], ensure_ascii=False, indent=1) + "\n"
    return "\n".join(bibtex(each) if form == "bibtex" else f"{apa(each)}\n" for each in cited)


def all_forms(cited: Cited) -> dict[Form, str]:
    """One citation in every form."""
    return {form: written([cited], form) for form in FORMS}


def apa(cited: Cited) -> str:
    """A reference in APA's style, in one line."""
    project = cited.project
    year, month, day = _date(cited)
    end = f" {project.url}" if project.url else ""
    return (
        f"{_ended(' & '.join(project.authors))} ({year}, {_MONTHS[month - 1]} {day}). "
        f"{_ended(cited.title)} {cited.note} [Data set]. {_ended(project.title)}{end}"
    )


def bibtex(cited: Cited) -> str:
    """An entry for BibTeX and biblatex."""
    project = cited.project
    year, month, _ = _date(cited)
    authors = " and ".join(f"{{{escaped(author)}}}" for author in project.authors)
    fields: dict[str, str | Verbatim] = {
        "author": Verbatim(f"{{{authors}}}"),
        "title": cited.title,
        "howpublished": project.title,
        "year": Verbatim(str(year)),
        "month": Verbatim(_MONTHS[month - 1][:3].lower()),
        "version": project.version,
        "note": cited.note,
        "url": Verbatim(f"{{{project.url}}}" if _PLAIN_URL.fullmatch(project.url) else ""),
    }
    return entry("misc", cited.key, fields)


def csl(cited: Cited) -> dict[str, Any]:
    """An item of CSL JSON, as Zotero, Pandoc and others read it."""
    project = cited.project
    return {
        "id": cited.key,
        "type": "dataset",
        "title": cited.title,
        "author": [{"literal": author} for author in project.authors],
        "issued": {"date-parts": [list(_date(cited))]},
        "version": project.version,
        "publisher": project.title,
        "note": cited.note,
        **({"URL": project.url} if project.url else {}),
        "custom": {
            cited.kind: cited.id,
            "verdict": cited.verdict,
            **{name: value for name, value in cited.numbers.items() if value},
            "run": " ".join(cited.runs),
            "commit": " ".join(cited.commits),
            "machine": cited.machine,
            "device": cited.device,
            "torch": cited.torch,
        },
    }


def _date(cited: Cited) -> tuple[int, int, int]:
    year, month, day = map(int, cited.date.split("-"))
    return year, month, day


def _ended(text: str) -> str:
    """A text that ends as a sentence does, a quotation by its own mark."""
    return text if text.endswith((".", '."', '?"', '!"')) else f"{text}."
