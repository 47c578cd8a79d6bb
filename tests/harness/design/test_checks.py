"""What a study is refused for before anything is measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.design.checks import check_study, study_faults
from harness.design.claims import Beyond, Claim, Control, Rule, Unmeasurable
from harness.design.contrasts import Difference, Ratio, Share, Value
from harness.design.entry import Entry
from harness.design.factors import Factor, PerProfile
from harness.design.regions import at_least, at_most, between, equals, less_than, more_than
from harness.errors import HarnessError
from tests.harness.fakes import DROPOUT, MODE, experiment, study

UP = Claim("P-up-1", Difference("x", MODE), at_least(1), reading="Up by one is up.")
CATALOGUE = {
    claim: Entry(claim, says="It is so.", scope="nets", quantifier=said)
    for claim, said in (("P-up-1", "always"), ("P-often-1", "frequency"))
}


def faults(*rules: Rule | Unmeasurable, **settings: Any) -> list[str]:  # noqa: ANN401 - any
    planted = study(first=experiment(*rules, **settings))
    return list(study_faults(replace(planted, catalogue=CATALOGUE)))


def test_a_sound_study_has_no_fault() -> None:
    assert faults(UP, Control("same", Difference("x", MODE), equals(0))) == []


def test_all_faults_are_named_at_once_with_their_experiments() -> None:
    bad = replace(UP, reading="")
    planted = study(first=experiment(bad), second=experiment(bad, needs="tpu"))
    with pytest.raises(HarnessError, match="The study 'planted' has 3 faults") as refusal:
        check_study(replace(planted, catalogue=CATALOGUE))
    lines = str(refusal.value).splitlines()[1:]
    assert [line.strip().partition(":")[0] for line in lines] == ["first", "second", "second"]


@pytest.mark.parametrize(
    ("rules", "settings", "fault"),
    [
        ([UP], {"needs": "gpu"}, "it needs 'gpu'; an experiment needs one of cpu, cuda"),
        ([replace(UP, needs="CUDA")], {}, "P-up-1 needs 'CUDA'; a claim needs one of cpu, cuda"),
        ([UP], {"blocks": PerProfile(0, 8, 8)}, "blocks must be 1 or more"),
        ([UP], {"blocks": PerProfile(9, 8, 8)}, "must not fall from quick to full, not 9, 8, 8"),
        ([UP], {"blocks": PerProfile(1, 8, 7)}, "must not fall from quick to full, not 1, 8, 7"),
        ([replace(UP, reading="  ")], {}, "P-up-1 has no reading"),
        ([replace(UP, id="P-nope-1")], {}, "P-nope-1 is not in the catalogue"),
        (
            [replace(UP, id="P-often-1")],
            {},
            "P-often-1 says how often something happens in the field",
        ),
        (
            [UP, Beyond("P-up-1", Value("x"), UP.region, why="")],
            {},
            "P-up-1: say why a condition is beyond",
        ),
        (
            [Beyond("P-up-1", UP.contrast, UP.region, why="p = 0")],
            {},
            "P-up-1 has conditions beyond its scope and none inside it",
        ),
        (
            [replace(UP, headline={"mode": "test"})],
            {},
            "P-up-1: no condition has the headline's levels",
        ),
        (
            [replace(UP, headline=True)],
            {"factors": (MODE, DROPOUT)},
            "P-up-1 has 3 headlines: choose one",
        ),
    ],
)
def test_a_fault_is_said_in_a_sentence(
    rules: list[Rule], settings: dict[str, Any], fault: str
) -> None:
    found = faults(*rules, **settings)
    assert len(found) == 1, found
    assert fault in found[0]


@pytest.mark.parametrize(
    "claim",
    [
        Claim("P-up-1", Difference("x", MODE), at_least(0)),
        Claim("P-up-1", Difference("x", MODE), more_than(0)),
        Claim("P-up-1", Difference("x", MODE), at_most(0)),
        Claim("P-up-1", Ratio("x", MODE), less_than(1)),
        Claim("P-up-1", Ratio("x", MODE), at_least(1)),
        Claim("P-up-1", Value("x").at(mode="eval").range(), more_than(0)),
        Claim("P-up-1", Value("x").at(mode="eval").sd(), more_than(0)),
    ],
)
def test_a_direction_that_no_null_effect_could_refute_is_refused_without_a_reason(
    claim: Claim,
) -> None:
    (fault,) = faults(replace(claim, reading="Up."))
    assert "ends at the value of no effect" in fault
    reasoned = replace(claim.region, because="it is a count of errors")
    assert faults(replace(claim, reading="Up.", region=reasoned)) == []


@pytest.mark.parametrize(
    "claim",
    [
        Claim("P-up-1", Difference("x", MODE), at_least(0.01)),
        Claim("P-up-1", Difference("x", MODE).always(), more_than(0)),
        Claim("P-up-1", Difference("x", MODE), between(0, 1)),
        Claim("P-up-1", Difference("x", MODE), equals(0, within=0.1)),
        Claim("P-up-1", Ratio("x", MODE), at_least(0)),
        Claim("P-up-1", Value("x").at(mode="eval"), more_than(0)),
        Claim("P-up-1", Share("x", MODE), at_least(0.5)),
    ],
)
def test_what_a_null_effect_would_refute_is_taken(claim: Claim) -> None:
    assert faults(replace(claim, reading="Up.")) == []


def test_two_conditions_that_read_alike_are_refused_with_both_their_regions() -> None:
    one = replace(UP, region=at_least(1))
    other = replace(UP, region=at_most(9))
    (fault,) = faults(one, other)
    assert "2 conditions are called 'the length, train less eval'" in fault
    assert "at least 1 and at most 9" in fault


def test_levels_that_read_alike_make_conditions_alike() -> None:
    size = Factor("size", (1, 2), words={1: "small", 2: "small"})
    claim = replace(UP, contrast=Value("x"), region=at_least(1))
    (fault,) = faults(claim, factors=(size,))
    assert "2 conditions are called 'the length (small)'" in fault
