"""Judging a stored run: planted rows in, verdicts and tables out, without torch."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.design.aa import AA, COPY
from harness.design.claims import Beyond, Claim, Control, Unmeasurable
from harness.design.contrasts import Contrast, Difference, Ratio, Share, Value
from harness.design.entry import Entry
from harness.design.experiment import Experiment, Study
from harness.design.factors import Factor, PerProfile
from harness.design.regions import Region, at_least, at_most, between, equals
from harness.errors import HarnessError
from harness.judging.findings import ClaimFinding, Finding
from harness.judging.judge import JudgedRun, clock_allowance, judge_run
from harness.judging.tables import number, read_records, summary_table, write_judgement
from harness.store.observations import StoredRun
from tests.harness.fakes import DROPOUT, MODE, experiment, fail, observations, stored_run, study

RNG = np.random.default_rng(0)
LEVEL = RNG.normal(50, 20, 8)
#: Train mode is 3 higher than eval mode in every block, give or take 0.1.
ROWS = {"eval": LEVEL, "train": LEVEL + 3 + RNG.uniform(-0.1, 0.1, 8)}
RISE = Difference("x", MODE)
HOLDS = Claim("P-holds-1", RISE, at_least(2))
FAILS = Claim("P-fails-1", RISE, at_most(2))
OPEN = Claim("P-open-1", RISE, at_least(3))
GOOD = Control("the difference is 3", RISE, equals(3, within=0.5))
BAD = Control("there is no difference", RISE, equals(0, within=0.5))


def judged(
    path: Path,
    *claims: Claim | Beyond | Control | Unmeasurable,
    rows: pd.DataFrame | None = None,
    **settings: Any,  # noqa: ANN401 - whatever an experiment takes
) -> JudgedRun:
    """A run of one experiment with the planted rows, judged."""
    table = observations(ROWS) if rows is None else rows
    planted = study(first=experiment(*claims, **settings))
    return judge_run(stored_run(path, planted, {"first": table}))


@pytest.mark.parametrize(
    ("device", "on_cpu", "warned"),
    [("cuda", True, "on-the-cpu"), ("cuda", False, ""), ("cpu", True, "")],
)
def test_what_trained_on_the_cpu_in_a_run_on_a_gpu_says_so(
    tmp_path: Path, device: str, on_cpu: bool, warned: str
) -> None:
    planted = study(first=experiment(HOLDS, on_cpu=on_cpu))
    run = judge_run(stored_run(tmp_path, planted, {"first": observations(ROWS)}, device=device))
    assert [(c.verdict, c.warnings) for c in run.claims] == [("reproduced", warned)]


def verdicts(run: JudgedRun) -> dict[str, str]:
    """By claim; a counterpart's name says so."""
    names = {"claim": "", "counterpart": " (counterpart)"}
    return {f"{claim.claim}{names[claim.kind]}": claim.verdict for claim in run.claims}


def conditions(run: JudgedRun, place: int = 0) -> list[Finding]:
    return run.of(run.claims[place])


def test_planted_effects_are_reproduced_refuted_and_left_open(tmp_path: Path) -> None:
    assert verdicts(judged(tmp_path, HOLDS, FAILS, OPEN)) == {
        "P-holds-1": "reproduced",
        "P-fails-1": "refuted",
        "P-open-1": "inconclusive",
    }


@pytest.mark.parametrize(
    ("regions", "verdict"),
    [
        ([at_least(2), at_most(4)], "reproduced"),
        ([at_least(4), at_most(2)], "refuted"),
        ([at_least(2), at_least(4)], "mixed"),
        ([at_least(2), at_least(3)], "inconclusive"),
    ],
)
def test_a_claim_with_several_conditions_holds_where_all_of_them_do(
    tmp_path: Path, regions: list[Region], verdict: str
) -> None:
    claims = [Claim("P-both-1", RISE, region) for region in regions]
    run = judged(tmp_path, *claims)
    assert verdicts(run) == {"P-both-1": verdict}
    assert len(conditions(run)) == run.claims[0].judged == 2


def test_conditions_of_one_claim_are_gathered_over_experiments(tmp_path: Path) -> None:
    planted = study(first=experiment(HOLDS), second=experiment(FAILS, HOLDS))
    down = observations({"eval": LEVEL, "train": LEVEL - 3})
    tables = {"first": observations(ROWS), "second": down}
    run = judge_run(stored_run(tmp_path, planted, tables))
    assert verdicts(run) == {"P-holds-1": "mixed", "P-fails-1": "reproduced"}
    assert [c.experiment for c in conditions(run)] == ["first", "second"]


