"""How a run agrees with the published one of its study."""

from __future__ import annotations

from harness.judging.verdicts import Verdict
from harness.publishing.agreement import agreement
from tests.harness.publishing.test_ledger import found


def row(claim: str, verdict: Verdict, run: str = "s/run", machine: str = "xeon") -> dict[str, str]:
    return {"claim": claim, "kind": "claim", "verdict": verdict, "run": run, "machine": machine}


def test_the_same_verdicts_are_counted() -> None:
    claims = [found("C-1", "refuted"), found("C-2", "mixed")]
    same = agreement(claims, [row("C-1", "refuted"), row("C-2", "mixed")], "xeon")
    assert same is not None
    assert same.sentence == "Against the published run s/run: the same verdict in 2 of 2 claims."


def test_claims_that_differ_are_named_with_both_verdicts() -> None:
    claims = [found("C-1", "refuted"), found("C-2", "mixed"), found("C-9", "mixed")]
    other = agreement(claims, [row("C-1", "reproduced"), row("C-2", "mixed")], "xeon")
    assert other is not None
    assert other.sentence == (
        "Against the published run s/run: the same verdict in 1 of 2 claims; "
        "C-1 was reproduced, is refuted."
    )


def test_a_run_is_compared_with_one_of_its_own_machine_where_there_is_one() -> None:
    rows = [row("C-1", "mixed", "s/a", "epyc"), row("C-1", "refuted", "s/b", "xeon")]
    for machine, run in (("xeon", "s/b"), ("epyc", "s/a"), ("h100", "s/a")):
        found_here = agreement([found("C-1")], rows, machine)
        assert found_here is not None
        assert found_here.run == run


def test_a_counterpart_is_compared_with_nothing() -> None:
    claims = [found("C-1", "refuted", "counterpart")]
    same = agreement(claims, [row("C-1", "mixed")], "xeon")
    assert same is not None
    assert same.compared == 0


def test_without_a_published_run_there_is_nothing_to_agree_with() -> None:
    assert agreement([found("C-1")], [], "xeon") is None
    unpublished = row("C-1", "not tested", run="")
    assert agreement([found("C-1")], [unpublished], "xeon") is None
