"""The command that says what became of citations."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from pptx import Presentation

from harness.protocol.checksum import json_sha256
from harness.store.folders import RunFolder
from tests.harness.publishing.sites import older_copy, rewrite_protocol
from tests.harness.runs import House

NEWER = "2999-01-01_{}_newer"


@pytest.fixture
def run(house: House) -> RunFolder:
    """A published run."""
    folder = house.finished()
    assert house("ledger").code == 0
    return folder


def cite(house: House, *given: str, form: str = "apa") -> Path:
    """A file of citations, as they are today."""
    path = house.top / f"cited.{ {'apa': 'txt', 'bibtex': 'bib', 'csl': 'json'}[form] }"
    path.write_text(house("cite", *given, "--format", form).out)
    return path


def newer_run(house: House, run: RunFolder, old: str = "", new: str = "") -> RunFolder:
    """A later run of the same machine that found the same, or something else."""
    name = NEWER.format(run.path.name.split("_")[1])
    newer = older_copy(run, name, "2999-01-01T00:00:00+00:00")
    claims = newer.path / "claims.csv"
    claims.write_text(claims.read_text().replace(old, new))
    assert house("ledger").code == 0
    return newer


@pytest.mark.parametrize("form", ["apa", "bibtex", "csl"])
def test_what_was_cited_just_now_stands(form: str, house: House, run: RunFolder) -> None:
    path = cite(house, "P-up-1", "P-both-1", "planted", run.path.name, form=form)
    ended = house("verify", str(path))
    assert ended.code == 0, ended.err
    assert ended.out == (
        "stands      P-up-1, reproduced\n"
        "stands      P-both-1, mixed\n"
        "stands      planted, 2 reproduced, 1 refuted, 1 mixed, 1 inconclusive, 1 not measurable\n"
        f"stands      planted/{run.path.name}, 2 reproduced, 1 refuted, 1 mixed, 1 inconclusive, "
        "1 not measurable\n"
        "4 statements: stands 4, superseded 0, changed 0.\n"
    )


def measured_elsewhere(run: RunFolder) -> RunFolder:
    """The same run on another machine, by today's rules, where those of the first have changed."""
    other = older_copy(run, "2999-01-01_z80-2c_newer", "2999-01-01T00:00:00+00:00")
    machine = json.loads((other.path / "machine.json").read_text()) | {"cpu": "Z80"}
    (other.path / "machine.json").write_text(json.dumps(machine))
    rewrite_protocol(other, machine_sha256=json_sha256(machine))
    experiments = json.loads((run.path / "protocol.json").read_text())["experiments"]
    for experiment in experiments.values():
        for condition in experiment["rules"]:
            if condition["name"] == "P-up-1":
                condition["region"]["low"] = 0.25
    rewrite_protocol(run, experiments=experiments)
    return other


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("is 1 m in all", "is 2 m in all", "superseded  P-up-1, reproduced"),
        ("P-up-1,claim,reproduced", "P-up-1,claim,refuted", "changed     P-up-1, reproduced"),
    ],
)
def test_what_another_machine_has_put_out_of_date_is_held_against_that(
    old: str, new: str, said: str, house: House, run: RunFolder
) -> None:
    path = cite(house, "P-up-1")
    claims = measured_elsewhere(run).path / "claims.csv"
    assert old in claims.read_text()
    claims.write_text(claims.read_text().replace(old, new))
    assert house("ledger").code == 0
    ended = house("verify", str(path))
    assert ended.code == said.startswith("changed")
    assert ended.out.splitlines()[0] == said
    assert "planted/2999-01-01_z80-2c_newer" in ended.out


def edited_slide(house: House, old: str, new: str) -> Path:
    """The slide of a claim, on which somebody has written something else."""
    path = house.top / "lecture.pptx"
    assert house("slides", "P-up-1", "--into", str(path)).code == 0
    deck = Presentation(str(path))
    runs = [
        run
        for shape in deck.slides[0].shapes
        if shape.name in ("Verdict", "Finding")
        for paragraph in shape.text_frame.paragraphs
        for run in paragraph.runs
    ]
    assert [run for run in runs if old in run.text]
    for run in runs:
        run.text = run.text.replace(old, new)
    deck.save(str(path))
    return path