def test_a_universal_claim_is_refuted_by_one_value_which_is_named(tmp_path: Path) -> None:
    rounds = np.full((8, 5), 1.0)
    rounds[6, 3] = 0.25
    rows = observations({"eval": np.ones((8, 5)), "train": rounds})
    always = Claim("P-always-1", Value("x").always(), equals(1))
    run = judged(tmp_path, always, rows=rows)
    assert verdicts(run) == {"P-always-1": "mixed"}
    (first, second) = conditions(run)
    assert (first.verdict, second.verdict) == ("reproduced", "refuted")
    assert "1 of 40 values" in second.reason
    assert "0.25" in second.reason


def test_a_frequency_is_judged_on_its_exact_interval(tmp_path: Path) -> None:
    rows = observations({"eval": np.zeros(8), "train": np.ones(8)})
    often = Value("x").at(mode="train").frequency()
    claims = [Claim("P-half-1", often, at_least(0.5)), Claim("P-most-1", often, at_least(0.6))]
    assert verdicts(judged(tmp_path, *claims, rows=rows)) == {
        "P-half-1": "reproduced",  # the interval begins at 0.005 ** (1 / 8) = 0.516
        "P-most-1": "inconclusive",
    }


def test_a_control_that_holds_changes_nothing(tmp_path: Path) -> None:
    run = judged(tmp_path, HOLDS, GOOD, FAILS)
    assert verdicts(run) == {"P-holds-1": "reproduced", "P-fails-1": "refuted"}
    assert [c.verdict for c in run.controls] == ["reproduced"]


@pytest.mark.parametrize(
    "control",
    [BAD, Control("there is no difference", RISE, at_least(3))],
    ids=["refuted", "inconclusive"],
)
def test_a_control_that_does_not_hold_withholds_every_verdict_of_its_experiment(
    tmp_path: Path, control: Control
) -> None:
    field = Unmeasurable("P-field-1", "field data", "nobody was asked")
    planted = study(first=experiment(HOLDS, FAILS, field, control), second=experiment(OPEN, GOOD))
    rise = observations({"eval": LEVEL, "train": LEVEL + 3.2})
    tables = {"first": observations(ROWS), "second": rise}
    run = judge_run(stored_run(tmp_path, planted, tables))
    assert verdicts(run) == {
        "P-holds-1": "inconclusive",
        "P-fails-1": "inconclusive",
        "P-open-1": "reproduced",
        "P-field-1": "not measurable",
    }
    (condition,) = conditions(run)
    assert "there is no difference" in condition.reason
    assert math.isfinite(condition.estimate)


def test_a_control_that_fails_for_one_of_its_levels_withholds_too(tmp_path: Path) -> None:
    levels = (MODE, DROPOUT)
    rows = observations(
        {(mode, p): LEVEL + p for mode in MODE.levels for p in DROPOUT.levels}, levels
    )
    same = Claim("P-same-1", RISE, equals(0))
    control = Control("p does nothing", Difference("x", DROPOUT), equals(0, within=0.2))
    run = judged(tmp_path, same, control, rows=rows, factors=levels)
    assert verdicts(run) == {"P-same-1": "inconclusive"}
    assert sorted(c.verdict for c in run.controls) == ["refuted"] * 2 + ["reproduced"] * 2


def test_what_the_device_lacks_is_not_measurable_and_needs_no_table(tmp_path: Path) -> None:
    planted = study(first=experiment(HOLDS, GOOD, needs="cuda"))
    stored = stored_run(tmp_path, planted, {})
    run = judge_run(stored)
    assert verdicts(run) == {"P-holds-1": "not measurable"}
    assert run.claims[0].reason == "It needs cuda; this run had cpu."
    assert conditions(run)[0].blocks == 0
    assert summary_table(stored).empty


def test_the_same_rules_are_judged_where_the_device_has_what_they_need(tmp_path: Path) -> None:
    planted = study(first=experiment(HOLDS, needs="cuda"))
    run = judge_run(stored_run(tmp_path, planted, {"first": observations(ROWS)}, device="cuda"))
    assert verdicts(run) == {"P-holds-1": "reproduced"}


def test_what_no_run_can_settle_says_what_it_takes(tmp_path: Path) -> None:
    run = judged(tmp_path, Unmeasurable("P-field-1", "field data", "nobody was asked"))
    assert run.claims[0].verdict == "not measurable"
    assert run.claims[0].reason == "It takes field data: nobody was asked"


