"""The report site: a folder of pages from stored tables alone, the same bytes for the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from harness.publishing import addresses
from harness.publishing.claim_pages import claim_files
from harness.publishing.claim_table import claim_table
from harness.publishing.comparisons_page import comparisons_page
from harness.publishing.explorers import explorer_files
from harness.publishing.gathered import BrokenRun
from harness.publishing.method_page import FILES, method_page
from harness.publishing.site_folder import SiteFolder
from harness.publishing.site_pages import first_page, machine_page, run_page, study_page
from harness.publishing.site_sources import Sources

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
    broken = [*sources.gathered.broken, *sources.comparisons.broken]
    return Built(into, len(written) + folder.unchanged, written, removed, broken)


def site_files(sources: Sources) -> Iterator[tuple[str, bytes]]:
    """Every file of the site by its place in it."""
    yield addresses.FIRST, first_page(sources)
    yield addresses.CLAIMS, claim_table(sources)
    yield addresses.METHOD, method_page(sources)
    yield addresses.COMPARISONS, comparisons_page(sources)
    yield from explorer_files(sources)
    yield addresses.LEDGER, sources.table.to_csv(index=False, lineterminator="\n").encode()
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
    names += [row["folder"] for row in sources.comparisons.rows]
    for path, name in sources.evidence.copies(names, list(FILES)):
        yield name, path.read_bytes()
