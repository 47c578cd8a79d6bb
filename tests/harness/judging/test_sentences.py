"""Sentences: each kind of number says what it is, and a reader sees no code."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.design.claims import Claim
from harness.design.contrasts import Contrast, Difference, Ratio, Share, Value
from harness.design.factors import Factor
from harness.design.regions import at_least
from harness.design.responses import Response
from harness.judging.effects import Effect
from harness.judging.sentences import finding_sentence, number_text
from harness.protocol.rules import Condition, ExperimentRules, experiment_rules
from tests.harness.fakes import experiment

MODE = Factor("mode", ("eval", "train"), control="eval", label="mode")
SIZE = Factor("size", (8, 4096), label="batch size")
LOSS = Response("loss", "nat", "the validation loss")
TIME = Response("time", "s", "time of a pass")
WRONG = Response("wrong", "yes/no", "the answer is wrong")


def posed(contrast: Contrast) -> tuple[ExperimentRules, Condition]:
    claim = Claim("P-up-1", contrast, at_least(1))
    made = experiment(claim, responses=(LOSS, TIME, WRONG), factors=(MODE, SIZE))
    rules = experiment_rules("first", made, "standard")
    return rules, rules.conditions[0]


def effect(*values: float, low: float | None = None, high: float | None = None) -> Effect:
    seen = np.array(values)
    ends = (seen.min() if low is None else low, seen.max() if high is None else high)
    least, most = float(ends[0]), float(ends[1])
    return Effect(float(np.median(seen)), least, most, len(values), "", tuple(values))


AT = {"size": 4096}


@pytest.mark.parametrize(
    ("contrast", "found", "number", "sentence"),
    [
        (
            Value("loss").at(mode="train", **AT),
            effect(0.5, 0.6, 0.7),
            "0.6 nat (99 % interval 0.5 to 0.7 nat, 3 blocks)",
            (
                "The validation loss is 0.6 nat (99 % interval 0.5 to 0.7 nat, 3 blocks; "
                "train, batch size 4,096)."
            ),
        ),
        (
            Value("loss").at(mode="train", **AT),
            effect(0.5, 0.5, 0.5),
            "0.5 nat in all 3 blocks",
            "The validation loss is 0.5 nat in all 3 blocks (train, batch size 4,096).",
        ),
        (
            Difference("loss", MODE).at(**AT),
            effect(0.1, 0.2, 0.4),
            "0.2 nat (99 % interval 0.1 to 0.4 nat, 3 blocks)",
            (
                "The validation loss with train less that with eval is 0.2 nat "
                "(99 % interval 0.1 to 0.4 nat, 3 blocks; batch size 4,096)."
            ),
        ),
        (
            Ratio("time", MODE).at(**AT),
            effect(1.1, 1.2, 1.3),
            "1.2 (99 % interval 1.1 to 1.3, 3 blocks)",
            (
                "Time of a pass with train is 1.2 times that with eval "
                "(99 % interval 1.1 to 1.3, 3 blocks; batch size 4,096)."
            ),
        ),
        (
            Value("time").at(mode="train", **AT),
            effect(1.1e-3, 1.2e-3, 1.3e-3),
            "1.2 ms (99 % interval 1.1 to 1.3 ms, 3 blocks)",
            (
                "Time of a pass is 1.2 ms (99 % interval 1.1 to 1.3 ms, 3 blocks; "
                "train, batch size 4,096)."
            ),
        ),
        (
            Value("loss").at(mode="train", **AT).always(),
            effect(0.0, 0.25),
            "0 to 0.25 nat in both values",
            "The validation loss is 0 to 0.25 nat in both values (train, batch size 4,096).",
        ),
        (
            Value("wrong").at(mode="train", **AT).always(),
            effect(1, 0, 1, 1),
            "in 3 of 4 values",
            "The answer is wrong in 3 of 4 values (train, batch size 4,096).",
        ),
        (
            Value("wrong").at(mode="train", **AT).always(),
            effect(0, 0, 0),
            "in none of 3 values",
            "The answer is wrong in none of 3 values (train, batch size 4,096).",
        ),
        (
            Value("wrong").at(mode="train", **AT).frequency(),
            effect(1, 0, 1, 1, low=0.2, high=0.9),
            "in 3 of 4 blocks (99 % interval of the share 0.2 to 0.9)",
            (
                "The answer is wrong in 3 of 4 blocks (99 % interval of the share 0.2 to 0.9; "
                "train, batch size 4,096)."
            ),
        ),
        (
            Share("wrong", MODE).at(**AT),
            effect(0.5, 0.5, 1.0),
            "0.5 (99 % interval 0.5 to 1, 3 blocks)",
            (
                "Of 2 (mode), the share in which the answer is wrong is 0.5 "
                "(99 % interval 0.5 to 1, 3 blocks; batch size 4,096)."
            ),
        ),
        (
            Value("loss").at(mode="train", **AT),
            effect(0.5, 0.6, low=-math.inf, high=math.inf),
            "0.55 nat (2 blocks, too few for an interval)",
            (
                "The validation loss is 0.55 nat (2 blocks, too few for an interval; "
                "train, batch size 4,096)."
            ),
        ),
    ],
)
def test_a_finding_reads_as_a_sentence_with_its_kind_of_number(
    contrast: Contrast, found: Effect, number: str, sentence: str
) -> None:
    rules, condition = posed(contrast)
    text = number_text(condition, found, 0.99)
    assert text == number
    assert finding_sentence(rules, condition, text) == sentence


@pytest.mark.parametrize("problem", ["2 of 8 blocks failed: ValueError", ""])
def test_without_a_number_the_sentence_says_so(problem: str) -> None:
    rules, condition = posed(Value("loss").at(mode="train", **AT))
    nothing = Effect(math.nan, math.nan, math.nan, 0, problem)
    assert number_text(condition, nothing, 0.99) == ""
    sentence = finding_sentence(rules, condition, "")
    assert sentence == "The validation loss (train, batch size 4,096): no number."


def test_another_confidence_is_printed_as_it_is() -> None:
    _, condition = posed(Value("loss").at(mode="train", **AT))
    assert "(95 % interval" in number_text(condition, effect(0.5, 0.6, 0.7), 0.95)


def test_no_level_is_printed_as_code() -> None:
    settings: dict[str, Any] = {"words": {"train": "train mode", "eval": "eval mode"}}
    rules, condition = posed(Difference("loss", MODE).at(**AT))
    worded = replace(rules, factors=(replace(MODE, **settings), SIZE))
    sentence = finding_sentence(worded, condition, "0.2 nat")
    assert sentence.startswith("The validation loss with train mode less that with eval mode is")
    assert "=" not in sentence


def test_the_state_of_the_device_stands_where_the_number_was_found() -> None:
    limited = "the GPU at its power limit"
    rules, condition = posed(Ratio("time", MODE).at(**AT))
    number = "1.2 (99 % interval 1.1 to 1.3, 8 blocks)"
    assert finding_sentence(rules, condition, number, state=limited) == (
        "Time of a pass with train is 1.2 times that with eval (99 % interval 1.1 to 1.3, "
        "8 blocks; batch size 4,096; the GPU at its power limit)."
    )