def test_a_slide_that_nobody_edited_stands(house: House, run: RunFolder) -> None:
    ended = house("verify", str(edited_slide(house, "1 m", "1 m")))
    assert (ended.code, ended.out.splitlines()[0]) == (
        0,
        "stands      P-up-1, reproduced (slide 1)",
    )


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("1 m", "12.5 m", "The slide says 12.5, and what it cites does not."),
        ("reproduced", "refuted", "The slide no longer says that it was reproduced."),
    ],
)
def test_a_number_or_a_verdict_that_was_edited_on_a_slide_has_changed(
    old: str, new: str, why: str, house: House, run: RunFolder
) -> None:
    ended = house("verify", str(edited_slide(house, old, new)))
    assert ended.code == 1
    assert ended.out.splitlines()[:2] == ["changed     P-up-1, reproduced (slide 1)", f"  {why}"]


def test_the_old_numbers_of_a_superseded_slide_are_no_edit(house: House, run: RunFolder) -> None:
    path = edited_slide(house, "1 m", "1 m")
    newer_run(house, run, "is 1 m in all", "is 2 m in all")
    ended = house("verify", str(path))
    assert ended.code == 0, ended.out
    assert ended.out.startswith("superseded  P-up-1, reproduced (slide 1)")


def test_a_citation_can_come_in(
    house: House, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = cite(house, "P-up-1", form="bibtex").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert house("verify", "-").code == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    ended = house("verify", "-")
    assert ended.code == 2
    assert "standard input: no citation of training-claims is in it" in ended.err


def test_a_newer_run_with_the_same_verdict_supersedes_and_both_numbers_are_shown(
    house: House, run: RunFolder
) -> None:
    path = cite(house, "P-up-1", "planted", run.path.name)
    newer = newer_run(house, run, "is 1 m in all", "is 2 m in all")
    ended = house("verify", str(path))
    assert ended.code == 0
    assert "superseded  P-up-1, reproduced" in ended.out
    assert (
        "A newer run counts, the same verdict, the numbers moved: "
        f"planted/{newer.path.name}. What was cited is kept: planted/{run.path.name}."
    ) in ended.out
    assert "was: The level with shifted less that with plain is 1 m in all 9 blocks." in ended.out
    assert "is:  The level with shifted less that with plain is 2 m in all 9 blocks." in ended.out
    assert "3 statements: stands 0, superseded 3, changed 0." in ended.out


def test_a_newer_run_with_the_same_numbers_supersedes_too(house: House, run: RunFolder) -> None:
    path = cite(house, "P-up-1")
    newer_run(house, run)
    ended = house("verify", str(path))
    assert ended.code == 0
    assert "A newer run counts, the same verdict, the same numbers: " in ended.out
    assert "was:" not in ended.out


def test_another_verdict_is_a_change(house: House, run: RunFolder) -> None:
    path = cite(house, "P-both-1", "P-up-1", "planted")
    newer = newer_run(house, run, ",mixed,", ",refuted,")
    ended = house("verify", str(path))
    assert ended.code == 1
    assert f"It was mixed; it is refuted by planted/{newer.path.name}." in ended.out
    assert "It was 2 reproduced, 1 refuted, 1 mixed, " in ended.out
    assert "; it is 2 reproduced, 2 refuted, 1 inconclusive, " in ended.out
    assert "stands 0, superseded 1, changed 2." in ended.out


def test_rows_that_were_judged_anew_are_told(house: House, run: RunFolder) -> None:
    path = cite(house, "P-up-1", "P-both-1", run.path.name)
    claims = run.path / "claims.csv"
    text = claims.read_text().replace("is 1 m in all", "is 2 m in all")
    claims.write_text(text.replace(",mixed,", ",refuted,"))
    assert house("ledger").code == 0
    ended = house("verify", str(path))
    assert ended.code == 1
    assert "Its rows were judged anew: the same verdict, other numbers." in ended.out
    assert "It was mixed; it is refuted.\n" in ended.out
    assert "superseded 1, changed 2." in ended.out


def test_a_run_that_is_gone_is_a_change_though_the_verdict_is_the_same(
    house: House, run: RunFolder
) -> None:
    path = cite(house, "P-up-1", run.path.name)
    newer_run(house, run)
    shutil.rmtree(run.path)
    ended = house("verify", str(path))
    assert ended.code == 1
    assert ended.out.count(f"Its run planted/{run.path.name} is gone.") == 2


def test_a_run_that_is_gone_is_looked_for_in_the_history(
    house: House, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cite(house, "P-up-1")
    shutil.rmtree(run.path)
    assert house("ledger").code == 0
    monkeypatch.setattr("harness.publishing.verification.in_history", lambda _: True)
    shown = house("verify", str(path)).out
    place = f"planted/{run.path.name}"
    assert f"Its run {place} is gone; the history of the repository has it: `git log" in shown
    assert f"-- results/{place}`." in shown


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("Claim P-up-1", "Claim P-upp-1", "There is no claim 'P-upp-1'. Do you mean one of P-up-1"),
        ("Study planted", "Study plantde", "There is no study 'plantde'. Do you mean one of plan"),
        ("commit ", "commit f00", "Cited is commit f00"),
        ("run planted/", "run ../planted/", "Its run ../planted/"),
        ("run planted/", "run planted/../planted/", "is gone."),
        ('"A shift goes up.', '"A shift goes sideways.', 'are others now: "A shift goes up."'),
        ("; cpu)", "; cuda)", "No published run says anything of it today on"),
        ("Run planted/", "Run elsewhere/", "is no run that it names."),
    ],
)
def test_what_does_not_fit_is_a_change_with_its_reason(
    old: str, new: str, why: str, house: House, run: RunFolder
) -> None:
    path = cite(house, "P-up-1", "planted", run.path.name)
    text = path.read_text().replace(old, new)
    if "cuda" in new:  # the run itself would still be found by its name
        text = text.replace(run.path.name, f"2020-01-01_{run.path.name.split('_')[1]}_0")
    path.write_text(text)
    ended = house("verify", str(path))
    assert ended.code == 1
    assert why in ended.out
    assert "Traceback" not in ended.err


