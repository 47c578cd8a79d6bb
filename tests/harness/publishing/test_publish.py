"""Publishing: the ledger's files, the findings in the README, and the check of both."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from harness.publishing.pages import BEGIN, END
from tests.harness.runs import CATALOGUE, House, snapshot


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_ledger_shows_the_whole_catalogue_with_the_verdicts_of_the_run(house: House) -> None:
    run = house.finished()
    ended = house("ledger")
    assert ended.code == 0, ended.err
    written = ["results/claims.csv", "results/README.md", "results/planted/README.md"]
    assert ended.out.split() == written
    rows = rows_of(house.results / "claims.csv")
    assert {row["claim"]: row["verdict"] for row in rows} == {
        "P-up-1": "reproduced",
        "P-down-1": "refuted",
        "P-both-1": "mixed",
        "P-open-1": "inconclusive",
        "P-field-1": "not measurable",
        "P-draw-1": "reproduced",
        "P-pid-1": "not tested",
        "P-later-1": "not tested",
    }
    assert [row["claim"] for row in rows] == [
        line.partition(",")[0] for line in CATALOGUE.splitlines()[1:]
    ]
    page = (house.results / "README.md").read_text()
    for row in rows:
        marks = (f"| {row['claim']} |", f"| [{row['claim']}](")
        (line,) = [line for line in page.splitlines() if line.startswith(marks)]
        assert row["says"] in line
    assert run.path.name in {row["run"].rpartition("/")[2] for row in rows}


def test_a_fresh_ledger_passes_the_check_and_the_check_writes_nothing(house: House) -> None:
    house.finished()
    house("ledger")
    before = snapshot(house.top)
    ended = house("ledger", "--check")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert snapshot(house.top) == before


def test_the_check_names_every_table_figure_and_page_that_differs_and_writes_nothing(
    house: House,
) -> None:
    run = house.finished()
    (house.top / "README.md").write_text(f"{BEGIN}\n{END}\n")
    house("ledger")
    verdicts = run.path / "verdicts.csv"
    verdicts.write_text(verdicts.read_text().replace("lies wholly", "lies  wholly"))
    claims = run.path / "claims.csv"
    claims.write_text(claims.read_text().replace("mixed,", "refuted,"))
    (run.path / "summary.csv").unlink()
    (run.path / "extra.csv").write_text("nobody wrote this\n")
    svg = run.figures / "level-levels-by-block.svg"
    svg.write_bytes(svg.read_bytes() + b"\n")
    (run.figures / "level-levels-by-block.png").unlink()
    (run.figures / "level-older.png").write_bytes(b"PNG")
    for page in (house.results / "claims.csv", house.results / "README.md"):
        page.write_text(page.read_text().replace("not tested", "proven"))
    readme = house.top / "README.md"
    readme.write_text(readme.read_text().replace("refuted", "true"))
    before = snapshot(house.top)
    ended = house("ledger", "--check")
    assert ended.code == 2
    assert ended.err.startswith("error: 11 stored files differ from what their rows give: ")
    for name in (
        "claims.csv",
        "verdicts.csv",
        "summary.csv",
        "extra.csv",
        "figures/level-levels-by-block.svg",
        "figures/level-levels-by-block.png",
        "figures/level-older.png",
    ):
        assert f"planted/{run.path.name}/{name}" in ended.err
    for name in ("results/claims.csv", "results/README.md", f"{house.top}/README.md"):
        assert name in ended.err
    assert "python -m harness ledger --regenerate" in ended.err
    assert snapshot(house.top) == before


def test_figures_drawn_under_rules_that_changed_since_are_kept_as_they_are(house: House) -> None:
    run = house.finished()
    level = house.top / "studies" / "planted" / "level.py"
    level.write_text(level.read_text().replace("at_least(0.5)", "at_least(0.6)"))
    drawn = snapshot(run.figures)
    assert house("ledger", "--regenerate").code == 0
    assert snapshot(run.figures) == drawn
    ended = house("ledger", "--check")
    assert (ended.code, ended.err) == (0, "")


def test_regenerating_gives_back_every_derived_file_from_the_rows(house: House) -> None:
    run = house.finished()
    house("ledger")
    before = snapshot(house.results)
    (run.path / "verdicts.csv").write_text("lost\n")
    for path in (run.path / "summary.csv", *run.figures.iterdir(), house.results / "claims.csv"):
        path.unlink()
    assert house("ledger", "--regenerate").code == 0
    assert snapshot(house.results) == before


def test_a_results_folder_without_reference_runs_tests_nothing(house: House) -> None:
    assert house("run", "planted", "--profile", "quick").code == 0
    assert house("ledger").code == 0
    assert {row["verdict"] for row in rows_of(house.results / "claims.csv")} == {"not tested"}
    assert house("ledger", "--check").code == 0


@pytest.mark.parametrize("option", [[], ["--check"], ["--regenerate"]])
def test_an_unfinished_reference_run_is_refused_and_nothing_is_written(
    option: list[str], house: House
) -> None:
    run = house.finished()
    for path in (run.table("level"), run.path / "verdicts.csv"):
        path.unlink()
    before = snapshot(house.top)
    ended = house("ledger", *option)
    assert ended.code == 2
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert run.path.name in ended.err
    assert snapshot(house.top) == before