def test_a_claim_appears_once_though_one_part_of_it_cannot_be_measured(tmp_path: Path) -> None:
    field = Unmeasurable("P-holds-1", "field data", "half of it is about people")
    assert [claim.claim for claim in judged(tmp_path, HOLDS, field).claims] == ["P-holds-1"]


def test_failed_cells_leave_the_claim_open_and_show_the_error(tmp_path: Path) -> None:
    rows = observations(ROWS)
    failed = (rows["mode"] == "train") & (rows["block"] == 5)
    run = judged(tmp_path, HOLDS, rows=fail(rows, failed, "RuntimeError: out of memory"))
    assert verdicts(run) == {"P-holds-1": "inconclusive"}
    assert run.claims[0].reason == (
        "Not judged: 1 of 8 blocks failed: RuntimeError: out of memory."
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("contrast", [RISE, RISE.always(), RISE.largest(), RISE.smallest()])
def test_a_response_that_is_no_number_is_never_judged_as_one(
    tmp_path: Path, contrast: Contrast, value: float
) -> None:
    rows = observations({name: np.column_stack([x, x, x]) for name, x in ROWS.items()})
    rows.loc[7, "value"] = value
    claims = [
        Claim(f"P-{number}-1", contrast, region)
        for number, region in enumerate((at_least(2), at_most(2), between(-9, 9)))
    ]
    assert set(verdicts(judged(tmp_path, *claims, rows=rows)).values()) == {"inconclusive"}


def test_missing_blocks_leave_the_claim_open(tmp_path: Path) -> None:
    rows = observations(ROWS)
    run = judged(tmp_path, HOLDS, rows=rows[rows["block"] != 3].reset_index(drop=True))
    assert run.claims[0].reason == "Not judged: 1 of 8 blocks are missing."


def test_an_unfinished_run_is_refused_and_the_sentence_says_how_to_go_on(tmp_path: Path) -> None:
    stored = stored_run(tmp_path, study(first=experiment(HOLDS)), {})
    with pytest.raises(HarnessError, match=r"the run is not finished.*--resume"):
        judge_run(stored)


def test_a_table_of_another_run_is_refused(tmp_path: Path) -> None:
    planted = study(first=experiment(HOLDS))
    one = stored_run(tmp_path / "a", planted, {"first": observations(ROWS)})
    other = stored_run(tmp_path / "b", study(first=experiment(FAILS)), {})
    other.folder.table("first").parent.mkdir()
    other.folder.table("first").write_bytes(one.folder.table("first").read_bytes())
    with pytest.raises(HarnessError, match="the file belongs elsewhere: its run_sha256"):
        judge_run(other)


@pytest.mark.parametrize(
    ("now", "stale"),
    [
        (experiment(HOLDS), False),
        (experiment(Claim("P-holds-1", RISE, at_least(2), reading="in other words")), False),
        (experiment(Claim("P-holds-1", RISE, at_least(1))), True),
        (experiment(HOLDS, FAILS), True),
        (experiment(HOLDS, threads=2), True),
        (None, True),
    ],
    ids=["same", "other words", "other region", "more claims", "other settings", "gone"],
)
def test_rules_that_have_changed_since_the_run_make_it_stale_and_judge_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: Experiment[Any] | None, stale: bool
) -> None:
    def today(name: str) -> Study:
        if now is None:
            raise HarnessError(f"There is no study {name!r}.")
        return study(first=now)

    monkeypatch.setattr("harness.judging.staleness.load_study", today)
    run = judged(tmp_path, HOLDS)
    assert bool(run.stale) is stale
    assert verdicts(run) == {"P-holds-1": "reproduced"}


def test_the_tables_of_a_run_hold_its_records_and_give_them_back(tmp_path: Path) -> None:
    field = Unmeasurable("P-field-1", "field data", "nobody was asked")
    planted = study(first=experiment(HOLDS, HOLDS, field, GOOD))
    stored = stored_run(tmp_path, planted, {"first": observations(ROWS)})
    run = judge_run(stored)
    write_judgement(stored, run)
    claims = read_records(stored.folder, "claims.csv", ClaimFinding)
    findings = read_records(stored.folder, "verdicts.csv", Finding)
    assert [c.claim for c in claims] == ["P-holds-1", "P-field-1"]
    assert [(f.claim, f.kind) for f in findings] == [
        ("P-holds-1", "claim"),
        ("P-holds-1", "claim"),
        ("the difference is 3", "control"),
    ]
    assert claims == list(run.claims)
    found = findings[0]
    differences = np.sort(ROWS["train"] - ROWS["eval"])
    assert (found.estimate, found.low, found.high) == pytest.approx(
        (np.median(differences), differences[0], differences[-1]), rel=1e-5
    )
    assert (found.contrast, found.unit, found.blocks) == ("the length, train less eval", "m", 8)
    assert (found.rule, found.region, found.verdict) == ("median", "at least 2", "reproduced")