def test_rules_that_have_changed_since_are_told_beside_a_verdict_that_stands(
    house: House, run: RunFolder
) -> None:
    path = cite(house, "P-up-1")
    ledger = house.results / "claims.csv"
    rows = list(csv.DictReader(ledger.open(newline="")))
    with ledger.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "stale": "Made under other rules."} for row in rows)
    ended = house("verify", str(path))
    assert ended.code == 0
    assert "stands      P-up-1, reproduced\n  Made under other rules." in ended.out


def test_hostile_words_of_a_citation_reach_no_terminal(house: House, run: RunFolder) -> None:
    path = cite(house, "P-up-1", form="csl")
    (item,) = json.loads(path.read_text())
    item["note"] = f"\x1b[2J {item['note']}"
    item["title"] = item["title"].replace("P-up-1", "P-\x1b[31mup-1")
    path.write_text(json.dumps([item]))
    ended = house("verify", str(path))
    assert ended.code == 1
    assert "\x1b" not in ended.out + ended.err


@pytest.mark.parametrize("content", ["", "nothing of ours", "@misc{a, title = {b", "[{"])
def test_what_is_no_citation_is_refused_in_a_sentence(content: str, house: House) -> None:
    (house.top / "a.json").write_text(content)
    ended = house("verify", "a.json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: a.json: ")
    assert ended.err.count("\n") == 1
