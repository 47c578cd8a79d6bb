"""Words: how factors, levels and comparisons read."""

from __future__ import annotations

from typing import Any

import pytest

from harness.design.contrasts import Contrast, Difference, Ratio, Share, Value
from harness.design.factors import Factor, Level, cross
from harness.design.wording import label
from harness.errors import HarnessError

MODE = Factor("mode", ("eval", "train"), control="eval")
DROPOUT = Factor("p", (0.0, 0.5), control=0.0)
ROWS = Factor("rows", (64, 4096), label="batch size")
PINNED = Factor("pinned", (False, True))
COPY = Factor("copy", ("first", "again"), control="first", words={"first": "", "again": "again"})
FACTORS = (MODE, DROPOUT, ROWS, COPY)
MEANINGS = {"loss": "the validation loss", "wrong": "the answer is wrong"}


@pytest.mark.parametrize(
    ("factor", "level", "phrase"),
    [
        (MODE, "train", "train"),
        (DROPOUT, 0.5, "p = 0.5"),
        (ROWS, 4096, "batch size 4,096"),
        (PINNED, True, "pinned"),
        (PINNED, False, "not pinned"),
        (COPY, "first", ""),
        (Factor("net_kind", (1, 2)), 2, "net kind 2"),
        (Factor("x", (1, 2), words={2: "two"}), 2, "two"),
    ],
)
def test_a_level_says_whose_it_is_where_it_is_a_number(
    factor: Factor[Any], level: Level, phrase: str
) -> None:
    assert factor.phrase(level) == phrase


def test_words_for_what_is_no_level_are_refused() -> None:
    with pytest.raises(HarnessError, match="has words for 'test'"):
        Factor("mode", ("eval", "train"), words={"test": "testing"})


@pytest.mark.parametrize(
    ("contrast", "words"),
    [
        (
            Value("loss").at(mode="train", p=0.5),
            "the validation loss (train, p = 0.5, batch size 64)",
        ),
        (
            Difference("loss", MODE).at(p=0.5).sd(),
            (
                "standard deviation over repeats of the validation loss, "
                "train less eval (p = 0.5, batch size 64)"
            ),
        ),
        (
            Ratio("loss", DROPOUT).at(mode="eval"),
            "the validation loss, 0.5 over 0 (eval, batch size 64)",
        ),
        (
            Value("wrong").at(mode="eval", p=0.0).frequency(),
            "share of blocks in which the answer is wrong (eval, p = 0, batch size 64)",
        ),
        (
            Share("wrong", DROPOUT).at(mode="eval"),
            "share of 2 (p) in which the answer is wrong (eval, batch size 64)",
        ),
        (
            Value("unnamed_thing").at(mode="eval", p=0.0).distinct(),
            "number of distinct values of unnamed thing (eval, p = 0, batch size 64)",
        ),
    ],
)
def test_a_comparison_reads_as_words(contrast: Contrast, words: str) -> None:
    arms = cross(FACTORS, only=lambda arm: arm[ROWS] == 64 and arm[COPY] == "first")
    (found,) = contrast.comparisons(arms)
    assert label(found, FACTORS, MEANINGS) == words


def test_without_factors_a_comparison_reads_as_its_response() -> None:
    (found,) = Value("loss").comparisons(cross(()))
    assert label(found, (), MEANINGS) == "the validation loss"


def test_what_a_control_leaves_unsaid_is_the_first() -> None:
    arms = cross((COPY,))
    (found,) = Ratio("loss", COPY).comparisons(arms)
    assert label(found, (COPY,), MEANINGS) == "the validation loss, again over the first"


def test_a_meaning_may_name_a_level_which_then_is_not_said_twice() -> None:
    arms = cross((MODE, ROWS))
    (comparison,) = Value("loss").at(mode="train", rows=4096).comparisons(arms)
    meanings = {"loss": "the loss on {rows} rows"}
    assert label(comparison, (MODE, ROWS), meanings) == "the loss on 4,096 rows (train)"
