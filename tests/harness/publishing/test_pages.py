"""What stands in the ledger's pages."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from harness.publishing.pages import (
    BEGIN,
    BEGIN_FOLLOWED,
    END,
    END_FOLLOWED,
    error_policy,
    run_context,
)
from harness.store.folders import RunFolder
from tests.harness.publishing.test_ledger import condition, found, published
from tests.harness.runs import CATALOGUE, House


def test_the_findings_go_between_their_marks_and_the_rest_of_the_readme_stays(
    house: House,
) -> None:
    house.finished()
    readme = house.top / "README.md"
    before, after = "# Title\n\nSome words.\n\n", "\n\n## How to run\n\nMore | words.\n"
    readme.write_text(f"{before}{BEGIN}\nold findings\n{END}{after}")
    for _ in range(2):
        assert house("ledger").code == 0
        text = readme.read_text()
        assert text.startswith(before + BEGIN)
        assert text.endswith(END + after)
        findings = text.removeprefix(before + BEGIN).removesuffix(END + after)
        assert "old findings" not in findings
        assert "- **A shift goes down.** Refuted: The level with shifted less that" in findings
        assert "](results/planted/README.md#p-down-1)" in findings
        assert "6 of 8 claims are tested so far" in findings


@pytest.mark.parametrize("text", ["# No marks\n", f"{BEGIN}\nno end\n"])
def test_a_readme_without_both_marks_is_left_alone(text: str, house: House) -> None:
    (house.top / "README.md").write_text(text)
    assert house("ledger").code == 0
    assert (house.top / "README.md").read_text() == text


def test_the_ledger_shows_how_often_the_gate_errs_and_where_others_stand_beside_it(
    house: House,
) -> None:
    house.finished()
    (house.results / "gate.md").write_text("# Gate\n\n<!-- tables -->\n\n**0 of 9 alarms.**\n")
    assert house("ledger").code == 0
    text = (house.results / "README.md").read_text()
    assert "**0 of 9 alarms.**" in text
    assert "gate_tools.md" not in text
    (house.results / "gate_tools.md").touch()
    assert house("ledger").code == 0
    assert "[gate_tools.md](gate_tools.md)" in (house.results / "README.md").read_text()


HOSTILE = "A |x| `y` <script>alert(1)</script> **z** [w](http://v) goes up."


def test_no_words_of_a_claim_can_break_a_page(house: House) -> None:
    catalogue = house.top / "studies" / "claims.csv"
    catalogue.write_text(CATALOGUE.replace("A shift goes up.", HOSTILE))
    house.finished()
    assert house("ledger").code == 0
    for page in (house.results / "README.md", house.results / "planted" / "README.md"):
        text = page.read_text()
        assert "<script>" not in text
        assert r"\[w\](http://v)" in text
        assert "[w](http" not in text
        for line in text.splitlines():
            if line.startswith("| [P-up-1]"):
                assert line.replace(r"\|", "").count("|") in (5, 6)


def test_the_page_of_a_study_tells_each_claim_with_reading_number_and_conditions(
    house: House,
) -> None:
    run = house.finished()
    assert house("ledger").code == 0
    page = (house.results / "planted" / "README.md").read_text()
    assert page.startswith("# planted: Does the harness run what is planted?")
    for said in (
        "### P-up-1",
        "> A shift goes up.",
        "It speaks of: shifts. Judged as *always*.",
        "*Reading:* Up by half.",
        "The level with shifted less that with plain is 1 m in all 9 blocks.",
        "2 judged",
        "python -m harness run planted --profile standard --device cpu --seed 0",
        f"]({run.path.name}/figures/level-levels-by-block.png)",
        "![level levels by block. Does a planted shift of 1 come out?]",
        "The same statement: P-up-1.",
    ):
        assert said in page
    assert "copy=" not in page
    assert "mode=" not in page


def test_rules_that_changed_since_a_run_are_said_on_the_pages(house: House) -> None:
    house.finished()
    level = house.top / "studies" / "planted" / "level.py"
    level.write_text(level.read_text().replace("at_least(0.5)", "at_least(0.6)"))
    assert house("ledger").code == 0
    page = (house.results / "planted" / "README.md").read_text()
    assert "Rules have changed since this run, which is judged by its own: level." in page
    assert "(older rules)" in (house.results / "README.md").read_text()


def test_a_study_that_cannot_be_imported_does_not_stop_the_ledger(house: House) -> None:
    house.finished()
    level = house.top / "studies" / "planted" / "level.py"
    level.write_text("import nothing_of_the_kind\n")
    ended = house("ledger")
    assert ended.code == 0, ended.err
    page = (house.results / "planted" / "README.md").read_text()
    assert "The study cannot be loaded today" in page
    assert "nothing\\_of\\_the\\_kind" in page
    assert "### P-up-1" in page


# -- how many may be wrong -------------------------------------------------------------------------


def more_errors(decided: int, most: int) -> float:
    """The probability of more than so many errors at 1 % each, summed term by term."""
    return 1 - sum(math.comb(decided, k) * 0.01**k * 0.99 ** (decided - k) for k in range(most + 1))


@pytest.mark.parametrize("decided", [0, 2, 40, 300])
def test_the_policy_counts_verdicts_by_interval_and_bounds_their_errors(decided: int) -> None:
    rows = [("median", "reproduced"), ("frequency", "refuted")] * decided
    rows = rows[:decided]
    rows += [("median", "inconclusive"), ("every", "refuted"), ("median", "not measurable")] * 5
    plain = condition("C-1", headline=False)
    findings = [replace(plain, rule=rule, verdict=verdict) for rule, verdict in rows]  # type: ignore[arg-type]  # verdicts by their names
    sentence = error_policy(findings)
    assert f" {decided} conditions are decided by such an interval" in sentence
    assert f"at most {decided / 100:.1f} of them" in sentence
    most = int(sentence.partition("more than ")[2].split()[0])
    assert more_errors(decided, most) < 0.01
    assert most == 0 or more_errors(decided, most - 1) >= 0.01


def test_one_claim_is_followed_from_its_passage_to_its_verdict(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.publishing.pages.FOLLOWED", "P-both-1")
    readme = house.top / "README.md"
    readme.write_text(f"# Title\n{BEGIN_FOLLOWED}\n{END_FOLLOWED}\nend\n")
    assert house("ledger").code == 0
    assert "No run has judged it yet." in readme.read_text()
    shutil.rmtree(house.results)
    house.finished()
    assert house("ledger").code == 0
    text = readme.read_text()
    for said in (
        "document B, Shifts, in our words: *Every change goes up.*",
        "*always*: it must hold in all settings",
        "Both go up by half.",
        "and 1 more setting like it",
        "**mixed**",
        "/figures/level-levels-by-block.png)",
    ):
        assert said in text
    assert text.endswith(f"{END_FOLLOWED}\nend\n")


def test_what_another_machine_has_put_out_of_date_is_named_and_its_figure_left_out(
    tmp_path: Path,
) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.figures.mkdir(parents=True)
    (folder.figures / "a-curve.png").touch()
    run = replace(published(found("P-draw-1")), folder=folder)
    before = run_context(run, tmp_path)
    assert [figure["experiment"] for figure in before["figures"]] == ["a"]
    assert before["outdated"] == ""
    after = run_context(replace(run, outdated=frozenset({"P-draw-1"})), tmp_path)
    assert after["figures"] == []
    assert after["outdated"].endswith("by today's rules: P-draw-1.")
