"""The report site: a folder of pages, from stored tables alone, the same bytes for the same tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from harness.publishing import addresses
from harness.publishing.claim_pages import claim_files
from harness.publishing.claim_table import claim_table
from harness.publishing.design_told import told
from harness.publishing.gathered import BrokenRun
from harness.publishing.ledger import PublishedRun
from harness.publishing.machines import facts, packages
from harness.publishing.method_page import FILES, method_page
from harness.publishing.pages import counts_text, figures_of, followed, run_context
from harness.publishing.pictures import picture
from harness.publishing.site_folder import SiteFolder
from harness.publishing.site_sources import Sources
from harness.publishing.webpage import render_page

#: Files of the site that are no pages: style, scripts, and the library they use.
ASSETS = "templates/site/assets"


@dataclass(frozen=True)
class Built:
    """What a build did.

    Attributes:
        path: the site's folder.
        files: how many the site has.
        written: those that are new or have changed.
        removed: those that an earlier build wrote and that are no more.
        broken: the runs that could not be shown.
    """

    path: Path
    files: int
    written: list[str]
    removed: list[str]
    broken: list[BrokenRun]


def build_site(results: Path, into: Path) -> Built:
    """Build the site, or bring it up to date.

    Args:
        results: the folder of run folders.
        into: the site's folder; inside ``results`` its pages link the stored files, elsewhere they
            come with copies of them.

    Raises:
        HarnessError: the catalogue is broken, or the folder cannot be used. A broken run is none:
            it is named on the pages and in what is returned.
    """
    folder = SiteFolder.open(into)
    sources = Sources.read(results, into)
    for name, content in site_files(sources):
        folder.put(name, content)
    removed = folder.finish()
    written = folder.written
    return Built(into, len(written) + folder.unchanged, written, removed, sources.gathered.broken)


def site_files(sources: Sources) -> Iterator[tuple[str, bytes]]:
    """Every file of the site by its place in it."""
    yield addresses.FIRST, first_page(sources)
    yield addresses.CLAIMS, claim_table(sources)
    yield addresses.METHOD, method_page(sources)
    for entry in sources.catalogue.values():
        yield from claim_files(entry, sources).items()
    for study in sources.studies:
        yield addresses.study_page(study), study_page(study, sources)
    for machine in sorted({run.machine for run in sources.gathered.all}):
        yield addresses.machine_page(machine), machine_page(machine, sources)
    for run in sources.gathered.all:
        yield addresses.run_page(run.name), run_page(run, sources)
    for asset in sorted(resources.files(__package__).joinpath(ASSETS).iterdir(), key=str):
        yield f"assets/{asset.name}", asset.read_bytes()
    names = [run.name for run in sources.gathered.all]
    for path, name in sources.evidence.copies(names, ["claims.csv", *FILES]):
        yield name, path.read_bytes()


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
        claims_csv=sources.evidence.link("claims.csv"),
    )


def study_page(study: str, sources: Sources) -> bytes:
    """A study: what it asks, its runs, its claims with their verdicts, its experiments, its figures."""
    runs = [run for run in sources.gathered.runs if run.protocol.study == study]
    rows = [row for rows in sources.rows.values() for row in rows if row["study"] == study]
    newest = max(runs, key=lambda run: run.protocol.started, default=None)
    return render_page(
        "study.html.jinja",
        "../",
        study=study,
        question=sources.questions.get(study, ""),
        runs=[_run(run, sources) for run in runs],
        superseded=[r for r in sources.gathered.superseded if r.protocol.study == study],
        rows=rows,
        counts=counts_text([row["verdict"] for row in rows if row["kind"] == "claim"]),
        designs=[told(rules) for rules in newest.protocol.experiments.values()] if newest else [],
        broken=[run for run in sources.gathered.broken if run.study == study],
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
        files={name: sources.evidence.link(f"{run.name}/{name}") for name in _files(run, sources)},
    )


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
        picture(f"{run.name}/{figure['path']}", figure["alt"], sources.evidence)
        for figure in figures_of(run, "")
    ]
    return {**context, "study": run.protocol.study, "figures": pictures}


def _files(run: PublishedRun, sources: Sources) -> list[str]:
    return [name for name in sources.evidence.files(run.name) if not name.startswith("figures/")]
