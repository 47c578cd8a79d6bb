"""The site in a real browser: search and filters, the address, no script at all, no complaint.

Debian's chromium is driven by its own command line; without it these tests are skipped.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from harness.protocol.comparison import Asked
from tests.harness.publishing.sites import CHROMIUM, IN_BROWSER, Parsed
from tests.harness.publishing.test_site import HOSTILE
from tests.harness.runs import CATALOGUE, House
from tests.harness.trios import comparison, stored

pytestmark = IN_BROWSER
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--enable-logging=stderr",
    "--virtual-time-budget=4000",
    "--dump-dom",
)


def shown(page: Path, query: str = "") -> tuple[str, list[str]]:
    """A page as it stands once its scripts have run, and what the browser complained of."""
    assert CHROMIUM is not None
    profile = f"--user-data-dir={page.parents[3] / 'profile'}"
    command = [CHROMIUM, *FLAGS, profile, f"{page.resolve().as_uri()}{query}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
    return done.stdout, re.findall(r"CONSOLE.*", done.stderr)


def rows(html: str) -> list[str]:
    """The ids of the claims in the table that are not hidden."""
    body = html.partition("<tbody")[2]
    visible = [row for row in body.split("<tr ")[1:] if "hidden=" not in row.partition(">")[0]]
    return [re.findall(r'class="id">([^<]*)<', row)[0] for row in visible]


@pytest.fixture
def table(house: House) -> Path:
    """The table of all claims of a site with hostile words in it."""
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    words = CATALOGUE.replace("Nobody has looked into this.", quoted)
    (house.top / "studies" / "claims.csv").write_text(words)
    house.finished()
    stored(house.results, "a", comparison(head=Asked(HOSTILE)))
    assert house("report").code == 0
    return house.results / "site" / "claims" / "index.html"


@pytest.mark.parametrize(
    ("query", "claims"),
    [
        ("", 8),
        ("?verdict=refuted", ["P-down-1"]),
        ("?verdict=reproduced&document=A", ["P-up-1"]),
        ("?document=C&study=planted", ["P-field-1", "P-draw-1"]),
        ("?q=P-both-1", ["P-both-1"]),
        ("?q=proces", ["P-pid-1"]),
        ("?q=proccess", ["P-pid-1"]),
        ("?q=nothing+of+the+kind", []),
        ("?device=cpu&verdict=mixed", ["P-both-1"]),
        ("?device=cuda", 8),  # no run has that device: it is no choice, and filters nothing
        ("?effect=exact", []),
        ("?since=2999-01-01", []),
        ("?verdict=%3Cscript%3E&q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", []),
    ],
)
def test_search_and_filters_are_taken_from_the_address(
    query: str, claims: list[str] | int, table: Path
) -> None:
    html, complaints = shown(table, query)
    assert complaints == []
    found = rows(html)
    assert (len(found) if isinstance(claims, int) else found) == claims
    count = "8 claims" if len(found) == 8 else f"{len(found)} of 8 claims"
    assert f">{count}</p>" in html


def test_hostile_words_run_no_script(table: Path) -> None:
    page = table.with_name("P-later-1.html")
    html, complaints = shown(page)
    assert complaints == []
    read = Parsed()
    read.feed(html)
    assert HOSTILE in read.text
    assert "<title>run</title>" not in html
    assert read.tags["script"] == 1


@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "method.html",
        "comparisons.html",
        "studies/planted.html",
        "claims/P-both-1.html",
        "explorers/step.html",
        "explorers/dropout.html",
        "explorers/bugs.html",
    ],
)
def test_no_page_makes_the_browser_complain(name: str, table: Path) -> None:
    html, complaints = shown(table.parents[1] / name)
    assert complaints == []
    assert "</html>" in html


def test_the_calculators_state_is_taken_from_the_address(table: Path) -> None:
    page = table.parents[1] / "explorers" / "arithmetic.html"
    html, complaints = shown(page, "?examples=100&batch=32&epochs=5&accumulate=8")
    assert complaints == []
    told = re.findall(r'<p id="told"[^>]*>([^<]*)</p>', html)
    assert told[0].startswith("20 batches in all. Weight updates in all: by formula 5, in the loop")
    _, complaints = shown(page, "?examples=-1&batch=%3Cscript%3E")
    assert complaints == []