def test_what_is_printed_is_what_was_judged(tmp_path: Path) -> None:
    """Also where an undecided A/A has widened the interval."""
    run = judge_run(
        stored_run(tmp_path, study(speed=timed(SLOWER)), {"speed": undecided_seconds(4)})
    )
    (found,) = conditions(run)
    printed = re.fullmatch(r"(\S+) \(99 % interval (\S+) to (\S+), 8 blocks\)", found.number)
    assert printed is not None
    ends = (found.estimate, found.low, found.high)
    assert [float(word) for word in printed.groups()] == pytest.approx(ends, rel=5e-3)
    low, high = found.reason.rpartition("measured were ")[2][:-1].split(" to ")
    assert found.low < float(low) < float(high) < found.high


def test_the_confidence_stored_with_a_run_is_the_one_it_is_judged_by(tmp_path: Path) -> None:
    planted = study(first=experiment(HOLDS, blocks=PerProfile(8, 8, 8)))
    stored = stored_run(tmp_path, planted, {"first": observations(ROWS)})
    lower = StoredRun(stored.folder, replace(stored.protocol, confidence=0.9))
    lower._tables["first"] = stored.table(stored.protocol.experiments["first"])
    wide, narrow = (conditions(judge_run(run))[0] for run in (stored, lower))
    differences = np.sort(ROWS["train"] - ROWS["eval"])
    assert (wide.low, wide.high) == (differences[0], differences[-1])
    assert (narrow.low, narrow.high) == (differences[1], differences[-2])
    assert "90 % interval" in narrow.number


CAN = Entry("P-both-1", says="It can be.", scope="nets", quantifier="can")


def test_a_claim_is_judged_by_the_quantifier_frozen_with_the_run(tmp_path: Path) -> None:
    claims = [Claim("P-both-1", RISE, region) for region in (at_least(2), at_least(4))]
    planted = study(first=experiment(*claims))
    can = replace(planted, catalogue={"P-both-1": CAN})
    tables = {"first": observations(ROWS)}
    for given, verdict in ((planted, "mixed"), (can, "reproduced")):
        run = judge_run(stored_run(tmp_path / verdict, given, tables))
        assert verdicts(run) == {"P-both-1": verdict}


def test_what_lies_beyond_a_claims_words_is_shown_and_decides_nothing(tmp_path: Path) -> None:
    outside = Beyond("P-holds-1", RISE, at_least(9), why="nine is too much")
    run = judged(tmp_path, HOLDS, outside)
    assert verdicts(run) == {"P-holds-1": "reproduced"}
    (beyond,) = run.beyond("P-holds-1")
    assert (beyond.verdict, beyond.why) == ("refuted", "nine is too much")


def test_a_share_is_judged_block_by_block(tmp_path: Path) -> None:
    rows = observations({"eval": np.ones(8), "train": np.r_[np.zeros(4), np.ones(4)]})
    share = Claim("P-most-1", Share("x", MODE), at_least(0.5))
    run = judged(tmp_path, share, rows=rows)
    (found,) = conditions(run)
    assert (found.low, found.high, found.estimate) == (0.5, 1.0, 0.75)
    assert found.verdict == "reproduced"


def test_the_authors_headline_is_shown_else_the_typical_condition_that_decided(
    tmp_path: Path,
) -> None:
    levels = (MODE, DROPOUT)
    rows = observations(
        {(mode, p): LEVEL + p for mode in MODE.levels for p in DROPOUT.levels}, levels
    )
    high = Claim("P-high-1", Value("x").at(mode="eval"), at_least(-999))
    chosen = replace(high, id="P-high-2", headline={"p": 0.5})
    pair = Claim("P-pair-1", Value("x").at(mode="eval", p=(0.1, 0.5)), at_least(-999))
    run = judged(tmp_path, high, chosen, pair, rows=rows, factors=levels)
    leads = {f.claim: f.contrast for f in run.findings if f.headline}
    assert leads == {
        "P-high-1": "the length (eval, p = 0.1)",  # the middle of three
        "P-high-2": "the length (eval, p = 0.5)",
        "P-pair-1": "the length (eval, p = 0.1)",  # the lower of two
    }


