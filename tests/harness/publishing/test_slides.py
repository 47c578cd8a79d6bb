"""What slides say."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from harness.design.entry import Entry
from harness.errors import HarnessError
from harness.publishing.lookup import Lookup
from harness.publishing.slides import finding_title, slide, slides_of
from harness.store.folders import RunFolder
from tests.harness.runs import House


@pytest.fixture
def lookup(house: House) -> Lookup:
    """The ledger of a house with a published run."""
    house.finished()
    assert house("ledger").code == 0
    return Lookup.read(Path("results"))


def edit(results: Path, claim: str, **changes: str) -> Lookup:
    """The ledger with changes in a claim's row."""
    path = results / "claims.csv"
    rows = list(csv.DictReader(path.open(newline="")))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | changes if row["claim"] == claim else row for row in rows)
    return Lookup.read(results)


def test_a_study_is_its_name_before_its_claims_and_nothing_comes_twice(lookup: Lookup) -> None:
    claims = [f"P-{word}-1" for word in ("up", "down", "both", "open", "field", "draw")]
    assert slides_of(["planted"], lookup) == ["planted", *claims]
    assert slides_of(["P-both-1", "planted", "P-up-1"], lookup)[:3] == [
        "P-both-1",
        "planted",
        *claims[:1],
    ]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("P-upp-1", "There is no claim or study 'P-upp-1'. Do you mean one of P-up-1"),
        ("P-later-1", "The claim P-later-1 is not tested yet"),
        ("fresh", "No run of the study fresh is published yet."),
    ],
)
def test_what_has_nothing_to_show_is_refused(name: str, sentence: str, lookup: Lookup) -> None:
    with pytest.raises(HarnessError, match=sentence):
        slides_of([name], lookup)


def test_a_slide_has_finding_number_machine_figure_and_source(lookup: Lookup) -> None:
    made = slide("P-up-1", lookup)
    (row,) = lookup.judged("P-up-1")
    assert made.title == "A shift goes up."
    assert made.badge == "✓ reproduced"
    assert [line.text for line in made.lines] == [
        "1 m in all 9 blocks",
        "The level, shifted less plain",
        "It holds if at least 0.5.",
    ]
    assert made.lines[0].strong
    assert made.machine == f"On {row['machine']} (cpu), torch 0.0.stub"
    assert made.figure is not None
    assert made.figure.name == "level-levels-by-block.png"
    assert made.alt == "level levels by block. Does a planted shift of 1 come out?"
    assert "Claim P-up-1, reproduced. (Version " in made.source
    assert row["run"] in made.source


def test_notes_have_the_protocol_and_the_whole_citation(lookup: Lookup) -> None:
    notes = slide("P-both-1", lookup).notes
    order = [
        "Claim P-both-1, document B, Shifts: Every change goes up.",
        "It speaks of: changes. Kind of statement, always: it must hold in all settings",
        "Verdict: mixed. ",
        "Holds in 1 of 2 settings.",
        "How the words became a rule: Both go up by half.",
        "It holds if: at least 0.5.",
        "Experiment level: Does a planted shift of 1 come out?",
        "Mode: plain; shifted; again (compared with: plain)".replace("Mode", "mode"),
        "3 arms, measured in random order in 9 blocks, each with a seed of its own",
        "To repeat: python -m harness run planted --profile standard",
        "How to cite:",
        'Claim P-both-1, mixed: "Every change goes up."',
    ]
    places = [notes.index(said) for said in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("verdict", "needs", "title"),
    [
        ("reproduced", "cpu", "It is so."),
        ("refuted", "cpu", "Refuted: It is so."),
        ("mixed", "cpu", "Holds in 2 of 5 settings: It is so."),
        ("inconclusive", "cpu", "Not decided: It is so."),
        ("not measurable", "cuda", "Not measurable on xeon: It is so."),
        ("not measurable", "field data", "Not measurable: It is so."),
    ],
)
def test_a_title_never_states_what_was_not_found(verdict: str, needs: str, title: str) -> None:
    row = {"verdict": verdict, "holds": "2", "judged": "5", "machine": "xeon"}
    assert finding_title(Entry("X-1", "It is so.", "all", needs=needs), row) == title


