"""The table of all claims, with what its search and its filters go by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.publishing.history import history, moved
from harness.publishing.site_sources import Sources
from harness.publishing.surprises import distance
from harness.publishing.webpage import SIGNS, render_page

#: How far a number lies from the edge of where its claim holds, see ``surprises.distance``: the
#: least distance of each choice of the filter, with its words.
EFFECTS = {
    "far": (0.5, "far from the claim's edge (half or more)"),
    "clear": (0.1, "clear of the edge (a tenth to a half)"),
    "near": (0.0, "near the edge (less than a tenth)"),
}
#: The choice for claims of one exact value, which has no edge to be far from.
EXACT = {"exact": "exact values"}


def claim_table(sources: Sources) -> bytes:
    """The page with a row for every claim of the catalogue."""
    current = [run.name for run in sources.gathered.runs]
    runs = sources.gathered.all
    return render_page(
        "claims.html.jinja",
        "../",
        rows=[
            _row(claim, sources, moved(history(claim, runs, current)))
            for claim in sources.catalogue
        ],
        choices=_choices(sources),
        broken=sources.gathered.broken,
    )


def _choices(sources: Sources) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """The filters: of each its label, and its choices with their words."""
    documents = sorted({entry.document for entry in sources.catalogue.values()})
    devices = sorted({run.protocol.device for run in sources.gathered.runs})
    titles = {key: f": {document.title}" for key, document in sources.documents.items()}
    effects = {name: words for name, (_, words) in EFFECTS.items()} | EXACT
    return {
        "verdict": ("Verdict", [(verdict, verdict) for verdict in SIGNS]),
        "document": ("Document", [(key, f"{key}{titles.get(key, '')}") for key in documents]),
        "study": ("Study", [(study, study) for study in sources.studies]),
        "device": ("Device", [(device, device) for device in devices]),
        "effect": ("Effect", list(effects.items())),
    }


def _row(claim: str, sources: Sources, since: str) -> dict[str, Any]:
    lead = sources.lead(claim)
    return {
        "entry": sources.catalogue[claim],
        "results": [row for row in sources.rows[claim] if row["kind"] == "claim"],
        "sentence": lead["sentence"],
        "machine": lead["machine"],
        "effect": _effect(lead),
        "gap": f"{distance(lead):.4f}" if lead["estimate"] else "",
        "moved": since,
    }


def _effect(row: Mapping[str, str]) -> str:
    """The choice of the filter that a row belongs to; none where it has no number."""
    if not row["estimate"]:
        return ""
    if row["region"].startswith("equal to"):
        return "exact"
    gap = distance(row)
    return next(name for name, (least, _) in EFFECTS.items() if gap >= least)