def test_a_mixed_claim_tells_where_it_holds_and_where_not(tmp_path: Path) -> None:
    claims = [Claim("P-both-1", RISE, region) for region in (at_least(2), at_least(4))]
    (claim,) = judged(tmp_path, *claims).claims
    assert claim.sentence.startswith("Holds in 1 of 2 settings. Here it does: ")
    assert " Here not: " in claim.sentence
    assert (claim.holds, claim.fails, claim.judged) == (1, 1, 2)


def test_a_mixed_claim_whose_headline_is_open_shows_one_that_holds_and_one_that_does_not(
    tmp_path: Path,
) -> None:
    regions = {"open": at_least(3), "holds": at_least(2), "fails": at_least(4)}
    levels = (MODE, Factor("net", tuple(regions)))
    rows = observations(
        {(mode, net): ROWS[mode] for mode in MODE.levels for net in regions}, levels
    )
    claims = [
        Claim("P-both-1", RISE.at(net=net), region, headline=net == "open")
        for net, region in regions.items()
    ]
    (claim,) = judged(tmp_path, *claims, rows=rows, factors=levels).claims
    assert claim.verdict == "mixed"
    does, not_ = claim.sentence.split(" Here not: ")
    assert "holds" in does.rpartition("(")[2]
    assert "fails" in not_.rpartition("(")[2]


def test_an_open_claim_shows_what_is_open(tmp_path: Path) -> None:
    levels = (MODE, Factor("net", ("fails", "open")))
    rows = observations(
        {(mode, net): ROWS[mode] for mode in MODE.levels for net in ("fails", "open")}, levels
    )
    regions = {"fails": at_least(4), "open": at_least(3)}
    claims = [Claim("P-open-1", RISE.at(net=net), region) for net, region in regions.items()]
    run = judged(tmp_path, *claims, rows=rows, factors=levels)
    assert verdicts(run) == {"P-open-1": "inconclusive"}
    (lead,) = [f for f in run.findings if f.headline]
    assert lead.region == "at least 3"


def test_a_claim_over_a_size_says_at_which_sizes_it_holds(tmp_path: Path) -> None:
    size = Factor("size", (1, 2, 4, 8))
    rows = observations({n: np.full(8, float(n)) for n in size.levels}, (size,))
    curve = Claim("P-curve-1", Value("x").along(size, judged=(2, 4)), between(2, 5))
    one = Claim("P-curve-2", Value("x").along(size, judged=(8,)), at_least(7))
    run = judged(tmp_path, curve, one, rows=rows, factors=(size,))
    claim, single = run.claims
    assert single.curve == "Holds at 8 (measured: size 1, 2, 4 and 8)."
    assert claim.verdict == "reproduced"
    assert claim.judged == 2
    assert claim.curve == "Holds at 2 and 4 (measured: size 1, 2, 4 and 8)."
    assert [f.verdict for f in run.beyond("P-curve-1")] == ["refuted", "refuted"]


def summary(path: Path, rows: pd.DataFrame) -> dict[Any, dict[Any, Any]]:
    """The rows of the summary by arm."""
    stored = stored_run(path, study(first=experiment(HOLDS)), {"first": rows})
    return summary_table(stored).set_index("arm").to_dict("index")


def test_the_summary_gives_the_median_of_block_means_and_both_spreads(tmp_path: Path) -> None:
    rounds = RNG.normal(5, 1, (8, 4))
    row = summary(tmp_path, observations({"eval": rounds, "train": rounds}))["train"]
    means = np.sort(rounds.mean(axis=1))
    assert (row["response"], row["unit"], row["blocks"], row["failed_blocks"]) == ("x", "m", 8, 0)
    assert row["rounds_per_block"] == 4
    assert [float(row[name]) for name in ("median", "low", "high")] == pytest.approx(
        [np.median(means), means[0], means[-1]], rel=1e-5
    )
    assert float(row["sd_between_blocks"]) == pytest.approx(means.std(ddof=1), rel=1e-5)
    within = np.median(rounds.std(axis=1, ddof=1))
    assert float(row["sd_within_blocks"]) == pytest.approx(within, rel=1e-5)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_round_that_is_no_number_leaves_no_number_in_the_summary(
    tmp_path: Path, value: float
) -> None:
    rounds = RNG.normal(5, 1, (8, 4))
    broken = rounds.copy()
    broken[2, 1] = value
    table = summary(tmp_path, observations({"eval": rounds, "train": broken}))
    numbers = ["median", "low", "high", "sd_between_blocks", "sd_within_blocks"]
    assert {table["train"][name] for name in numbers} == {""}
    assert "" not in {table["eval"][name] for name in numbers}


