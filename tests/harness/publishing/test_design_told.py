"""What an experiment did, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.design.factors import Factor
from harness.protocol.rules import ExperimentRules
from harness.publishing.design_told import Varied, told
from tests.harness.runs import drawing, protocol_of, study_of, ticking


def rules(**changes: object) -> ExperimentRules:
    (found,) = protocol_of(study_of(first=drawing(4))).experiments.values()
    return replace(found, **changes)  # type: ignore[arg-type]  # fields by their names


def test_factors_are_told_with_levels_and_control_and_those_of_one_level_left_out() -> None:
    mode = Factor("mode", ("plain", "shifted"), control="plain", label="how it is drawn")
    design = told(rules(factors=(mode, Factor("fixed", (1,)))))
    assert design.factors == (Varied("how it is drawn", ("plain", "shifted"), "plain"),)
    assert design.name == "first"
    assert design.question == "What is drawn?"
    assert design.responses == ("a draw",)


def test_a_level_without_words_is_the_usual_one() -> None:
    mode = Factor("mode", ("plain", "shifted"), words={"plain": ""})
    assert told(rules(factors=(mode,))).factors[0].levels == ("as usual", "shifted")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "2 arms, measured in random order in 4 blocks, each with a seed of its own"),
        ({"fresh_process": True}, "in 4 blocks, each a process of its own."),
        ({"one_sample": "one fine-tuning"}, "All blocks draw from one sample: one fine-tuning."),
    ],
)
def test_it_is_said_what_a_block_is(changes: dict[str, object], said: str) -> None:
    assert said in told(rules(**changes)).blocks


def test_the_clocks_rounds_are_told() -> None:
    (timed,) = protocol_of(study_of(first=ticking(12))).experiments.values()
    assert "took turns in 2 rounds of an order drawn anew" in told(timed).blocks
