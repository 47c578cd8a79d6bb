"""A claim's page and its record for programs, both from the ledger's row and the run's findings."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.design.entry import Entry
from harness.judging.findings import Finding
from harness.publishing.addresses import claim_page, claim_record
from harness.publishing.citable import cited_claim
from harness.publishing.citation import apa, bibtex, csl
from harness.publishing.design_told import told
from harness.publishing.explorers import explorers_of
from harness.publishing.history import history, moved
from harness.publishing.interval_plot import draw_all, drawn, is_drawable, scales_of
from harness.publishing.ledger import PublishedRun
from harness.publishing.pages import MEANING, figures_of, results_of, run_context
from harness.publishing.pictures import picture
from harness.publishing.project import project
from harness.publishing.site_sources import Sources
from harness.publishing.webpage import render_page

#: So many claims of the same section are named as neighbours.
MOST_NEIGHBOURS = 8


def claim_files(entry: Entry, sources: Sources) -> dict[str, bytes]:
    """The files of a claim by their place in the site."""
    context = _context(entry, sources)
    page = render_page("claim.html.jinja", "../", **context)
    record = json.dumps(_record(entry, context), ensure_ascii=False, indent=1) + "\n"
    return {claim_page(entry.claim): page, claim_record(entry.claim): record.encode()}


def _context(entry: Entry, sources: Sources) -> dict[str, Any]:
    rows = {_key(row): row for row in sources.rows[entry.claim]}
    results = [
        _result(entry, result, rows[_key(result)], sources)
        for result in results_of(entry.claim, sources.gathered.runs)
    ]
    current = [run.name for run in sources.gathered.runs]
    entries = history(entry.claim, sources.gathered.all, current)
    return {
        "entry": entry,
        "meaning": MEANING[entry.quantifier],
        "document": sources.documents.get(entry.document),
        "results": results,
        "rows": sources.rows[entry.claim],
        "lead": sources.lead(entry.claim),
        "history": entries,
        "moved": moved(entries),
        "explorers": explorers_of(sources.rows[entry.claim]),
        "twins": [sources.catalogue[twin] for twin in entry.same_as.split()],
        **_neighbours(entry, sources.catalogue),
    }


def _key(of: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells a claim's rows, and its results, apart."""
    return of["machine"], of["device"], of["kind"]


def _result(
    entry: Entry, result: Mapping[str, Any], row: Mapping[str, str], sources: Sources
) -> dict[str, Any]:
    run = sources.run(result["run"])
    conditions: list[Finding] = result["conditions"]
    beyond: list[Finding] = result["beyond"]
    drawings = draw_all([*conditions, *beyond])
    shown = next((finding for finding in conditions if finding.headline), None)
    return {
        **result,
        "row": row,
        "run": run_context(run, run.folder.path),
        "shown": shown,
        "plot": _plot(shown),
        "judged": list(zip(conditions, drawings, strict=False)),
        "beyond": list(zip(beyond, drawings[len(conditions) :], strict=True)),
        "designs": [
            told(run.protocol.experiments[name])
            for name in result["found"].experiments.split()
            if name in run.protocol.experiments
        ],
        "figures": _figures(run, result["found"].experiments.split(), shown, sources),
        "cited": cited_claim(entry, row, sources.protocol_of, project()),
        "files": {
            name: sources.evidence.link(place) for name, place in _downloads(run, result).items()
        },
    }


def _plot(shown: Finding | None) -> dict[str, Any] | None:
    """The headline condition on a scale of its own, with numbers below it."""
    if shown is None or not is_drawable(shown):
        return None
    (scale,) = scales_of([shown]).values()
    return {"drawn": drawn(shown, scale), "ticks": scale.ticks()}


def _figures(
    run: PublishedRun, experiments: Sequence[str], shown: Finding | None, sources: Sources
) -> list[dict[str, Any]]:
    """The figures of the claim's experiments, those of its headline first."""
    first = shown.experiment if shown else ""
    own = [figure for figure in figures_of(run, "") if figure["experiment"] in experiments]
    return [
        picture(figure["place"], figure["alt"], sources.evidence)
        for figure in sorted(own, key=lambda figure: figure["experiment"] != first)
    ]


def _downloads(run: PublishedRun, result: Mapping[str, Any]) -> dict[str, str]:
    """The stored files that a claim rests on, with their places: rows, rules, what was derived."""
    experiments = result["found"].experiments.split()
    rows = {name: run.folder_of(name).table(name) for name in experiments}
    files = {f"observations/{name}.parquet": path for name, path in rows.items()}
    for folder in dict.fromkeys([run.folder, *(run.folder_of(name) for name in experiments)]):
        of = "" if folder == run.folder else f"{folder.path.name}/"
        derived = ("verdicts.csv", "summary.csv", "protocol.json", "machine.json")
        files |= {f"{of}{name}": folder.path / name for name in derived}
    top = run.folder.path.parents[1]
    return {
        name: path.relative_to(top).as_posix() for name, path in files.items() if path.is_file()
    }


def _neighbours(entry: Entry, catalogue: Mapping[str, Entry]) -> dict[str, Any]:
    """The claims before and after this one in its document, and others of its section."""
    own = [other for other in catalogue.values() if other.document == entry.document]
    at = own.index(entry)
    near = [other for other in own if other.section == entry.section and other != entry]
    return {
        "before": own[at - 1] if at else None,
        "after": own[at + 1] if at + 1 < len(own) else None,
        "near": near[:MOST_NEIGHBOURS],
    }


def _record(entry: Entry, context: Mapping[str, Any]) -> dict[str, Any]:
    """The claim for programs: the same records that its page shows."""
    return {
        "claim": asdict(entry),
        "page": claim_page(entry.claim),
        "results": [
            {
                **_plain(asdict(result["found"])),
                **{key: result["row"][key] for key in ("device", "machine", "torch", "run")},
                "stale": result["stale"],
                "citation": apa(result["cited"]),
                "bibtex": bibtex(result["cited"]),
                "csl": csl(result["cited"]),
                "command": result["run"]["command"],
                "commit": result["run"]["commit"],
                "conditions": [_plain(asdict(finding)) for finding, _ in result["judged"]],
                "beyond": [_plain(asdict(finding)) for finding, _ in result["beyond"]],
            }
            for result in context["results"]
        ],
        "history": [asdict(each) for each in context["history"]],
    }


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as JSON knows it: no number that is none, ends without end as texts."""

    def value(of: object) -> object:
        if isinstance(of, float) and not math.isfinite(of):
            return None if math.isnan(of) else str(of)
        return of

    return {name: value(of) for name, of in record.items()}