def test_the_summary_counts_failed_blocks_and_does_not_fill_them_in(tmp_path: Path) -> None:
    rows = observations(ROWS)
    failed = (rows["mode"] == "train") & (rows["block"] < 3)
    row = summary(tmp_path, fail(rows, failed, "planted"))["train"]
    assert (row["blocks"], row["failed_blocks"]) == (5, 3)
    assert float(row["median"]) == pytest.approx(np.median(ROWS["train"][3:]), rel=1e-5)
    assert (row["low"], row["high"]) == ("-inf", "inf")


def test_an_arm_whose_blocks_all_failed_stands_in_the_summary_without_numbers(
    tmp_path: Path,
) -> None:
    rows = observations(ROWS)
    row = summary(tmp_path, fail(rows, rows["mode"] == "train", "planted"))["train"]
    assert (row["blocks"], row["failed_blocks"], row["median"]) == (0, 8, "")


def test_what_is_derived_has_the_same_bytes_every_time(tmp_path: Path) -> None:
    planted = study(first=experiment(HOLDS, FAILS, GOOD))
    folder = stored_run(tmp_path, planted, {"first": observations(ROWS)}).folder
    seen = []
    for _ in range(2):
        stored = StoredRun.open(folder)
        write_judgement(stored, judge_run(stored))
        names = ("claims.csv", "verdicts.csv", "summary.csv")
        seen.append([(folder.path / name).read_bytes() for name in names])
    assert seen[0] == seen[1]
    assert b"\r" not in seen[0][0]


@pytest.mark.parametrize(
    ("value", "text"), [(math.nan, ""), (1 / 3, "0.333333"), (-math.inf, "-inf"), (1e-7, "1e-07")]
)
def test_a_number_in_a_derived_table_is_short_and_empty_where_there_is_none(
    value: float, text: str
) -> None:
    assert number(value) == text


ARMS = (("eval", "first"), ("eval", "again"), ("train", "first"))
SLOWER = Claim("P-slow-1", Ratio("seconds", MODE).by_round(), at_least(1.1))


def timed(*claims: Claim | Control) -> Experiment[Any]:
    """An experiment whose A/A is that of eval mode, within 1 %."""
    return Experiment(
        question="Is it slower?",
        task=lambda cell, arm: lambda: None,
        rounds=PerProfile(3, 3, 3),
        aa=AA(0.01, at={"mode": "eval"}),
        factors=(MODE,),
        blocks=PerProfile(8, 8, 8),
        claims=claims,
    )


def seconds(again: float = 1.0, train: float = 1.2, **columns: object) -> pd.DataFrame:
    """Its rows: eval mode again and train mode take so many times as long as eval mode."""
    base = RNG.uniform(1, 3, (8, 3))
    noise = RNG.uniform(0.999, 1.001, (8, 3))
    values = dict(zip(ARMS, (base, base * again * noise, base * train * noise), strict=True))
    columns = {"response": "seconds", "unit": "s", **columns}
    return observations(values, (MODE, COPY), **columns)


def test_a_planted_slowdown_is_found_where_the_aa_holds(tmp_path: Path) -> None:
    run = judge_run(stored_run(tmp_path, study(speed=timed(SLOWER)), {"speed": seconds()}))
    assert verdicts(run) == {"P-slow-1": "reproduced"}
    assert [(c.claim, c.verdict) for c in run.controls] == [("A/A", "reproduced")]


@pytest.mark.parametrize("again", [1.02, 0.97])
def test_a_failing_aa_withholds_the_verdicts_of_its_own_experiment_only(
    tmp_path: Path, again: float
) -> None:
    other = Claim("P-slow-2", Ratio("seconds", MODE).by_round(), at_least(1.1))
    planted = study(bad=timed(SLOWER), good=timed(other), plain=experiment(HOLDS))
    tables = {"bad": seconds(again), "good": seconds(), "plain": observations(ROWS)}
    run = judge_run(stored_run(tmp_path, planted, tables))
    assert verdicts(run) == {
        "P-slow-1": "inconclusive",
        "P-slow-2": "reproduced",
        "P-holds-1": "reproduced",
    }
    assert run.claims[0].reason.startswith(
        "A control did not come out as it must: A/A of bad (time of a call, measured a second time"
    )


