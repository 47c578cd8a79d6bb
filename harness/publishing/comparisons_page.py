"""The page on what got slower or hungrier between two sides: every comparison that is kept."""

from __future__ import annotations

from typing import Any

from harness.figures.ratios import NAME as FIGURE
from harness.publishing.markdown import cell
from harness.publishing.method_page import as_html
from harness.publishing.pictures import picture
from harness.publishing.site_sources import Sources
from harness.publishing.webpage import render_page


def comparisons_page(sources: Sources) -> bytes:
    """The page, newest comparison first, each with what it said of itself."""
    gathered = sources.comparisons
    shown = [_shown(row, sources) for row in reversed(gathered.rows)]
    return render_page("comparisons.html.jinja", "", compared=shown, broken=gathered.broken)


def _shown(row: dict[str, Any], sources: Sources) -> dict[str, Any]:
    folder = sources.results / row["folder"]
    summary, figure = folder / row["page"], f"{row['folder']}/figures/{FIGURE}.png"
    text = summary.read_text(encoding="utf-8") if summary.is_file() else ""
    said_then = text.partition("\n")[0]
    alt = f"Time or memory of {row['head']} as a ratio to {row['base']}, a line a benchmark."
    evidence = sources.evidence
    return {
        **row,
        "day": row["started"][:10],
        "told": as_html(text, evidence) if text else "",
        "changed": said_then != f"**{cell(row['verdict'])}**",
        "figure": picture(figure, alt, evidence) if (sources.results / figure).is_file() else None,
        "files": {name: evidence.link(f"{row['folder']}/{name}") for name in _files(row, sources)},
    }


def _files(row: dict[str, Any], sources: Sources) -> list[str]:
    """What can be downloaded; the figures have links of their own."""
    names = sources.evidence.files(row["folder"])
    return [name for name in names if not name.startswith("figures/")]
