"""Several conditions as one setting, and claims that say two things."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.design.claims import Claim
from harness.design.contrasts import Difference, Value
from harness.design.factors import Factor
from harness.design.regions import Region, at_least, between
from harness.design.responses import Response
from harness.errors import HarnessError
from harness.judging.judge import JudgedRun, judge_run
from harness.judging.verdicts import Verdict, judge_claim, judge_jointly
from harness.protocol.protocol import read_protocol
from harness.protocol.stored import rules_to_json
from tests.harness.fakes import MODE, experiment, freeze, observations, stored_run, study

#: Train mode is 3 higher than eval mode in every block, give or take 0.1.
LEVEL = np.arange(8.0)
RISE = Difference("x", MODE)
YES, NO, OPEN = at_least(2), at_least(4), at_least(3)
RANDOM = np.random.default_rng(0)
NETS = Factor("net", ("small", "wide"))


def judged(path: Path, *claims: Claim, **settings: Any) -> JudgedRun:  # noqa: ANN401 - an experiment's
    """A run in which train mode is higher by 3, in both networks alike."""
    noise = RANDOM.uniform(-0.1, 0.1, 8)
    levels = (MODE, NETS)
    rows = observations(
        {
            (mode, net): LEVEL + (3 + noise if mode == "train" else 0)
            for mode in MODE.levels
            for net in NETS.levels
        },
        levels,
    )
    planted = study(first=experiment(*claims, factors=levels, **settings))
    return judge_run(stored_run(path, planted, {"first": rows}))


def joined(*regions: Region, net: str = "small", **settings: Any) -> list[Claim]:  # noqa: ANN401 - a claim's
    """Conditions of one claim at one arm that must hold together."""
    rise = RISE.at(net=net)
    return [Claim("P-1", rise, region, jointly="one and all", **settings) for region in regions]


Y: Verdict = "reproduced"
N: Verdict = "refuted"
O: Verdict = "inconclusive"  # noqa: E741 - a letter each, as in a table


@pytest.mark.parametrize(
    ("verdicts", "together"),
    [([Y], Y), ([Y, Y], Y), ([Y, N], N), ([O, N], N), ([Y, O], O), ([N], N), ([O], O)],
)
def test_what_must_hold_together_fails_where_one_part_fails(
    verdicts: list[Verdict], together: Verdict
) -> None:
    assert judge_jointly(verdicts) == together


@pytest.mark.parametrize(
    ("regions", "verdict"),
    [((YES, YES), Y), ((YES, NO), N), ((YES, OPEN), O), ((OPEN, NO), N)],
)
def test_joined_conditions_are_one_setting(
    tmp_path: Path, regions: tuple[Region, ...], verdict: Verdict
) -> None:
    (claim,) = judged(tmp_path, *joined(*regions)).claims
    assert claim.verdict == verdict
    assert (claim.holds, claim.fails, claim.judged) == (verdict == Y, verdict == N, 1)


def test_each_arm_is_a_setting_of_its_own(tmp_path: Path) -> None:
    claims = [*joined(YES, YES), *joined(YES, NO, net="wide")]
    (claim,) = judged(tmp_path, *claims).claims
    assert (claim.verdict, claim.holds, claim.fails, claim.judged) == ("mixed", 1, 1, 2)


def test_a_setting_that_fails_is_told_by_the_part_that_fails(tmp_path: Path) -> None:
    claims = [*joined(YES, YES), *joined(YES, NO, net="wide")]
    run = judged(tmp_path, *claims)
    (claim,) = run.claims
    holds, fails = claim.sentence.split(" Here not: ")
    assert "small)" in holds
    assert "wide)" in fails
    (lead,) = [found for found in run.findings if found.headline]
    assert lead.region == str(NO)


def test_each_half_has_its_quantifier_and_both_must_hold(tmp_path: Path) -> None:
    faster = [Claim("P-1", RISE.at(net="small"), YES, half="faster")]
    some = [
        Claim("P-1", RISE.at(net=net), region, half="may fail", quantifier="can")
        for net, region in (("small", YES), ("wide", NO))
    ]
    (claim,) = judged(tmp_path, *faster, *some).claims
    assert claim.verdict == Y
    assert claim.reason.startswith("Both halves must hold. Faster: reproduced.")
    assert (claim.holds, claim.judged) == (2, 3)


@pytest.mark.parametrize(("region", "verdict"), [(YES, Y), (NO, "mixed"), (OPEN, O)])
def test_a_half_that_does_not_hold_keeps_the_claim_from_holding(
    tmp_path: Path, region: Region, verdict: Verdict
) -> None:
    halves = [
        Claim("P-1", RISE.at(net="small"), each, half=name)
        for name, each in (("one", YES), ("other", region))
    ]
    (claim,) = judged(tmp_path, *halves).claims
    assert claim.verdict == verdict


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"quantifier": "can"}, "name it"),
        ({"quantifier": "mostly", "half": "one"}, "'mostly' is no quantifier"),
    ],
)
def test_a_quantifier_that_means_nothing_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        Claim("P-1", RISE, YES, **given)


def test_what_holds_together_is_part_of_the_protocol(tmp_path: Path) -> None:
    claims = [*joined(YES, NO), Claim("P-2", RISE, YES, half="one", quantifier="can")]
    judged(tmp_path, *claims)
    (rules,) = read_protocol(tmp_path).experiments.values()
    found = [(c.jointly, c.half, c.quantifier) for c in rules.conditions]
    assert found[:2] == [("one and all", "", "")] * 2
    assert found[2:] == [("", "one", "can")] * 2


def test_a_claim_that_needs_none_of_this_is_stored_as_it_always_was() -> None:
    protocol = freeze(study(first=experiment(Claim("P-1", RISE, YES))))
    (stored,) = rules_to_json(protocol.experiments["first"])["rules"]
    assert not {"jointly", "half", "quantifier"} & set(stored)


def test_a_headline_that_came_out_otherwise_is_told_beside_one_that_decided(tmp_path: Path) -> None:
    claims = [
        Claim("P-1", RISE.at(net="small"), NO, half="may hold", quantifier="can", headline=True),
        Claim("P-1", RISE.at(net="wide"), YES, half="may hold", quantifier="can"),
    ]
    run = judged(tmp_path, *claims)
    (claim,) = run.claims
    assert claim.verdict == Y
    first, chosen = claim.sentence.split(" Here not: ")
    assert "wide)" in first
    assert first.endswith("Holds in 1 of 2 settings.")
    assert "small)" in chosen
    (lead,) = [found for found in run.findings if found.headline]
    assert lead.verdict == Y


def test_rules_over_one_size_have_a_line_each(tmp_path: Path) -> None:
    size = Factor("size", (1, 2, 4))
    responses = (Response("x", "m", "the length"), Response("y", "m", "the width"))
    rows = [
        observations({n: np.full(8, f * n) for n in size.levels}, (size,), response=name)
        for name, f in (("x", 1.0), ("y", 2.0))
    ]
    table = pd.concat(rows, ignore_index=True)
    claims = [
        Claim("P-1", Value(name).along(size, judged=(2,)), between(2, 5)) for name in ("x", "y")
    ]
    planted = study(first=experiment(*claims, factors=(size,), responses=responses))
    (claim,) = judge_run(stored_run(tmp_path, planted, {"first": table})).claims
    assert claim.curve == (
        "the length: holds at 2 and 4 (measured: size 1, 2 and 4). "
        "the width: holds at 1 and 2 (measured: size 1, 2 and 4)."
    )


def test_no_tendency_is_said_of_a_claim_that_speaks_of_one() -> None:
    assert judge_claim([Y, N], "typical").reason.startswith("No tendency shows: it holds in 1")