@pytest.mark.parametrize("off", [1.02, 0.98])
def test_where_more_aas_fail_than_chance_allows_no_time_of_the_run_is_judged(
    tmp_path: Path, off: float
) -> None:
    """Two of three: each excludes 1 by chance with a probability of 1 % at most."""
    named = {name: Claim(f"P-slow-{name}", SLOWER.contrast, SLOWER.region) for name in "abc"}
    planted = study(**{name: timed(claim) for name, claim in named.items()})
    rows = {"a": seconds(off), "b": seconds(off), "c": seconds()}
    run = judge_run(stored_run(tmp_path, planted, rows))
    assert set(verdicts(run).values()) == {"inconclusive"}
    assert "A/A of a" in run.claims[2].reason


def test_an_aa_off_1_within_its_margin_counts_as_held(tmp_path: Path) -> None:
    named = {name: Claim(f"P-slow-{name}", SLOWER.contrast, SLOWER.region) for name in "ab"}
    planted = study(**{name: timed(claim) for name, claim in named.items()})
    run = judge_run(stored_run(tmp_path, planted, {name: seconds(1.004) for name in "ab"}))
    assert set(verdicts(run).values()) == {"reproduced"}


SIZE = Factor("size", ("small", "large"))


def test_an_undecided_aa_widens_the_ratios_of_its_own_kind_of_work_only(tmp_path: Path) -> None:
    kinds: Experiment[Any] = Experiment(
        question="Is it slower?",
        task=lambda cell, arm: lambda: None,
        rounds=PerProfile(3, 3, 3),
        aa=AA(0.01, at={"mode": "eval"}),
        factors=(MODE, SIZE),
        blocks=PerProfile(8, 8, 8),
        claims=(Claim("P-slow-1", Ratio("seconds", MODE).by_round(), at_least(1.1)),),
    )
    parts = []
    for size, rows in (("small", undecided_seconds(1.15)), ("large", seconds(train=1.15))):
        rows.insert(list(rows.columns).index("copy"), "size", size)
        parts.append(rows.astype({"size": "str"}))
    table = pd.concat(parts, ignore_index=True)
    run = judge_run(stored_run(tmp_path, study(speed=kinds), {"speed": table}))
    assert {f.contrast.rpartition("(")[2]: f.verdict for f in conditions(run)} == {
        "small)": "inconclusive",
        "large)": "reproduced",
    }


def undecided_seconds(train: float) -> pd.DataFrame:
    """Rows whose A/A is about 1, give or take 8 %."""
    rows = seconds(train=train)
    off = rows["block"].map(lambda block: 0.92 if block % 2 else 1.08)
    again = (rows["mode"] == "eval") & (rows["copy"] == "again")
    rows.loc[again, "value"] *= off[again]
    return rows


@pytest.mark.parametrize(("train", "verdict"), [(4, "reproduced"), (1, "refuted")])
def test_an_undecided_aa_leaves_a_ratio_its_verdict_if_so_poor_a_clock_does_not_matter(
    tmp_path: Path, train: float, verdict: str
) -> None:
    claim = replace(SLOWER, region=at_least(1.3))
    tables = {"speed": undecided_seconds(train)}
    run = judge_run(stored_run(tmp_path, study(speed=timed(claim)), tables))
    assert [c.verdict for c in run.controls] == ["inconclusive"]
    assert verdicts(run) == {"P-slow-1": verdict}


def test_an_undecided_aa_leaves_a_ratio_open_that_such_a_clock_could_have_made(
    tmp_path: Path,
) -> None:
    other = Claim("P-slow-2", Ratio("seconds", MODE).by_round(), at_least(1.1))
    planted = study(poor=timed(SLOWER), good=timed(other))
    tables = {"poor": undecided_seconds(1.15), "good": seconds(train=1.15)}
    run = judge_run(stored_run(tmp_path, planted, tables))
    assert verdicts(run) == {"P-slow-1": "inconclusive", "P-slow-2": "reproduced"}
    assert "It allows for a clock that is off by up to 8." in run.claims[0].reason


