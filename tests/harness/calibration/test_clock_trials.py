"""The clock's calibration: planted blocks in, intervals, flags and a page out."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import typer

from harness.calibration import burner, clock_trials
from harness.calibration.burner import burning
from harness.calibration.clock_page import clock_figure, half_widths, outcome, page, widths
from harness.calibration.clock_trials import MeasuredBlock, main, measure_block, try_clock
from harness.errors import HarnessError
from harness.figures.style import slide_style

ROUNDS = 16


def planted(ratio: float = 1.0, noise: float = 0.01) -> clock_trials.Measure:
    """Blocks of 50 us calls whose second name takes ``ratio`` as long, give or take the noise."""

    def measure(seed: int, rounds: int) -> MeasuredBlock:
        rng = np.random.default_rng(seed)
        first = 50e-6 * rng.uniform(1.0, 2.0, rounds)
        again = first * ratio * (1 + noise * rng.standard_normal(rounds))
        return MeasuredBlock(first.tolist(), again.tolist(), 1.0, 0.95, 1.25)

    return measure


def trials(ratio: float = 1.0, noise: float = 0.01, repetitions: int = 8) -> pd.DataFrame:
    return try_clock(repetitions, 10, ROUNDS, 0, planted(ratio, noise))


@pytest.fixture(autouse=True)
def _no_burner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is timed here, so that nothing has to burn."""
    monkeypatch.setattr(burner, "burning", lambda seed, *, wanted: nullcontext())


def test_every_other_repetition_runs_beside_a_burning_process() -> None:
    table = trials()
    beside = table.groupby("repetition")["beside"].first().tolist()
    assert beside == ["nothing", "bursts on a core"] * 4


def test_the_interval_is_the_order_statistics_of_the_blocks_medians() -> None:
    whole = trials(ratio=1.1).query(f"rounds == {ROUNDS} and repetition == 3")
    blocks = [planted(1.1)(seed, ROUNDS) for seed in range(30, 40)]
    medians = [float(np.median(np.divide(block.again, block.first))) for block in blocks]
    (row,) = whole.to_dict("records")
    # Ten blocks: the 99 % interval of the median runs from the least to the greatest.
    assert (row["low"], row["high"]) == (min(medians), max(medians))
    assert row["ratio"] == pytest.approx(float(np.median(medians)))
    assert row["measuring_seconds"] == 10.0
    assert row["starting_seconds"] == pytest.approx(2.5)


def test_a_difference_that_is_there_is_flagged_and_the_calibration_missed() -> None:
    table = trials(ratio=1.1)
    assert table.loc[table["rounds"] == ROUNDS, "flagged"].all()
    met, sentence = outcome(table)
    assert not met
    assert sentence.startswith("Missed: 8 of 8 comparisons of a thing with itself were flagged")


def test_narrow_intervals_without_flags_meet_the_aims() -> None:
    met, sentence = outcome(trials(noise=1e-4))
    assert met, sentence
    assert "Missed" not in sentence


def test_wide_intervals_miss_the_aim() -> None:
    met, sentence = outcome(trials(noise=0.3))
    assert not met
    assert "Missed: the median half-width" in sentence


def test_fewer_rounds_cost_less_time_and_give_wider_intervals() -> None:
    table = trials(noise=0.05, repetitions=40)
    quiet = table[table["beside"] == "nothing"]
    by_rounds = {int(str(n)): half_widths(rows).median() for n, rows in quiet.groupby("rounds")}
    assert list(by_rounds) == [1, 2, 4, 8, 16]
    assert by_rounds[1] > by_rounds[4] > by_rounds[16]
    assert widths(table)["seconds"].unique().tolist() == ["0.62", "1.2", "2.5", "5", "10"]


def test_the_page_and_the_figure_come_from_the_table() -> None:
    table = trials()
    text = page(table)
    assert "8 repetitions" in text
    assert "95.0 % went to calls" in text
    with slide_style():
        title = clock_figure(table).axes[0].get_title()
    assert title.endswith("0 of 8 experiments see a difference")


def test_the_command_writes_its_files_and_tells_by_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(try_clock, "__defaults__", (planted(noise=1e-4),))
    with pytest.raises(typer.Exit) as ended:
        main(tmp_path, 2, 10, ROUNDS, 0)
    assert ended.value.exit_code == 0
    names = ["clock.csv", "clock.md", "clock.png", "clock.svg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert len(pd.read_csv(tmp_path / "clock.csv")) == 2 * 5


def test_the_burner_lives_as_long_as_it_is_wanted() -> None:
    before = set(psutil.Process().children())
    with burning(0):
        (burner,) = set(psutil.Process().children()) - before
        assert burner.is_running()
    assert not burner.is_running()
    with burning(0, wanted=False):
        assert set(psutil.Process().children()) == before


def test_a_block_is_measured_in_a_process_of_its_own() -> None:
    block = measure_block(0, 3)
    assert len(block.first) == len(block.again) == 3
    assert 0 < block.in_calls <= block.block_seconds < block.process_seconds


def test_a_block_that_fails_stops_the_calibration_with_its_error() -> None:
    with pytest.raises(HarnessError, match="block of the clock's calibration failed"):
        measure_block(-1, 3)
