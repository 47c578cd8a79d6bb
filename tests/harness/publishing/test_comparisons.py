"""Ledger and site say of each stored comparison what it says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalogue.benchmarks import Benchmark
from harness.errors import HarnessError
from harness.protocol.comparison import NAME, Asked, write_comparison
from harness.publishing.comparisons import compared
from harness.publishing.pages import ledger_pages
from tests.harness.publishing.sites import dead_links, parsed
from tests.harness.runs import House
from tests.harness.trios import comparison, stored

TWO = (Benchmark("spin"), Benchmark("nap"))


def test_a_finished_comparison_is_a_row_with_its_verdict(tmp_path: Path) -> None:
    stored(tmp_path, "a", comparison(*TWO))
    (row,) = compared(tmp_path)
    assert (row["base"], row["head"], row["device"]) == ("torch==1", "torch==2", "cpu")
    assert row["words"] == "1 slower, 1 same within the margin"
    assert row["verdict"].startswith("Regression in 1 of 2 benchmarks: spin slower (1.1")
    assert row["folder"] == "regress/a"


def test_what_was_asked_of_a_side_is_part_of_its_name(tmp_path: Path) -> None:
    head = Asked("here", {"THREADS": "2"}, {"cudnn_benchmark": True})
    folder = stored(tmp_path, "a", comparison(head=head))
    named = "here THREADS=2 cudnn_benchmark=True"
    assert compared(tmp_path)[0]["head"] == named
    assert named.replace("_", r"\_") in (folder / "summary.md").read_text()


def test_comparisons_stand_in_the_order_of_their_days(tmp_path: Path) -> None:
    stored(tmp_path, "a", comparison(started="2026-02-02T00:00:00+00:00"))
    stored(tmp_path, "b", comparison(started="2026-01-01T00:00:00+00:00"))
    assert [row["folder"] for row in compared(tmp_path)] == ["regress/b", "regress/a"]


def test_what_was_stopped_is_not_listed(tmp_path: Path) -> None:
    stored(tmp_path, "a", comparison(), blocks=3)
    assert compared(tmp_path) == []


def test_what_was_measured_once_more_is_not_listed_by_itself(tmp_path: Path) -> None:
    path = stored(tmp_path, "a", comparison())
    equal = path / "set-equal" / "default-threads"
    equal.mkdir(parents=True)
    write_comparison(equal, comparison(*TWO))
    assert len(compared(tmp_path)) == 1


def test_no_comparisons_leave_no_trace_in_the_ledger(tmp_path: Path) -> None:
    page = next(page for page in ledger_pages(tmp_path) if page.path.name == "README.md")
    assert b"by `regress`" not in page.content


def test_the_ledger_links_each_comparison_and_cannot_be_broken_by_its_words(tmp_path: Path) -> None:
    stored(tmp_path, "a", comparison(head=Asked("one | two")))
    page = next(page for page in ledger_pages(tmp_path) if page.path.name == "README.md")
    (line,) = [each for each in page.content.decode().splitlines() if "regress/a" in each]
    assert line.count("(regress/a/summary.md)") == 1
    assert line.replace(r"\|", "").count("|") == 7


def test_a_comparison_that_was_edited_is_refused(tmp_path: Path) -> None:
    path = stored(tmp_path, "a", comparison()) / NAME
    path.write_text(path.read_text().replace("torch==2", "torch==3"))
    with pytest.raises(HarnessError, match="edited after the first row"):
        compared(tmp_path)


def test_the_site_shows_each_comparison_with_its_files(house: House) -> None:
    house.finished()
    stored(house.results, "a", comparison(*TWO))
    assert house("report").code == 0
    page = parsed(house.results / "site" / "comparisons.html")
    assert "torch==2 against torch==1" in page.text
    assert "Regression in 1 of 2 benchmarks" in page.text
    assert "By today's rules" not in page.text
    assert any(link.endswith("regress/a/comparison.json") for link in page.links)
    assert dead_links(house.results / "site") == []


def test_a_site_elsewhere_has_copies_of_a_comparison(house: House, tmp_path: Path) -> None:
    house.finished()
    stored(house.results, "a", comparison(*TWO))
    assert house("report", "--into", str(tmp_path / "public")).code == 0
    assert (tmp_path / "public" / "data" / "regress" / "a" / "comparison.json").is_file()
    assert dead_links(tmp_path / "public") == []


def test_a_verdict_that_the_rules_of_today_would_not_give_is_told_apart(house: House) -> None:
    house.finished()
    page = stored(house.results, "a", comparison(*TWO)) / "summary.md"
    page.write_text(page.read_text().replace("Regression in 1 of 2", "Regression in 2 of 2"))
    assert house("report").code == 0
    text = parsed(house.results / "site" / "comparisons.html").text
    assert "By today's rules: Regression in 1 of 2" in text


def test_a_broken_comparison_is_named_and_the_others_are_shown(house: House) -> None:
    house.finished()
    stored(house.results, "sound", comparison())
    path = stored(house.results, "broken", comparison()) / NAME
    path.write_text(path.read_text().replace("torch==2", "torch==3"))
    ended = house("report")
    assert ended.code != 0
    assert "regress/broken" in ended.err
    text = parsed(house.results / "site" / "comparisons.html").text
    assert "1 run could not be read" in text
    assert "torch==2 against torch==1" in text


def test_a_comparison_that_was_stopped_is_no_broken_run(house: House) -> None:
    house.finished()
    path = stored(house.results, "a", comparison(), blocks=2)
    (path / "verdicts.csv").write_text("benchmark\n")
    assert house("report").code == 0
