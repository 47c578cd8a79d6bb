"""Runs that complete each other: whose rows are taken, and what nobody has measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.design.claims import Claim
from harness.design.contrasts import Value
from harness.design.experiment import Experiment, Study
from harness.design.regions import at_least
from harness.judging.judge import judge_run
from harness.protocol.selection import Selection
from harness.store.joined import JoinedRun, join_runs
from harness.store.observations import StoredRun
from tests.harness.runs import bench, drawing, study_of


def judging(*claims: str) -> Experiment[object]:
    stated = [
        Claim(name, Value("draw").always(), at_least(0), "None is negative.") for name in claims
    ]
    return replace(drawing(3), claims=tuple(stated))


STUDY = study_of(a=judging("P-up-1", "P-both-1"), b=judging("P-both-1", "P-down-1"), c=drawing(3))


def run(top: Path, *experiments: str, study: Study = STUDY) -> StoredRun:
    made = bench(top, study, selection=Selection(experiments))
    made.execute()
    return StoredRun(made.folder, made.protocol)


def test_a_run_of_some_experiments_covers_these_alone(tmp_path: Path) -> None:
    stored = run(tmp_path, "a")
    covered = {name: stored.covers(rules) for name, rules in stored.protocol.experiments.items()}
    assert covered == {"a": True, "b": False, "c": False}
    assert [rules.name for rules in stored.finished()] == ["a"]


def test_a_claim_of_which_a_part_is_missing_is_not_tested_and_one_without_any_is_left_out(
    tmp_path: Path,
) -> None:
    judged = judge_run(run(tmp_path, "a"))
    assert {c.claim: c.verdict for c in judged.claims} == {
        "P-up-1": "reproduced",
        "P-both-1": "not tested",
    }
    (both,) = [c for c in judged.claims if c.claim == "P-both-1"]
    assert "it holds in 2, is not tested in 2 of 4 settings" in both.reason
    assert {f.experiment for f in judged.findings if f.verdict == "not tested"} == {"b"}


def test_each_experiment_comes_whole_from_the_newest_run_that_has_it(tmp_path: Path) -> None:
    old, new = run(tmp_path / "old", "a", "b"), run(tmp_path / "new", "b")
    joined = join_runs([new, old])
    assert isinstance(joined, JoinedRun)
    assert {name: source.folder for name, source in joined.sources.items()} == {
        "a": old.folder,
        "b": new.folder,
    }
    assert joined.folder == new.folder
    assert joined.protocol.command == new.protocol.command
    assert [rules.name for rules in joined.finished()] == ["a", "b"]
    for name, source in (("a", old), ("b", new)):
        rules = joined.protocol.experiments[name]
        assert joined.table(rules).equals(source.table(rules))
    verdicts = {c.claim: c.verdict for c in judge_run(joined).claims}
    assert verdicts == dict.fromkeys(["P-up-1", "P-both-1", "P-down-1"], "reproduced")


def test_a_run_of_the_whole_study_is_joined_with_none(tmp_path: Path) -> None:
    old, new = run(tmp_path / "old", "a"), run(tmp_path / "new")
    assert join_runs([new, old]) is new


def test_what_the_newest_study_no_longer_has_is_not_brought_back(tmp_path: Path) -> None:
    shorter = study_of(b=judging("P-both-1", "P-down-1"), c=drawing(3))
    old, new = run(tmp_path / "old", "a"), run(tmp_path / "new", "b", study=shorter)
    assert join_runs([new, old]) is new


def test_a_budget_that_was_too_short_leaves_experiments_to_be_told_as_not_tested(
    tmp_path: Path,
) -> None:
    made = bench(tmp_path, STUDY, selection=Selection((), 60.0))
    made.execute(order=["a"])
    stored = StoredRun(made.folder, made.protocol)
    assert [rules.name for rules in stored.finished()] == ["a"]
    assert {c.claim for c in judge_run(stored).claims} == {"P-up-1", "P-both-1"}
