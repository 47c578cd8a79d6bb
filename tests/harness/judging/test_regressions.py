"""From planted ratios to words: margins, controls, failures, and the promise for all together."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.catalogue.benchmarks import Benchmark
from harness.design.gpu_state import BETWEEN
from harness.judging.block_ratios import head_ratios, ratios
from harness.judging.intervals import Interval, median_interval
from harness.judging.regression_table import findings_table
from harness.judging.regressions import (
    REGRESSIONS,
    WORDS,
    Outcome,
    Report,
    Word,
    judge,
    outcome_of,
    word_of,
)
from harness.protocol.comparison import (
    AGAIN,
    BASE,
    HEAD,
    Side,
    blocks_for,
    confidence_of_each,
)
from tests.harness.trios import comparison, noisy, planted

SAVED = Benchmark("saved", unit="B", margin=0.001)


def report(head: float, *, again: float = 1.0, sd: float = 0.003) -> Report:
    compared = comparison()
    return judge(compared, planted(compared, {"spin": noisy(head, compared, again=again, sd=sd)}))


@pytest.mark.parametrize(
    ("head", "word", "code"),
    [
        (1.10, "slower", 1),
        (1.03, "slower", 1),
        (1.00, "same within the margin", 0),
        (1.01, "same within the margin", 0),
        (1.02, "inconclusive", 3),
        (0.90, "faster", 0),
    ],
)
def test_the_word_follows_from_where_the_interval_lies(head: float, word: str, code: int) -> None:
    found = report(head)
    assert found.findings[0].word == word
    assert found.exit_code == code


def test_a_median_of_ratios_is_that_of_rounds_within_blocks() -> None:
    compared = comparison()
    table = planted(compared, {"spin": {HEAD: [2.0] * 12, AGAIN: [1.0] * 12}}, rounds=5)
    odd = (table["round"] == 0) & (table["side"] == "head")
    table.loc[odd, "value"] *= 100  # one round of five, in every block
    assert ratios(table, HEAD, 12) == pytest.approx([2.0] * 12)


def test_rounds_that_another_process_disturbed_are_left_out_as_long_as_others_are_left() -> None:
    compared = comparison(blocks=1)
    values = {"spin": {HEAD: [1.0], AGAIN: [1.0]}}
    for clean, expected in ((8, 1.0), (7, 3.0)):
        table = planted(compared, values, rounds=clean + 20)
        hit = (table["side"] == "head") & (table["round"] >= clean)
        table.loc[hit, "value"] *= 3
        table.loc[hit, "status"] = "disturbed"
        assert ratios(table, HEAD, 1) == pytest.approx([expected])


def test_head_is_held_against_both_processes_of_base() -> None:
    compared = comparison(blocks=1)
    table = planted(compared, {"spin": {HEAD: [6.0], AGAIN: [4.0]}})
    assert head_ratios(table, 1) == pytest.approx([3.0])  # between 6 / 1 and 6 / 4


def test_two_processes_of_base_spread_less_than_one_and_tell_nothing_of_the_control() -> None:
    blocks = 600
    compared = comparison(blocks=blocks)
    head, again, base = np.random.default_rng(0).normal(0, 0.01, (3, blocks))
    values = {"spin": {HEAD: np.exp(head - base).tolist(), AGAIN: np.exp(again - base).tolist()}}
    table = planted(compared, values, rounds=1)
    of_one, of_both = np.log(ratios(table, HEAD, blocks)), np.log(head_ratios(table, blocks))
    # Variances of a difference: of two numbers 2, of a number and the mean of two others 1.5.
    assert np.var(of_both) / np.var(of_one) == pytest.approx(0.75, abs=0.1)
    control = np.log(ratios(table, AGAIN, blocks))
    assert abs(np.corrcoef(of_both, control)[0, 1]) < 0.15
    assert np.corrcoef(of_one, control)[0, 1] == pytest.approx(0.5, abs=0.15)


def test_a_control_off_1_withholds_the_verdict() -> None:
    finding = report(1.10, again=1.05).findings[0]
    assert finding.word == "inconclusive"
    assert "Withheld: base differs from its own copy" in finding.reason


def test_a_control_off_1_by_less_than_matters_withholds_nothing() -> None:
    assert report(1.10, again=1.004, sd=0.0005).findings[0].word == "slower"


def test_a_control_too_wide_to_tell_leaves_the_interval_as_the_blocks_make_it() -> None:
    compared = comparison()
    again = [0.97, 1.03] * 6
    # Head takes as much more than both processes of base together in every block.
    head = [1.04 * math.sqrt(copy) for copy in again]
    finding = judge(compared, planted(compared, {"spin": {HEAD: head, AGAIN: again}})).findings[0]
    assert finding.word == "slower"
    assert finding.head is not None
    assert finding.head.low == pytest.approx(1.04)


def test_more_controls_off_than_chance_allows_withhold_all_times_and_no_bytes() -> None:
    times = tuple(Benchmark(f"t{i}") for i in range(6))
    compared = comparison(*times, SAVED)
    exact = {HEAD: [2.0] * compared.blocks, AGAIN: [1.0] * compared.blocks}
    off = {HEAD: [2.0] * compared.blocks, AGAIN: [1.5] * compared.blocks}
    planned = {each.name: off if i < 3 else exact for i, each in enumerate(times)}
    found = judge(compared, planted(compared, {**planned, "saved": exact}))
    assert found.clock
    assert [f.word for f in found.findings] == ["inconclusive"] * 6 + ["hungrier"]
    assert found.exit_code == 1


@pytest.mark.parametrize(
    ("head", "word"),
    [(1.01, "hungrier"), (0.99, "leaner"), (1.0, "same within the margin")],
)
def test_bytes_have_words_of_their_own(head: float, word: str) -> None:
    compared = comparison(SAVED)
    values = {HEAD: [head] * compared.blocks, AGAIN: [1.0] * compared.blocks}
    table = planted(compared, {"saved": values}, rounds=1, base=4096)
    assert judge(compared, table).findings[0].word == word


@pytest.mark.parametrize(("head", "word"), [(0.0, "same within the margin"), (8.0, "hungrier")])
def test_nothing_on_base_is_no_division_by_zero(head: float, word: str) -> None:
    compared = comparison(SAVED)
    values = {HEAD: [0.0] * compared.blocks, AGAIN: [0.0] * compared.blocks}
    table = planted(compared, {"saved": values}, rounds=1, base=0.0)
    table.loc[table["side"] == "head", "value"] = head
    assert judge(compared, table).findings[0].word == word


def failing(sides: Mapping[str, str], blocks: range) -> Report:
    """The report of a comparison in which these sides failed in some blocks."""
    compared = comparison()
    table = planted(compared, {"spin": noisy(1.0, compared)}, rounds=1)
    for side in (BASE, AGAIN, HEAD):
        hit = table["block"].isin(blocks)
        table.loc[hit, "value"] = math.nan
        table.loc[hit, "status"] = "failed"
        own = hit & (table["side"] == side)
        table.loc[own, "message"] = sides.get(side, "not measured, for another failed")
    return judge(compared, table)


@pytest.mark.parametrize(
    ("sides", "word", "code"),
    [
        ((HEAD,), "broken", 1),
        ((BASE, AGAIN), "mended", 0),
        ((BASE, AGAIN, HEAD), "not measured", 4),
        ((AGAIN,), "not measured", 4),
    ],
)
def test_what_fails_on_one_side_alone_is_a_finding(
    sides: tuple[str, ...], word: str, code: int
) -> None:
    found = failing(dict.fromkeys(sides, "ValueError: planted"), range(12))
    assert found.findings[0].word == word
    assert "ValueError: planted" in found.findings[0].reason
    assert found.exit_code == code


def test_a_block_that_was_lost_leaves_the_rest_undecided_and_is_counted() -> None:
    finding = failing({HEAD: "the process was killed by SIGKILL"}, range(1)).findings[0]
    assert finding.word == "inconclusive"
    assert "head failed in 1 block: the process was killed by SIGKILL" in finding.reason


def test_too_few_blocks_for_an_interval_decide_nothing() -> None:
    compared = comparison(blocks=3)
    values = {HEAD: [2.0] * 3, AGAIN: [1.0] * 3}
    finding = judge(compared, planted(compared, {"spin": values})).findings[0]
    assert finding.word == "inconclusive"
    assert "3 blocks: too few" in finding.reason


def test_a_gpu_that_was_disturbed_is_kept_and_not_judged() -> None:
    compared = comparison()
    table = planted(compared, {"spin": noisy(1.1, compared)})
    hit = table["block"] == 3
    table.loc[hit, ["status", "message"]] = ["disturbed", "the GPU was slowed down by overheating"]
    assert "disturbed in 1 block" in judge(compared, table).findings[0].reason


def with_state(
    table: pd.DataFrame, response: str, unit: str, value: Mapping[Side, float]
) -> pd.DataFrame:
    """The table with what was sampled of a GPU after each chunk, by side."""
    rows = table.assign(phase=BETWEEN, response=response, unit=unit)
    return pd.concat([table, rows.assign(value=rows["side"].map(value))], ignore_index=True)


def test_sides_at_other_clocks_of_a_gpu_are_not_judged() -> None:
    compared = comparison()
    times = planted(compared, {"spin": noisy(1.1, compared)})
    for head, withheld in ((1900.0, False), (1800.0, True)):
        clocks = {BASE: 1890.0, AGAIN: 1890.0, HEAD: head}
        finding = judge(compared, with_state(times, "sm_clock", "MHz", clocks)).findings[0]
        assert (finding.word == "inconclusive") is withheld
        said = "base and head ran at other clocks of the GPU (1,890 MHz and 1,800 MHz)"
        assert (said in finding.reason) is withheld


def test_a_gpu_at_its_power_limit_is_judged_and_told() -> None:
    compared = comparison()
    times = planted(compared, {"spin": noisy(1.1, compared)}, rounds=9)
    limited = dict.fromkeys((BASE, AGAIN, HEAD), 4.0)  # NVML's bit of the power cap
    finding = judge(compared, with_state(times, "throttle_reasons", "bits", limited)).findings[0]
    assert finding.word == "slower"
    assert "The GPU was at its power limit in 216 of 216 samples." in finding.reason
    assert "Not seen of the GPU: clocks" in finding.reason


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (("slower", "inconclusive", "not measured"), "regression"),
        (("broken",), "regression"),
        (("faster", "inconclusive"), "inconclusive"),
        (("faster", "not measured"), "inconclusive"),
        (("not measured", "not measured"), "nothing measured"),
        ((), "nothing measured"),
        (("faster", "mended", "leaner", "same within the margin"), "no regression"),
    ],
)
def test_the_outcome_of_all(words: tuple[Word, ...], outcome: Outcome) -> None:
    assert outcome_of(words) == outcome


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=30))
def test_a_gate_never_passes_where_a_benchmark_regressed_or_was_left_open(
    words: list[Word],
) -> None:
    passes = outcome_of(words) == "no regression"
    assert passes == (not set(words) & {*REGRESSIONS, "inconclusive", "not measured"})


@given(st.floats(0.5, 2), st.floats(0, 0.2), st.floats(0.001, 0.2))
def test_a_word_never_says_more_than_its_interval(low: float, width: float, margin: float) -> None:
    interval, benchmark = Interval(low, low, low + width), Benchmark("x", margin=margin)
    word = word_of(interval, benchmark)
    assert (word == "slower") == (interval.low > 1 + margin)
    assert (word == "faster") == (interval.high < 1 / (1 + margin))
    if word == "same within the margin":
        assert 1 / (1 + margin) <= interval.low
        assert interval.high <= 1 + margin


@pytest.mark.parametrize("count", [1, 2, 5, 20, 100])
def test_the_blocks_leave_out_the_lowest_and_the_highest(count: int) -> None:
    blocks, confidence = blocks_for(count), confidence_of_each(count)
    values = np.arange(blocks, dtype=np.float64)
    found = median_interval(values, confidence)
    assert (found.low, found.high) == (1.0, blocks - 2.0)
    fewer = median_interval(values[:-1], confidence)
    assert blocks == 8 or fewer.low < 1


def test_no_more_runs_than_promised_call_slower_what_is_slower_by_its_margin_and_no_more() -> None:
    """Whole runs through the judge, with heavy tails; with 95 % for each some nine would."""
    names, runs = [f"planted_{number}" for number in range(10)], 40
    compared = comparison(*map(Benchmark, names), blocks=blocks_for(len(names)))
    random = np.random.default_rng(11)
    alarms = 0
    for _ in range(runs):
        noise = np.exp(0.005 * random.standard_t(3, size=(len(names), compared.blocks)))
        ratios_of = {
            name: {HEAD: (1.02 * own).tolist(), AGAIN: [1.0] * compared.blocks}
            for name, own in zip(names, noise, strict=True)
        }
        alarms += judge(compared, planted(compared, ratios_of, rounds=1)).outcome == "regression"
    assert alarms <= 2  # of 40 with a chance of half a per cent each


def test_all_intervals_of_bytes_in_a_run_hold_together_as_often_as_promised() -> None:
    """A simulation of whole runs whose blocks come from a skewed distribution with median 1."""
    benchmarks, runs = 5, 4000
    blocks, confidence = blocks_for(benchmarks), confidence_of_each(benchmarks)
    random = np.random.default_rng(7)
    drawn = np.exp(0.02 * (random.gamma(2.0, size=(runs, benchmarks, blocks)) - 1.67834699))
    ordered = np.sort(drawn, axis=2)
    rank = round(median_interval(np.arange(1, blocks + 1, dtype=np.float64), confidence).low)
    held = (ordered[:, :, rank - 1] <= 1) & (ordered[:, :, -rank] >= 1)
    share = held.all(axis=1).mean()
    assert share >= 0.99 - 3 * math.sqrt(0.99 * 0.01 / runs)


def test_the_table_has_a_row_a_benchmark_with_what_was_judged() -> None:
    row = findings_table(report(1.10)).iloc[0]
    assert row["verdict"] == "slower"
    assert row["ratio_low"] > 1.02
    assert row["control_low"] <= 1 <= row["control_high"]
