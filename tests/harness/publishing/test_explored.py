"""Stored rows for the explorers: where they come from, and what is said where there are none."""

from __future__ import annotations

import pytest

from harness.design.factors import Factor
from harness.publishing.explored import Explored, Judged, Missing, bearing, choice, explored, when
from harness.publishing.site_sources import Sources
from tests.harness.publishing.planted_rows import ledger_row, sources_of
from tests.harness.publishing.sites import older_copy
from tests.harness.runs import House


def planted_rows(house: House, **needs: tuple[str, ...]) -> Explored | Missing:
    sources = Sources.read(house.results, house.results / "site")
    asked = {"factors": ("mode",), "responses": ("level",)} | needs
    return explored(sources, "planted", "level", **asked)


def test_rows_come_from_the_newest_run(house: House) -> None:
    run = house.finished()
    older_copy(run, "2020-01-01_old_0000000", "2020-01-01T00:00:00+00:00")
    found = planted_rows(house)
    assert isinstance(found, Explored)
    assert found.run == f"planted/{run.path.name}"
    assert found.missing == ""
    assert (found.blocks, len(found.of("level"))) == (9, 27)
    assert found.factor("mode").control == "plain"


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        ({"factors": ("net",)}, "it has no net."),
        ({"responses": ("a", "b")}, "it has no a and no b"),
    ],
)
def test_a_run_that_lacks_what_a_page_needs_is_told(
    needs: dict[str, tuple[str, ...]], said: str, house: House
) -> None:
    house.finished()
    found = planted_rows(house, **needs)
    assert isinstance(found, Missing)
    assert said in found.missing


def test_a_broken_table_is_told_and_none_is_too(house: House) -> None:
    run = house.finished()
    run.table("level").write_bytes(b"PAR1")
    found = planted_rows(house)
    assert isinstance(found, Missing)
    assert "“level” of the study planted cannot be read" in found.missing
    nothing = explored(sources_of(), "planted", "level", factors=(), responses=())
    assert "No run of the experiment “level” of the study planted is stored" in nothing.missing


def test_a_choice_begins_with_a_level_that_there_is() -> None:
    rate = Factor("p", (0.0, 0.5), words={0.0: ""})
    assert choice(rate, 0.5).first == "0.5"
    assert choice(rate, 0.9).first == "0.0"
    assert choice(rate).options == (("0.0", "0.0"), ("0.5", "0.5"))


def test_a_state_is_written_as_an_address_has_it() -> None:
    assert when({"net": "dropout + batch norm", "p": 0.5}) == "net=dropout+%2B+batch+norm&p=0.5"


def test_claims_bear_on_a_page_by_the_experiments_that_judged_them() -> None:
    sources = sources_of(
        ledger_row("C1", "s", "one two"),
        ledger_row("C2", "s", "three"),
        ledger_row("C3", "other", "one"),
        ledger_row("A1", "s", "two", document="A"),
    )
    assert [row["claim"] for row in bearing(sources, Judged("s", ("two",)))] == ["C1", "A1"]
    assert [row["claim"] for row in bearing(sources, Judged("s", ("two",), "C"))] == ["C1"]
