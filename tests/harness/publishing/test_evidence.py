"""Where pages find the stored files of runs."""

from __future__ import annotations

from pathlib import Path

from harness.publishing.evidence import Evidence


def results(tmp_path: Path) -> Path:
    run = tmp_path / "results" / "planted" / "run 1"
    (run / "figures").mkdir(parents=True)
    for name in ("verdicts.csv", "figures/a.png", "README.md", ".x.partial", "a.partial"):
        (run / name).write_text(name)
    (tmp_path / "results" / "claims.csv").write_text("claim\n")
    return tmp_path / "results"


def test_a_site_in_the_results_links_files_where_they_lie(tmp_path: Path) -> None:
    top = results(tmp_path)
    evidence = Evidence(top, top / "site")
    link = evidence.link("planted/run 1/figures/a.png")
    assert link == "../planted/run%201/figures/a.png"
    assert list(evidence.copies(["planted/run 1"], ["claims.csv"])) == []


def test_a_site_elsewhere_has_copies_of_all_that_its_pages_link(tmp_path: Path) -> None:
    top = results(tmp_path)
    evidence = Evidence(top, tmp_path / "elsewhere")
    assert evidence.link("planted/run 1/verdicts.csv") == "data/planted/run%201/verdicts.csv"
    copied = dict(evidence.copies(["planted/run 1"], ["claims.csv", "clock.svg"]))
    assert sorted(copied.values()) == [
        "data/claims.csv",
        "data/planted/run 1/figures/a.png",
        "data/planted/run 1/verdicts.csv",
    ]
    assert all(path.is_file() for path in copied)
