"""Drawing a run from its stored rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.figures.draw import draw_run
from harness.store.folders import RunFolder
from harness.store.observations import StoredRun
from tests.harness.runs import LEVEL, House, build_house, snapshot


def test_every_figure_function_gives_an_svg_and_a_png_named_after_it(house: House) -> None:
    run = house.finished()
    elsewhere = RunFolder(house.top / "elsewhere")
    before = snapshot(run.path)
    written = draw_run(StoredRun.open(run), elsewhere)
    assert [path.relative_to(elsewhere.path).as_posix() for path in written] == [
        "figures/level-levels-by-block.svg",
        "figures/level-levels-by-block.png",
    ]
    for path in written:
        assert path.read_bytes() == (run.figures / path.name).read_bytes()
    assert snapshot(run.path) == before


def test_a_run_is_not_drawn_by_figures_made_for_another_design(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored_run: Path
) -> None:
    """Its rows may lack what the figure shows."""
    build_house(tmp_path, monkeypatch)
    changed = LEVEL.replace('"again"', '"another"')
    assert changed != LEVEL
    (tmp_path / "studies" / "planted" / "level.py").write_text(changed)
    run = RunFolder(next(stored_run.glob("*/*")))
    into = RunFolder(tmp_path / "into")
    assert draw_run(StoredRun.open(run), into) == []
    assert not into.path.exists()


def test_an_experiment_that_the_study_no_longer_has_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored_run: Path
) -> None:
    build_house(tmp_path, monkeypatch)
    (tmp_path / "studies" / "planted" / "level.py").unlink()
    run = RunFolder(next(stored_run.glob("*/*")))
    assert draw_run(StoredRun.open(run), RunFolder(tmp_path / "into")) == []


def test_what_this_run_could_not_measure_is_not_drawn(house: House) -> None:
    level = house.top / "studies" / "planted" / "level.py"
    level.write_text(LEVEL.replace("figures=", 'needs="cuda",\n    figures='))
    ended = house("run", "planted", "--profile", "quick")
    assert ended.code == 0, ended.err
    run = house.only_run()
    assert not run.figures.exists()
    assert not run.table("level").exists()
    verdicts = (run.path / "verdicts.csv").read_text()
    assert "It needs cuda; this run had cpu." in verdicts


def test_a_figure_that_cannot_be_drawn_is_one_sentence_and_the_verdicts_are_kept(
    house: House,
) -> None:
    level = house.top / "studies" / "planted" / "level.py"
    broken = LEVEL.replace("figure = Figure()", 'raise ValueError("no such axis")')
    assert broken != LEVEL
    level.write_text(broken)
    ended = house("run", "planted", "--profile", "quick")
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert "levels_by_block cannot be drawn from these rows (ValueError: no such axis" in ended.err
    assert (house.only_run().path / "verdicts.csv").is_file()
