"""The report site: what it has, what it says, and that nothing it is fed can break it."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path

import pytest

import harness.publishing
from harness.publishing.site import ASSETS
from harness.publishing.site_sources import lead
from harness.publishing.surprises import surprises
from tests.harness.publishing.sites import dead_links, older_copy, pages, parsed
from tests.harness.runs import CATALOGUE, House, snapshot

SITE = "results/site"
#: Of package/dist/umd/index.js in minisearch-7.2.0.tgz, as npm gives it.
MINISEARCH = "03c27931eb603af1d3358579e9885eafdb6a2f5fa9929557b3e77d7e99d06d03"
HOSTILE = (
    'A <script>document.title = "run"</script> <img src=x onerror=alert(1)> **b** `c` $x_{i}$ '
    '\\input{x} {{ 7 * 7 }} {% raw %} " onmouseover="alert(2) </table></main> '
    "=cmd|x [w](http://v) goes up."
)


@pytest.fixture
def site(house: House) -> Path:
    """A site of the finished run, in the results folder."""
    house.finished()
    house("ledger")
    ended = house("report")
    assert ended.code == 0, ended.err
    return house.top / SITE


# -- what there is ---------------------------------------------------------------------------------


def test_there_is_a_page_for_every_claim_study_machine_and_run(site: Path, house: House) -> None:
    (run,) = (path for path in (house.results / "planted").iterdir() if path.is_dir())
    claims = [line.partition(",")[0] for line in CATALOGUE.splitlines()[1:]]
    expected = {
        "index.html",
        "method.html",
        "comparisons.html",
        "claims/index.html",
        "explorers/index.html",
        *(f"explorers/{name}.html" for name in ("arithmetic", "step", "dropout", "bugs")),
        *(f"claims/{claim}.html" for claim in claims),
        *(f"studies/{study}.html" for study in ("planted", "fresh", "unwritten")),
        f"machines/{run.name.split('_')[1]}.html",
        f"runs/planted/{run.name}.html",
    }
    assert {name for name, _ in pages(site)} == expected


def test_every_link_leads_somewhere_and_none_needs_a_network(site: Path) -> None:
    assert dead_links(site) == []


def test_a_site_elsewhere_is_whole_in_one_folder(house: House, tmp_path: Path) -> None:
    house.finished()
    house("ledger")
    assert house("report", "--into", str(tmp_path / "public")).code == 0
    moved = Path(shutil.move(tmp_path / "public", tmp_path / "moved"))
    shutil.rmtree(house.results)
    assert dead_links(moved) == []


def test_every_page_has_one_title_one_main_and_one_first_heading(site: Path) -> None:
    for name, page in pages(site):
        assert (page.tags["title"], page.tags["main"], page.tags["h1"]) == (1, 1, 1), name
        assert len(page.ids) == len(set(page.ids)), name


def test_the_library_is_the_file_that_npm_gives_and_its_licence_stands_beside_it() -> None:
    assets = Path(harness.publishing.__path__[0]) / ASSETS
    content = (assets / "minisearch-7.2.0.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() == MINISEARCH
    assert "Permission is hereby granted" in (assets / "minisearch-7.2.0.LICENSE.txt").read_text()


# -- what it says ----------------------------------------------------------------------------------


def test_the_pages_say_what_the_ledger_says(site: Path, house: House) -> None:
    with (house.results / "claims.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        text = parsed(site / f"claims/{row['claim']}.html").text
        for column in ("says", "scope", "sentence", "reading", "number", "verdict"):
            assert row[column] in text, (row["claim"], column)
    table = parsed(site / "claims/index.html").text
    assert all(row["says"] in table for row in rows)
    first = parsed(site / "index.html").text
    assert "6 of 8 claims are tested so far" in first
    assert all(row["says"] in first and row["sentence"] in first for row in surprises(rows))


def test_a_claims_page_has_all_that_belongs_to_it_in_the_order_it_is_read(site: Path) -> None:
    text = parsed(site / "claims/P-both-1.html").text.partition("Skip to the content")[2]
    order = [
        "Claim P-both-1 · document B",
        "Every change goes up.",
        "mixed",
        "What is claimed",
        "It speaks of changes",
        "The result",
        "How the words became a rule Both go up by half.",
        "It holds if at least 0.5",
        "Shaded: where the claim holds (at least 0.5).",
        "All conditions that decide: 2",
        "What was done: level",
        "Mode plain; shifted; again (compared with: plain)",
        "3 arms, measured in random order in 9 blocks",
        "Cite this, repeat this",
        "The training-claims contributors. (",
        "python -m harness run planted --profile standard --device cpu --seed 0",
        "observations/level.parquet",
        "History of its verdicts",
        "counts today",
        "Neighbours",
    ]
    places = [text.index(said) for said in order]
    assert places == sorted(places)
    assert "P-up-1 A shift goes up." in text


def test_claims_studies_and_runs_are_cited_on_their_pages_as_on_the_terminal(
    site: Path, house: House
) -> None:
    (run,) = (path for path in (house.results / "planted").iterdir() if path.is_dir())
    pages_of = {
        "P-both-1": "claims/P-both-1.html",
        "planted": "studies/planted.html",
        run.name: f"runs/planted/{run.name}.html",
    }
    for given, place in pages_of.items():
        words = parsed(site / place).words
        for form in ("apa", "bibtex", "csl"):
            said = house("cite", given, "--format", form).out
            assert said.strip() in {word.strip() for word in words}, (given, form)


def test_a_claims_record_holds_what_its_page_shows(site: Path, house: House) -> None:
    record = json.loads((site / "claims/P-both-1.json").read_text())
    shown = house("show", "P-both-1").out
    (result,) = record["results"]
    assert record["claim"]["says"] == "Every change goes up."
    assert result["citation"] in shown
    assert result["citation"] in parsed(site / "claims/P-both-1.html").text
    assert [c["verdict"] for c in result["conditions"]] == ["reproduced", "refuted"]
    assert record["history"][0]["verdict"] == "mixed"


def test_a_claim_that_nobody_has_tested_says_so(site: Path) -> None:
    text = parsed(site / "claims/P-later-1.html").text
    assert "not tested" in text
    assert "It is planned for the study unwritten" in text
    assert "Cite this" not in text


def test_a_verdict_is_a_word_and_a_sign_beside_its_colour(site: Path) -> None:
    for claim, verdict, sign in (("P-up-1", "reproduced", "✓"), ("P-down-1", "refuted", "✗")):
        text = (site / f"claims/{claim}.html").read_text()
        badge = f'<span class="sign" aria-hidden="true">{sign}</span>{verdict}</span>'
        assert f'<span class="verdict {verdict}">{badge}' in text


def test_without_scripts_all_claims_stand_there_and_no_form_that_does_nothing(site: Path) -> None:
    text = (site / "claims/index.html").read_text()
    form, _, table = text.partition("<table ")
    assert '<form id="filters" class="filters scripted"' in form
    assert form.count(" hidden>") == 2  # the form, and the word about the address
    assert table.partition("</table>")[0].count("<tr role") == 9
    assert " hidden" not in table.partition("</table>")[0].replace("aria-hidden", "")


def test_figures_have_the_alternative_texts_of_the_studys_page(site: Path) -> None:
    text = (site / "studies/planted.html").read_text()
    assert 'alt="level levels by block. Does a planted shift of 1 come out?"' in text


def test_a_superseded_run_keeps_its_page_and_stands_in_the_history(house: House) -> None:
    run = house.finished()
    older = older_copy(run, "2020-01-01_old_0000000", "2020-01-01T00:00:00+00:00")
    claims = older.path / "claims.csv"
    claims.write_text(claims.read_text().replace("mixed", "refuted"))
    assert house("report").code == 0
    site = house.top / SITE
    page = parsed(site / "runs/planted/2020-01-01_old_0000000.html").text
    assert f"A newer run counts today: planted/{run.path.name}" in page
    history = parsed(site / "claims/P-both-1.html").text.partition("History of its verdicts")[2]
    new, old = history.index("counts today"), history.index("superseded")
    assert new < old
    assert "2020-01-01" in history
    today = run.path.name[:10]
    rows = (site / "claims/index.html").read_text()
    assert rows.count(f'data-moved="{today}"') == 1  # the one whose verdict is another now
    assert 'data-moved="2020-01-01"' in rows
    assert dead_links(site) == []


# -- stability -------------------------------------------------------------------------------------


def test_two_builds_of_the_same_tables_have_the_same_bytes(house: House, tmp_path: Path) -> None:
    house.finished()
    for name in ("one", "other"):
        assert house("report", "--into", str(tmp_path / name)).code == 0
    assert snapshot(tmp_path / "one") == snapshot(tmp_path / "other")


def test_a_second_build_touches_nothing(site: Path, house: House) -> None:
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()}
    assert ", of them 0 new or changed, 0 removed" in house("report").out
    assert {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()} == before


def test_a_changed_claim_changes_its_page_and_a_claim_that_is_gone_loses_it(
    site: Path, house: House
) -> None:
    catalogue = house.top / "studies" / "claims.csv"
    lines = CATALOGUE.replace("Nobody has looked", "No one has looked").splitlines(keepends=True)
    catalogue.write_text("".join(line for line in lines if not line.startswith("P-pid-1")))
    before = snapshot(site)
    assert house("report").code == 0
    after = snapshot(site)
    assert "claims/P-pid-1.html" not in after
    assert before["claims/P-later-1.html"] != after["claims/P-later-1.html"]
    assert before["claims/P-up-1.html"] == after["claims/P-up-1.html"]


def test_the_site_is_built_without_torch(house: House) -> None:
    house.finished()
    code = (
        "import sys; sys.argv[1:] = ['report']\n"
        "from harness.cli.app import main\n"
        "try: main()\n"
        "except SystemExit as ended: assert not ended.code\n"
        "assert 'torch' not in sys.modules\n"
    )
    ended = house.ended("-c", code)
    assert ended.code == 0, ended.err


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", ["protocol.json", "claims.csv", "observations/level.parquet"])
def test_a_broken_run_is_named_on_the_pages_and_the_command_fails(lost: str, house: House) -> None:
    run = house.finished()
    broken = older_copy(run, "2020-01-01_broken_0", "2020-01-01T00:00:00+00:00")
    (broken.path / lost).unlink()
    ended = house("report")
    assert ended.code == 2
    assert "The site is built without 1 run that could not be read: planted/2020-01-01" in ended.err
    for name in ("index.html", "claims/index.html", "studies/planted.html"):
        text = parsed(house.top / SITE / name).text
        assert "1 run could not be read" in text
        assert "planted/2020-01-01_broken_0" in text
    assert "✓" in parsed(house.top / SITE / "claims/P-up-1.html").text
    assert dead_links(house.top / SITE) == []


def test_a_run_that_judges_a_claim_nobody_knows_is_broken(house: House) -> None:
    house.finished()
    catalogue = house.top / "studies" / "claims.csv"
    lines = CATALOGUE.splitlines(keepends=True)
    catalogue.write_text("".join(line for line in lines if not line.startswith("P-field-1")))
    ended = house("report")
    assert ended.code == 2
    assert "claim 'P-field-1' is not in the catalogue" in ended.err


def test_quick_runs_and_their_faults_are_nobodys_business(house: House) -> None:
    assert house("run", "planted", "--profile", "quick").code == 0
    assert house("report").code == 0
    assert "No run is stored yet." in parsed(house.top / SITE / "index.html").text


def test_with_its_only_run_broken_a_study_has_no_verdict_left(house: House) -> None:
    run = house.finished()
    (run.path / "machine.json").write_text("{}")
    assert house("report").code == 2
    assert "0 of 8 claims are tested so far" in parsed(house.top / SITE / "index.html").text


def test_a_results_folder_without_runs_gives_a_site(house: House) -> None:
    house.results.mkdir()
    assert house("report").code == 0
    text = parsed(house.top / SITE / "index.html").text
    assert "0 of 8 claims are tested so far" in text
    assert "No run is stored yet." in text


def test_a_folder_of_somebody_elses_files_is_refused(house: House) -> None:
    house.finished()
    ended = house("report", "--into", ".")
    assert ended.code == 2
    assert "holds files that no report wrote" in ended.err


def test_hostile_words_are_shown_and_never_run(house: House) -> None:
    catalogue = house.top / "studies" / "claims.csv"
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    text = CATALOGUE.replace("A shift goes up.", quoted).replace("A,Shifts,", f"A,{quoted},")
    catalogue.write_text(text.replace(",shifts,always", f",{quoted},always"))
    run = house.finished()
    for name in ("claims.csv", "verdicts.csv"):
        path = run.path / name
        rows = list(csv.DictReader(path.open(newline="")))
        for row in rows:
            row["reason"] = HOSTILE
            row["sentence" if "sentence" in row else "contrast"] = HOSTILE
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    broken = older_copy(run, "2020-01-01_<b>broken&", "2020-01-01T00:00:00+00:00")
    (broken.path / "claims.csv").write_text(HOSTILE)
    assert house("report").code == 2
    site = house.top / SITE
    for name, page in pages(site):
        assert page.handlers == [], name
        assert "".join(page.scripts).strip() == "", name
        assert page.tags.get("img", 0) == (site / name).read_text().count('<img src="../'), name
        assert page.tags["main"] == 1
    shown = parsed(site / "claims/P-up-1.html").text
    assert HOSTILE in shown
    assert "{{ 7 * 7 }}" in shown
    record = json.loads((site / "claims/P-up-1.json").read_text())
    assert record["claim"]["says"] == HOSTILE
    assert dead_links(site) == []


def test_a_record_holds_no_number_that_json_does_not_know(site: Path) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    for path in site.glob("claims/*.json"):
        json.loads(path.read_text(), parse_constant=refuse)


def test_a_result_by_todays_rules_speaks_before_one_by_older_ones() -> None:
    rows = [
        {"kind": "claim", "number": "", "stale": "", "machine": "a"},
        {"kind": "claim", "number": "1", "stale": "older", "machine": "b"},
        {"kind": "counterpart", "number": "1", "stale": "", "machine": "c"},
        {"kind": "claim", "number": "1", "stale": "", "machine": "d"},
    ]

    assert lead(rows)["machine"] == "d"
    assert lead(rows[:3])["machine"] == "b"
    assert lead(rows[:1])["machine"] == "a"
