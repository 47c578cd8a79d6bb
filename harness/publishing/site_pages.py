"""The pages of a site beside those of claims: the first one, studies, runs, machines."""

from __future__ import annotations

from collections import Counter
from typing import Any

from harness.publishing.citable import cited_run, cited_study
from harness.publishing.design_told import told
from harness.publishing.ledger import PublishedRun
from harness.publishing.machines import facts, packages
from harness.publishing.pages import figures_of, followed, run_context
from harness.publishing.pictures import picture
from harness.publishing.project import project
from harness.publishing.site_sources import Sources
from harness.publishing.webpage import render_page
from harness.words import counts_text


def first_page(sources: Sources) -> bytes:
    """The question, the counts, what surprises most, and one claim followed."""
    told_of = followed(sources.table, sources.results)
    own = [row for rows in sources.rows.values() for row in rows if row["kind"] == "claim"]
    figure = told_of["figure"] if told_of else None
    return render_page(
        "first.html.jinja",
        "",
        **sources.ledger,
        verdict_counts=Counter(row["verdict"] for row in own),
        questions=sources.questions,
        documents=sources.documents,
        followed=told_of,
        figure=picture(figure["path"], figure["alt"], sources.evidence) if figure else None,
        broken=sources.gathered.broken,
    )


def study_page(study: str, sources: Sources) -> bytes:
    """A study: its question, its runs, its claims with their verdicts, its figures."""
    runs = [run for run in sources.gathered.runs if run.protocol.study == study]
    rows = [row for rows in sources.rows.values() for row in rows if row["study"] == study]
    newest = max(runs, key=lambda run: run.protocol.started, default=None)
    shown = [_run(run, sources) for run in runs]
    counting = {part["name"] for run in shown for part in run["parts"]}
    superseded = [r for r in sources.gathered.superseded if r.protocol.study == study]
    return render_page(
        "study.html.jinja",
        "../",
        study=study,
        question=sources.questions.get(study, ""),
        runs=shown,
        superseded=[run for run in superseded if run.name not in counting],
        rows=rows,
        counts=counts_text([row["verdict"] for row in rows if row["kind"] == "claim"]),
        designs=[told(rules) for rules in newest.protocol.experiments.values()] if newest else [],
        broken=[run for run in sources.gathered.broken if run.study == study],
        cited=cited_study(
            study,
            sources.questions.get(study, ""),
            [row for rows in sources.rows.values() for row in rows],
            sources.protocol_of,
            project(),
        ),
    )


def run_page(run: PublishedRun, sources: Sources) -> bytes:
    """A run: its verdicts, and its files to download."""
    own = (run.protocol.study, run.machine, run.protocol.device)
    newer = [
        other
        for other in sources.gathered.runs
        if (other.protocol.study, other.machine, other.protocol.device) == own and other != run
    ]
    return render_page(
        "run.html.jinja",
        "../../",
        run=_run(run, sources),
        study=run.protocol.study,
        claims=[(found, sources.catalogue[found.claim]) for found in run.claims],
        newer=newer[0].name if newer else "",
        taken=_taken(run, newer[0]) if newer else "",
        cited=cited_run(
            run.name,
            run.claims,
            machine=run.machine,
            torch=run.torch,
            protocol=run.protocol,
            project=project(),
        ),
        files={name: sources.evidence.link(f"{run.name}/{name}") for name in _files(run, sources)},
    )


def _taken(run: PublishedRun, newer: PublishedRun) -> str:
    """Which experiments of a run still complete the newer one, in words; empty for none."""
    names = [n for n, part in newer.parts.items() if part.folder.path == run.folder.path]
    return ", ".join(name.replace("_", " ") for name in names)


def machine_page(machine: str, sources: Sources) -> bytes:
    """A machine: what is known of it, and the runs made on it."""
    runs = [run for run in sources.gathered.all if run.machine == machine]
    described = [sources.gathered.descriptions[run.name] for run in runs]
    return render_page(
        "machine.html.jinja",
        "../",
        machine=machine,
        facts=facts(described),
        packages=packages(described),
        runs=[_run(run, sources) for run in runs],
    )


def _run(run: PublishedRun, sources: Sources) -> dict[str, Any]:
    """A run as every page tells it, its figures where the site finds them."""
    context = run_context(run, run.folder.path)
    pictures = [
        picture(figure["place"], figure["alt"], sources.evidence) for figure in figures_of(run, "")
    ]
    return {**context, "study": run.protocol.study, "figures": pictures}


def _files(run: PublishedRun, sources: Sources) -> list[str]:
    return [name for name in sources.evidence.files(run.name) if not name.startswith("figures/")]
