"""What stands in the ledger's pages."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from harness.publishing.pages import BEGIN, END, error_policy
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
        assert "| P-up-1 | A shift goes up. | **reproduced** |" in findings
        assert "6 of 8 claims are tested so far" in findings


@pytest.mark.parametrize("text", ["# No marks\n", f"{BEGIN}\nno end\n"])
def test_a_readme_without_both_marks_is_left_alone(text: str, house: House) -> None:
    (house.top / "README.md").write_text(text)
    assert house("ledger").code == 0
    assert (house.top / "README.md").read_text() == text


def test_a_bar_in_a_claims_words_does_not_break_its_table(house: House) -> None:
    catalogue = house.top / "studies" / "claims.csv"
    catalogue.write_text(CATALOGUE.replace("A shift goes up.", "A shift |x| goes up."))
    house.finished()
    assert house("ledger").code == 0
    page = (house.results / "README.md").read_text()
    (line,) = [line for line in page.splitlines() if line.startswith("| P-up-1 |")]
    assert r"A shift \|x\| goes up." in line
    assert line.replace(r"\|", "").count("|") == 7


def test_rules_that_changed_since_a_run_are_said_on_the_page(house: House) -> None:
    house.finished()
    level = house.top / "studies" / "planted" / "level.py"
    level.write_text(level.read_text().replace("at_least(0.5)", "at_least(0.6)"))
    assert house("ledger").code == 0
    assert "rules have changed since this run" in (house.results / "README.md").read_text()


# -- how many may be wrong -------------------------------------------------------------------------


def beyond(decided: int, most: int) -> float:
    """The probability of more than so many errors at 1 % each, summed term by term."""
    return 1 - sum(math.comb(decided, k) * 0.01**k * 0.99 ** (decided - k) for k in range(most + 1))


@pytest.mark.parametrize("decided", [0, 2, 40, 300])
def test_the_policy_counts_verdicts_by_interval_and_bounds_their_errors(decided: int) -> None:
    rows = [("median", "reproduced"), ("frequency", "refuted")] * decided
    rows = rows[:decided]
    rows += [("median", "inconclusive"), ("every", "refuted"), ("", "not measurable")] * 5
    sentence = error_policy(pd.DataFrame(rows, columns=["rule", "verdict"]))
    assert f" {decided} conditions are decided by such an interval" in sentence
    assert f"at most {decided / 100:.1f} of them" in sentence
    most = int(sentence.partition("more than ")[2].split()[0])
    assert beyond(decided, most) < 0.01
    assert most == 0 or beyond(decided, most - 1) >= 0.01
