"""The calculator's page: its script says what the command says."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from pathlib import Path

import pytest

import harness.publishing
from harness.publishing.arithmetic_told import rows, sentences, title
from harness.publishing.calculator_page import CHECKING, EXAMPLES, FIRST, LARGEST, calculator_page
from harness.publishing.site import ASSETS
from harness.workloads.arithmetic import Run, looped
from tests.harness.publishing.planted_rows import ledger_row, sources_of
from tests.harness.publishing.sites import Parsed

NODE = shutil.which("node")
SCRIPT = Path(harness.publishing.__path__[0]) / ASSETS / "arithmetic.js"
#: Every way to part and to agree, and the largest numbers that the form takes.
GRID = [
    Run(examples, batch, epochs, accumulate, drops)
    for examples, batch, epochs, accumulate, drops in itertools.product(
        (1, 2, 7, 16, 31, 33, 100), (1, 2, 3, 8, 32), (1, 2, 5), (1, 2, 3, 9), (False, True)
    )
] + [
    Run(10_000, 32, 3, 4),
    Run(LARGEST["examples"][1], LARGEST["batch"][1], LARGEST["epochs"][1], 100_000),
    Run(999_999_999, 1, 100_000, 99_999, drop_last=True),
    Run(999_999_937, 7, 99_991, 1_000),
]


@pytest.mark.skipif(NODE is None, reason="there is no node")
def test_the_script_says_what_the_command_says() -> None:
    assert NODE is not None
    code = (
        "const [script] = process.argv.slice(1); require('vm').runInThisContext("
        "require('fs').readFileSync(script, 'utf8'));"
        "const runs = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "process.stdout.write(JSON.stringify(runs.map(tellTraining)));"
    )
    done = subprocess.run(
        [NODE, "-e", code, str(SCRIPT)],
        input=json.dumps([vars(run) for run in GRID]),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    for run, told in zip(GRID, json.loads(done.stdout), strict=True):
        does = looped(run)
        assert told["title"] == title(run)
        assert told["rows"] == [list(row) for row in rows(run, does)], run
        assert told["sentences"] == list(sentences(run, does)), run


def test_the_page_carries_answers_for_who_has_no_script() -> None:
    page = Parsed()
    page.feed(calculator_page(sources_of()).decode())
    for run in EXAMPLES:
        assert title(run) in page.text
        for sentence in sentences(run, looped(run)):
            assert sentence in page.text
    for what, _, given, _ in rows(FIRST, looped(FIRST)):
        assert what in page.text
        assert given in page.text
    assert "not checked" in page.text


def test_its_products_are_numbers_that_a_script_tells_apart() -> None:
    most = {name: largest for name, (_, largest) in LARGEST.items()}
    exact = 2**53
    assert most["examples"] * most["epochs"] < exact
    assert most["batch"] * most["accumulate"] + most["examples"] < exact


def test_it_links_the_claims_that_check_it_with_their_verdicts() -> None:
    hostile = ledger_row("C1", "arithmetic", CHECKING[0], says="<script>x</script>")
    page = Parsed()
    page.feed(calculator_page(sources_of(hostile)).decode())
    assert "../claims/C1.html" in page.links
    assert "✓" not in page.text
    assert "mixed" in page.text
    assert "<script>x</script>" in page.text
    assert "".join(page.scripts) == ""