@pytest.mark.parametrize("train", [1.15, 4])
def test_a_figure_is_told_the_allowance_that_widened_the_verdicts(
    train: float, tmp_path: Path
) -> None:
    run = stored_run(tmp_path, study(speed=timed(SLOWER)), {"speed": undecided_seconds(train)})
    (rules,) = run.protocol.experiments.values()
    allowed = clock_allowance(run, rules)
    (found,) = conditions(judge_run(run))
    high = found.reason.rpartition(" to ")[2].rstrip(".")
    assert found.high / float(high) == pytest.approx(allowed.factor, rel=1e-3)


def test_a_clock_that_holds_gets_no_allowance(tmp_path: Path) -> None:
    run = stored_run(tmp_path, study(speed=timed(SLOWER)), {"speed": seconds(train=1.15)})
    (rules,) = run.protocol.experiments.values()
    assert clock_allowance(run, rules).factor == 1


def test_what_is_no_ratio_gets_no_verdict_from_an_undecided_aa(tmp_path: Path) -> None:
    longer = Claim("P-slow-1", Difference("seconds", MODE).by_round(), at_least(0.1))
    tables = {"speed": undecided_seconds(4)}
    run = judge_run(stored_run(tmp_path, study(speed=timed(longer)), tables))
    assert verdicts(run) == {"P-slow-1": "inconclusive"}
    assert "A control did not come out as it must: A/A of" in run.claims[0].reason


def test_another_control_that_fails_withholds_its_own_timed_experiment_only(tmp_path: Path) -> None:
    wrong = Control("twice as slow", Ratio("seconds", MODE).by_round(), at_least(2))
    other = Claim("P-slow-2", Ratio("seconds", MODE).by_round(), at_least(1.1))
    planted = study(bad=timed(SLOWER, wrong), good=timed(other))
    run = judge_run(stored_run(tmp_path, planted, {"bad": seconds(), "good": seconds()}))
    assert verdicts(run) == {"P-slow-1": "inconclusive", "P-slow-2": "reproduced"}


def test_times_of_a_disturbed_device_are_kept_and_never_judged(tmp_path: Path) -> None:
    rows = seconds()
    hot = rows["block"] == 3
    rows.loc[hot, "message"] = "the GPU was at its power limit"
    rows.loc[hot, "status"] = "disturbed"
    run = judge_run(stored_run(tmp_path, study(speed=timed(SLOWER)), {"speed": rows}))
    assert verdicts(run) == {"P-slow-1": "inconclusive"}
    assert "1 of 8 blocks were disturbed: the GPU was at its power limit" in run.claims[0].reason


def test_a_note_beside_a_number_disturbs_nothing(tmp_path: Path) -> None:
    rows = observations(ROWS)
    rows["message"] = "found 3"
    assert verdicts(judged(tmp_path, HOLDS, rows=rows)) == {"P-holds-1": "reproduced"}


NEEDY = replace(HOLDS, id="P-gpu-1", needs="cuda")


def test_a_claim_about_a_gpu_gets_a_counterpart_on_a_cpu_and_no_verdict(tmp_path: Path) -> None:
    run = judged(tmp_path, NEEDY, FAILS)
    assert verdicts(run) == {
        "P-gpu-1": "not measurable",
        "P-gpu-1 (counterpart)": "reproduced",
        "P-fails-1": "refuted",
    }
    needy, counterpart, _ = run.claims
    assert needy.reason == "It needs cuda; this run had cpu."
    assert math.isnan(run.of(needy)[0].estimate)
    assert run.of(counterpart)[0].estimate == pytest.approx(3, abs=0.1)


def test_on_a_gpu_the_same_claim_is_judged_and_has_no_counterpart(tmp_path: Path) -> None:
    stored = stored_run(
        tmp_path, study(first=experiment(NEEDY)), {"first": observations(ROWS)}, device="cuda"
    )
    assert verdicts(judge_run(stored)) == {"P-gpu-1": "reproduced"}


def test_an_experiment_that_only_a_gpu_can_run_gives_no_counterpart(tmp_path: Path) -> None:
    planted = study(first=experiment(NEEDY, needs="cuda"))
    assert verdicts(judge_run(stored_run(tmp_path, planted, {}))) == {"P-gpu-1": "not measurable"}


def test_a_counterpart_is_withheld_like_any_claim(tmp_path: Path) -> None:
    run = judged(tmp_path, NEEDY, BAD)
    assert verdicts(run)["P-gpu-1 (counterpart)"] == "inconclusive"
    assert verdicts(run)["P-gpu-1"] == "not measurable"
