"""Contrasts: which arms they compare, how they read, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.design.contrasts import Comparison, Contrast, Difference, Ratio, Share, Value
from harness.design.factors import Arm, Factor, cross
from harness.errors import HarnessError

MODE = Factor("mode", ("eval", "train"), control="eval")
DROPOUT = Factor("p", (0.0, 0.1, 0.5), control=0.0)
DATA = Factor("data", ("digits", "wine"))
ARMS = cross((MODE, DROPOUT))


def arm(mode: str, p: float) -> Arm:
    return Arm((("mode", mode), ("p", p)))


def test_a_response_is_compared_with_a_constant_in_the_one_arm_it_names() -> None:
    (found,) = Value("loss").at(mode="train", p=0.1).comparisons(ARMS)
    assert found == Comparison("value", "loss", arm("train", 0.1), None, "mean", "median")


def test_a_factor_that_is_not_named_stands_for_all_its_levels() -> None:
    found = Value("loss").at(mode="train").comparisons(ARMS)
    assert [c.arm for c in found] == [arm("train", p) for p in (0.0, 0.1, 0.5)]
    assert [c.arm for c in Value("loss").comparisons(ARMS)] == list(ARMS)


def test_a_tuple_of_levels_stands_for_each_of_them() -> None:
    found = Value("loss").at(p=(0.1, 0.5)).at(mode="eval").comparisons(ARMS)
    assert [c.arm for c in found] == [arm("eval", 0.1), arm("eval", 0.5)]


@pytest.mark.parametrize(("kind", "contrast"), [("difference", Difference), ("ratio", Ratio)])
def test_a_pair_is_every_other_level_against_the_control_with_all_else_equal(
    kind: str, contrast: type[Difference | Ratio]
) -> None:
    found = contrast("loss", DROPOUT).comparisons(ARMS)
    assert {c.kind for c in found} == {kind}
    assert [(c.arm, c.against) for c in found] == [
        (arm(mode, p), arm(mode, 0.0)) for mode in ("eval", "train") for p in (0.1, 0.5)
    ]


def test_an_arm_whose_partner_the_design_leaves_out_is_not_compared() -> None:
    arms = cross((MODE, DROPOUT), only=lambda a: not (a[MODE] == "eval" and a[DROPOUT] == 0.5))
    found = Difference("loss", MODE).comparisons(arms)
    assert [c.arm for c in found] == [arm("train", 0.0), arm("train", 0.1)]


@pytest.mark.parametrize(
    ("contrast", "sentence"),
    [
        (Value("loss").at(mode="test"), "names mode='test', which the design does not have"),
        (Value("loss").at(p=(0.1, 0.3)), "names p=0.3, which the design does not have"),
        (Value("loss").at(depth=3), "names depth=3, which the design does not have"),
        (Value("loss").at(p=()), "no arm of the design has"),
        (Difference("loss", MODE).at(mode="eval"), "No pair of arms differs in 'mode'"),
        (Ratio("loss", MODE).at(p=0.3), "names p=0.3"),
        (Difference("loss", DATA), "names no factor: 'data'"),
        (Difference("loss", Factor("mode", ("train", "eval"))), "has no control"),
        (Difference("loss", Factor("mode", ("a", "b"), control="a")), "No pair of arms"),
    ],
)
def test_a_contrast_that_the_design_cannot_give_is_refused(
    contrast: Contrast, sentence: str
) -> None:
    with pytest.raises(HarnessError, match=sentence):
        contrast.comparisons(ARMS)


@pytest.mark.parametrize(
    ("contrast", "within", "across"),
    [
        (Value("x"), "mean", "median"),
        (Value("x").sd(), "sd", "median"),
        (Value("x").range(), "range", "median"),
        (Value("x").distinct(), "distinct", "median"),
        (Value("x").largest(), "max", "median"),
        (Value("x").smallest(), "min", "median"),
        (Value("x").always(), "each", "every"),
        (Value("x").always().distinct(), "distinct", "every"),
        (Value("x").frequency(), "mean", "frequency"),
    ],
)
def test_a_contrast_says_how_rounds_and_blocks_are_put_together(
    contrast: Contrast, within: str, across: str
) -> None:
    (found,) = contrast.comparisons(cross(()))
    assert (found.within, found.across) == (within, across)


def test_a_pair_can_be_compared_with_another_level_than_the_control() -> None:
    contrast = Ratio("loss", DROPOUT).at(mode="eval", p=0.5).against(0.1).by_round()
    (found,) = contrast.comparisons(ARMS)
    assert (found.arm, found.against) == (arm("eval", 0.5), arm("eval", 0.1))
    assert found.within == "paired"
    assert found.changed() == ["p"]


def test_a_factor_without_control_can_be_compared_with_a_named_level() -> None:
    (found,) = Difference("loss", DATA).against("wine").comparisons(cross((DATA,)))
    assert (found.arm, found.against) == (Arm((("data", "digits"),)), Arm((("data", "wine"),)))


def test_a_level_to_compare_with_that_the_factor_lacks_is_refused() -> None:
    with pytest.raises(HarnessError, match="'mode' has no level 'test' to compare with"):
        Ratio("loss", MODE).against("test").comparisons(ARMS)


def test_a_contrast_is_not_changed_by_what_is_made_of_it() -> None:
    contrast = Difference("loss", MODE)
    contrast.at(p=0.1).sd().always()
    assert contrast == Difference("loss", MODE)


def test_always_keeps_the_reduction_of_a_block_whichever_comes_first() -> None:
    one, other = Value("x").distinct().always(), Value("x").always().distinct()
    assert one.comparisons(cross(())) == other.comparisons(cross(()))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Value("x").sd().range(), r"reduces the rounds of a block twice \(sd, then range"),
        (lambda: Ratio("x", MODE).by_round().largest(), "twice"),
        (lambda: Value("x").always().frequency(), "puts blocks together twice"),
        (lambda: Value("x").at(p=0.1).at(p=0.5), "names p twice"),
        (lambda: Value("x").along(DROPOUT, judged=()), "is judged at some of its levels"),
        (lambda: Value("x").along(DROPOUT, judged=(0.3,)), "is judged at some of its levels"),
        (lambda: Value("x").along(MODE, judged=("eval",)), "needs numbers as levels"),
        (
            lambda: Value("x").along(Factor("n", (2, 1)), judged=(1,)),
            "must rise along a curve",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(make: Callable[[], Contrast], sentence: str) -> None:
    with pytest.raises(HarnessError, match=sentence):
        make()


def test_a_share_counts_the_cells_that_differ_in_one_factor() -> None:
    first, second = Share("wrong", DROPOUT).comparisons(ARMS)
    assert first.kind == second.kind == "share"
    assert first.over == "p"
    assert first.cells == tuple(arm("eval", p) for p in (0.0, 0.1, 0.5))
    assert second.cells == tuple(arm("train", p) for p in (0.0, 0.1, 0.5))


def test_a_share_over_no_factor_of_the_design_is_refused() -> None:
    with pytest.raises(HarnessError, match="names no factor of the design"):
        Share("wrong", DATA).comparisons(ARMS)
