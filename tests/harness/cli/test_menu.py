"""The menus: studies and claims, with the verdicts of the ledger."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.cli.menu import claims_list, verdict_text
from harness.design.entry import Entry
from harness.errors import HarnessError
from harness.judging.verdicts import VERDICTS
from harness.publishing.ledger import COLUMNS
from harness.publishing.stored import stored_rows, stored_verdicts
from harness.words import COLOURS
from tests.harness.runs import House


def write_ledger(results: Path, rows: list[dict[str, str]]) -> None:
    results.mkdir(exist_ok=True)
    lines = [",".join(COLUMNS)]
    rows = [{"kind": "claim", **row} for row in rows]
    lines += [",".join(row.get(column, "") for column in COLUMNS) for row in rows]
    (results / "claims.csv").write_text("\n".join(lines) + "\n")


def lines_with(text: str, word: str) -> list[str]:
    return [line for line in text.splitlines() if word in line]


def test_every_verdict_has_its_colour() -> None:
    assert set(COLOURS) == set(VERDICTS)
    for verdict in VERDICTS:
        assert verdict_text(verdict).plain == verdict


def test_the_studies_are_listed_with_question_cost_and_number_of_claims(house: House) -> None:
    ended = house("list")
    assert ended.code == 0
    fresh, told_of_fresh, planted, told_of_planted = ended.out.splitlines()[:4]
    assert planted.split(maxsplit=1) == ["planted", "Does the harness run what is planted?"]
    assert told_of_planted.strip() == "6 claims; 1 s"
    assert fresh.startswith("fresh ")
    assert told_of_fresh.strip() == "1 claim; no time at all"


def test_eight_studies_fit_a_screen_of_24_lines(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for number in range(6):
        question = f"Does the study number {number} ask a question that is far too long for it?"
        (house.top / "studies" / f"more_{number}.py").write_text(f'"""{question * 2}"""\n')
    lines = house("list").out.splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80


def test_the_state_of_a_study_counts_the_verdicts_of_its_claims(house: House) -> None:
    write_ledger(
        house.results,
        [
            {"claim": "P-up-1", "verdict": "reproduced"},
            {"claim": "P-up-1", "verdict": "refuted"},
            {"claim": "P-down-1", "verdict": "refuted"},
            {"claim": "P-pid-1", "verdict": "not tested"},
        ],
    )
    ended = house("list")
    _, told_of_fresh, _, told_of_planted = ended.out.splitlines()[:4]
    assert told_of_planted.strip() == "6 claims on 2 machines, 1 reproduced, 2 refuted; 1 s"
    assert told_of_fresh.strip() == "1 claim, 1 not tested; no time at all"


def test_without_a_ledger_every_claim_is_shown_as_not_tested(house: House) -> None:
    ended = house("claims")
    assert ended.code == 0
    assert "8 claims" in ended.out
    for claim in ("P-up-1", "P-later-1"):
        assert "not tested" in lines_with(ended.out, claim)[0]


@pytest.mark.parametrize(
    ("filters", "claims"),
    [
        ("--study fresh", ["P-pid-1"]),
        ("--document B", ["P-both-1", "P-open-1"]),
        ("--document A --verdict refuted", ["P-down-1"]),
        ("--verdict mixed", []),
        ("--study planted --document D", []),
    ],
)
def test_claims_are_filtered_by_study_document_and_verdict(
    filters: str, claims: list[str], house: House
) -> None:
    write_ledger(house.results, [{"claim": "P-down-1", "verdict": "refuted"}])
    ended = house("claims", *filters.split())
    assert ended.code == 0
    assert f"{len(claims)} claims" in ended.out
    shown = [word for word in ended.out.split() if word.startswith("P-")]
    assert shown == claims


def test_a_claim_judged_on_two_machines_shows_both_verdicts(house: House) -> None:
    write_ledger(
        house.results,
        [{"claim": "P-up-1", "verdict": verdict} for verdict in ("reproduced", "mixed")],
    )
    assert stored_verdicts(house.results) == {"P-up-1": ["reproduced", "mixed"]}
    assert "reproduced, mixed" in lines_with(house("claims").out, "P-up-1")[0]


@pytest.mark.parametrize(
    "content",
    [
        "claim,kind,verdict\nP-up-1,claim,proven\n",
        "claim,kind,verdict\nP-up-1,guess,refuted\n",
        "claim,outcome\nP-up-1,reproduced\n",
        "verdict\nreproduced\n",
        'claim,verdict\n"P-up-1,reproduced\n',
        "claim,verdict\nP-up-1\n",
    ],
)
def test_a_broken_ledger_is_refused(content: str, house: House) -> None:
    house.results.mkdir()
    (house.results / "claims.csv").write_text(content)
    for command in ("list", "claims", "show P-up-1"):
        ended = house(*command.split())
        assert ended.code == 2, command
        assert "claims.csv: " in ended.err
        assert "Traceback" not in ended.err


def test_a_ledger_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "claims.csv").write_bytes(b"claim,verdict\n\xff\xfe,\xff\n")
    with pytest.raises(HarnessError, match="the ledger cannot be read"):
        stored_rows(tmp_path)


def test_in_a_pipe_every_claim_is_one_line_and_in_a_terminal_its_words_are_wrapped() -> None:
    says = "A sentence that is far too long for what is left of a narrow terminal."
    entry = Entry("P-1", says=says, scope="nets", study="planted")
    piped = claims_list([(entry, ["refuted"])], sys.maxsize).plain.splitlines()
    assert piped == [f"P-1  planted  refuted  {says}", "1 claims"]
    wrapped = claims_list([(entry, ["refuted"])], 60).plain.splitlines()
    assert max(map(len, wrapped)) <= 60
    indent = piped[0].index(says)
    assert " ".join(line[indent:].strip() for line in wrapped[:-1]) == says
