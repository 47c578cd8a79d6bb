"""Factors, arms and the full cross."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harness.design.factors import PROFILES, RESERVED, Arm, Factor, PerProfile, cross, matching
from harness.errors import HarnessError

COLOUR = Factor("colour", ("red", "green"), control="red")
SIZE = Factor("size", (1, 2, 3))
WET = Factor("wet", (False, True), control=False)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_factor_may_not_take_the_name_of_a_column(name: str) -> None:
    with pytest.raises(HarnessError, match=f"cannot be called {name!r}"):
        Factor(name, (1, 2))


@pytest.mark.parametrize("name", ["", "two words", "2nd", "a-b"])
def test_a_factor_s_name_must_be_an_identifier(name: str) -> None:
    with pytest.raises(HarnessError, match="use a free identifier"):
        Factor(name, (1, 2))


@pytest.mark.parametrize(
    ("levels", "control", "sentence"),
    [
        ((), None, "needs levels, each of them once"),
        ((1, 2, 1), None, "needs levels, each of them once"),
        ((1, 2.5), None, "mixes types"),
        (("a", 1), None, "mixes types"),
        ((2, True), None, "mixes types"),
        ((0.1, math.nan), None, "no number"),
        ((0.1, math.inf), None, "no number"),
        ((1, 2), 3, "no level 3 as control"),
        (("a", "b"), "", "no level '' as control"),
    ],
)
def test_levels_that_make_no_factor_are_refused(
    levels: tuple[Any, ...], control: object, sentence: str
) -> None:
    with pytest.raises(HarnessError, match=sentence):
        Factor("f", levels, control=control)


@pytest.mark.parametrize("levels", [(0.0, 0.5), (0, 1), (False, True), ("", "a")])
def test_a_control_that_counts_as_false_is_a_control(levels: tuple[Any, Any]) -> None:
    assert Factor("f", levels, control=levels[0]).control == levels[0]


def test_the_arms_are_the_full_cross_with_the_first_factor_slowest() -> None:
    arms = cross((COLOUR, SIZE, WET))
    expected = [(c, s, w) for c in ("red", "green") for s in (1, 2, 3) for w in (False, True)]
    assert [tuple(arm.as_dict().values()) for arm in arms] == expected
    assert all(list(arm.as_dict()) == ["colour", "size", "wet"] for arm in arms)


def test_only_turns_arms_down_and_keeps_the_order_of_the_others() -> None:
    kept = cross((COLOUR, SIZE), only=lambda arm: arm[COLOUR] == "red" or arm[SIZE] == 2)
    assert [tuple(arm.as_dict().values()) for arm in kept] == [
        ("red", 1),
        ("red", 2),
        ("red", 3),
        ("green", 2),
    ]


def test_a_design_without_factors_has_one_arm() -> None:
    assert cross(()) == (Arm(),)
    assert str(Arm()) == "the only arm"


def test_a_design_that_leaves_no_arm_is_refused() -> None:
    with pytest.raises(HarnessError, match="leaves no arm"):
        cross((COLOUR,), only=lambda arm: False)


def test_two_factors_of_one_name_are_refused() -> None:
    with pytest.raises(HarnessError, match="share a name"):
        cross((COLOUR, Factor("colour", (1, 2))))


def test_an_arm_gives_each_factor_s_level_and_knows_no_other_factor() -> None:
    arm = cross((COLOUR, SIZE))[-1]
    assert (arm[COLOUR], arm[SIZE], str(arm)) == ("green", 3, "colour=green, size=3")
    with pytest.raises(KeyError):
        arm[WET]


def test_a_replaced_arm_differs_in_the_named_level_only() -> None:
    arm = cross((COLOUR, SIZE))[-1]
    assert arm.replaced(colour="red") == Arm((("colour", "red"), ("size", 3)))
    assert arm == Arm((("colour", "green"), ("size", 3)))


def test_matching_finds_the_arms_that_have_one_of_the_named_levels_of_every_factor() -> None:
    arms = cross((COLOUR, SIZE, WET))
    found = list(matching(arms, {"size": (1, 3), "wet": (True,)}))
    assert found == [arm for arm in arms if arm[SIZE] != 2 and arm[WET]]
    assert list(matching(arms, {})) == list(arms)


def test_a_value_per_profile_is_found_by_the_profile_s_name() -> None:
    value = PerProfile(quick=1, standard=2, full=3)
    assert [value.of(profile) for profile in PROFILES] == [1, 2, 3]