def test_a_mixed_claim_tells_where_it_holds_and_where_not(lookup: Lookup) -> None:
    made = slide("P-both-1", lookup)
    assert made.title == "Holds in 1 of 2 settings: Every change goes up."
    first, second = (line.text for line in made.lines)
    assert first.startswith("Here it does: The level with shifted")
    assert second.startswith("Here not: The level with again")


def test_a_claim_without_numbers_tells_why(lookup: Lookup) -> None:
    made = slide("P-field-1", lookup)
    assert made.title == "Not measurable: People like shifts."
    assert [line.text for line in made.lines] == [
        "It takes field data: a survey would have to be held"
    ]
    assert made.figure is None


def test_rules_that_have_changed_and_warnings_are_told(lookup: Lookup) -> None:
    changed = edit(lookup.results, "P-up-1", stale="Made under older rules.", warnings="unwatched")
    made = slide("P-up-1", changed)
    assert made.lines[-1].text == "Made under older rules."
    assert "Warning, unwatched: Not all was seen of the GPU" in made.notes


def test_a_yes_or_no_needs_no_region(lookup: Lookup) -> None:
    made = slide("P-up-1", edit(lookup.results, "P-up-1", unit="yes/no", judged="4", holds="4"))
    assert made.lines[-1].text == "Holds in 4 of 4 settings."


def test_a_count_follows_what_it_counts(lookup: Lookup) -> None:
    made = slide("P-up-1", edit(lookup.results, "P-up-1", number="in all 9 blocks"))
    assert [line.text for line in made.lines][:2] == [
        "The level, shifted less plain",
        "in all 9 blocks",
    ]
    assert made.lines[1].strong


def test_other_machines_stand_beside_and_counterparts_in_the_notes(lookup: Lookup) -> None:
    (row,) = lookup.judged("P-up-1")
    other = {**row, "machine": "other", "verdict": "refuted", "number": "-3 m", "stale": "Older."}
    twin = {**row, "kind": "counterpart", "sentence": "A twin."}
    beside = Lookup(lookup.results, lookup.catalogue, [twin, row, other])
    made = slide("P-up-1", beside)
    assert made.lines[-1].text == "On other: ✗\u00a0refuted, \u22123 m, by older rules"
    assert "On other: refuted. " in made.notes
    assert "(counterpart): reproduced. A twin." in made.notes
    alone = slide("P-up-1", Lookup(lookup.results, lookup.catalogue, [twin]))
    assert "Claim P-up-1 (cpu counterpart), reproduced" in alone.source


def test_beyond_conditions_are_counted_and_findings_come_from_the_newest_run(
    lookup: Lookup, house: House
) -> None:
    run = RunFolder(lookup.results / lookup.judged("P-up-1")[0]["run"])
    verdicts = run.path / "verdicts.csv"
    rows: list[dict[str, Any]] = list(csv.DictReader(verdicts.open(newline="")))
    with verdicts.open("a", newline="") as file:
        row = next(row for row in rows if row["claim"] == "P-up-1")
        csv.DictWriter(file, list(row)).writerow({**row, "kind": "beyond", "headline": ""})
    notes = slide("P-up-1", Lookup.read(lookup.results)).notes
    assert "1 condition beyond the document's words decide nothing." in notes


def test_the_title_slide_has_question_counts_machines_and_citation(lookup: Lookup) -> None:
    made = slide("planted", lookup)
    assert made.title == "Does the harness run what is planted?"
    assert [line.text for line in made.lines][:3] == [
        "6 claims put to the test",
        "✓\u00a02 reproduced",
        "✗\u00a01 refuted",
    ]
    assert made.lines[-1].text.endswith("(cpu), torch 0.0.stub")
    assert made.verdict == ""
    assert "Study planted, 2 reproduced, 1 refuted, 1 mixed" in made.source
    assert "Study planted, 2 reproduced, 1 refuted, 1 mixed, 1 inconclusive, 1 not" in made.notes
