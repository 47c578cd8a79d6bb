"""Blocks that are measured together: each keeps its own seed, rows and file."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from harness.catalogue.loading import load_study
from harness.design.experiment import Experiment, Responses
from harness.design.factors import Arm, Block, Factor, PerProfile
from harness.design.responses import Response
from harness.errors import HarnessError
from harness.protocol.plan import plan_blocks
from harness.protocol.rules import ExperimentRules, Step, experiment_rules
from harness.protocol.stored import rules_from_json, rules_to_json
from harness.running.block import run_block
from harness.running.pool import _take
from tests.harness.runs import House, RecordingDevice, bench

MODE = Factor("mode", ("plain", "shifted"))
Cohort = tuple[Block, ...]


def experiment(measure: Callable[[Any, Arm], Any]) -> Experiment[Any]:
    """Seven blocks, three at a time: the last stands alone."""
    return Experiment(
        question="What do many find at once?",
        measure_together=measure,
        together=PerProfile(3, 3, 3),
        responses=(Response("level", "1", "level"),),
        factors=(MODE,),
        blocks=PerProfile(7, 7, 7),
    )


def rules_of(measure: Callable[[Cohort, Arm], Any]) -> ExperimentRules:
    return experiment_rules("many", experiment(measure), "quick")


def measured(measure: Callable[[Cohort, Arm], Any], order: Sequence[int]) -> pd.DataFrame:
    rules = rules_of(measure)
    plan = rules.plan("study", 0)
    tables = [run_block(experiment(measure), rules, plan[i], RecordingDevice()) for i in order]
    return pd.concat(tables).sort_values(["block", "mode"], ignore_index=True)


def test_every_block_gets_what_was_found_for_its_seed() -> None:
    def measure(blocks: Cohort, arm: Arm) -> Sequence[Responses]:
        return [{"level": block.seed + 100 * block.index} for block in blocks]

    table = measured(measure, range(7))
    assert table["value"].tolist() == (table["seed"] + 100 * table["block"]).tolist()


def test_blocks_are_measured_three_at_a_time_and_once_only() -> None:
    calls = []

    def measure(blocks: Cohort, arm: Arm) -> Sequence[Responses]:
        calls.append(([block.index for block in blocks], arm[MODE]))
        return [{"level": 0.0}] * len(blocks)

    measured(measure, range(7))
    assert len(calls) == 6
    assert [found for found, mode in calls if mode == "plain"] == [[0, 1, 2], [3, 4, 5], [6]]


def test_the_rows_do_not_depend_on_which_block_comes_first() -> None:
    def measure(blocks: Cohort, arm: Arm) -> Sequence[Responses]:
        return [{"level": random.random()} for _ in blocks]

    def alike(blocks: Cohort, arm: Arm) -> Sequence[Responses]:
        return measure(blocks, arm)

    forwards, backwards = measured(measure, range(7)), measured(alike, range(6, -1, -1))
    pd.testing.assert_frame_equal(
        forwards.drop(columns="order", errors="ignore"),
        backwards.drop(columns="order", errors="ignore"),
    )
    assert forwards["value"].nunique() == 7  # the arms share the stream of their cohort


def test_what_is_raised_fails_every_block_of_the_cohort_and_is_raised_once() -> None:
    calls = []

    def measure(blocks: Cohort, arm: Arm) -> Sequence[Responses]:
        calls.append(blocks)
        if arm[MODE] == "shifted" and blocks[0].index == 3:
            raise ValueError("no room")
        return [{"level": 1.0}] * len(blocks)

    table = measured(measure, range(7))
    failed = table[table["status"] == "failed"]
    assert failed["block"].tolist() == [3, 4, 5]
    assert failed["message"].str.startswith("ValueError: no room (measure, line ").all()
    assert len(calls) == 6


def test_responses_for_another_number_of_blocks_are_a_failure() -> None:
    table = measured(lambda blocks, arm: [{"level": 1.0}], range(3))
    assert set(table["status"]) == {"failed"}
    assert "1 responses for 3 blocks" in table["message"][0]


def test_the_protocol_says_how_many_are_measured_together() -> None:
    rules = rules_of(lambda blocks, arm: [])
    assert rules_from_json("many", rules_to_json(rules)) == rules
    assert [len(block.peers) for block in rules.plan("study", 0)] == [3] * 6 + [1]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"together": None}, "must say how many"),
        ({"measure": lambda cell, arm: {"level": 1.0}}, "needs one of"),
        ({"prepare": lambda block: block}, "prepares them in prepare_together"),
    ],
)
def test_an_experiment_that_contradicts_itself_is_refused(
    changes: dict[str, Any], sentence: str
) -> None:
    whole: dict[str, Any] = {
        "question": "?",
        "blocks": PerProfile(1, 1, 1),
        "responses": (Response("level", "1", "level"),),
        "measure_together": lambda blocks, arm: [],
        "together": PerProfile(1, 1, 1),
    }
    with pytest.raises(HarnessError, match=sentence):
        Experiment(**(whole | changes))


def test_a_worker_goes_on_with_its_cohort_and_leaves_the_others_theirs() -> None:
    rules = rules_of(lambda blocks, arm: [])
    steps = [Step(rules, block) for block in rules.plan("study", 0)]

    def took(last: Step | None, others: Sequence[Step], left: Sequence[int]) -> int | None:
        waiting = [steps[i] for i in reversed(left)]
        step = _take(waiting, last, [other.cohort for other in others])
        assert step not in waiting
        return None if step is None else step.planned.index

    assert took(None, [], [0, 1, 2, 3]) == 0
    assert took(None, [steps[0]], [1, 2, 3, 4]) == 3
    assert took(steps[3], [steps[0]], [1, 2, 4, 5, 6]) == 4
    assert took(steps[5], [steps[0]], [1, 2, 6]) == 6
    assert took(steps[6], [steps[0]], [1, 2]) is None, "the other does it in no time"
    assert _take([]) is None


TOGETHER = '''
"""What do many find at once?"""

import os
import random

from harness import Claim, Entry, Experiment, Factor, PerProfile, Response, Value, at_least

COST = "no time at all"
CATALOGUE = (Entry("P-holds-1", says="A draw is not negative.", scope="draws"),)


def measure(blocks, arm):
    return [{"pid": os.getpid(), "draw": random.random()} for block in blocks]


EXPERIMENT = Experiment(
    question="What do many find at once?",
    measure_together=measure,
    together=PerProfile(3, 3, 3),
    responses=(Response("pid", "1", "pid"), Response("draw", "1", "draw"), ),
    factors=(Factor("place", ("here", "there")),),
    blocks=PerProfile(12, 12, 12),
    claims=(Claim("P-holds-1", Value("draw").always(), at_least(0), "No draw is negative."),),
)
'''


@pytest.mark.slow
def test_a_pool_measures_each_cohort_in_one_process_and_gives_the_rows_of_one(
    house: House,
) -> None:
    (house.top / "studies" / "many.py").write_text(TOGETHER)
    pooled = bench(house.top / "pooled", load_study("many"))
    pooled.execute(jobs=2)
    table = pooled.table("many")
    pids = table[table["response"] == "pid"]
    by_cohort = [set(found) for _, found in pids.groupby(pids["block"] // 3)["value"]]
    assert [len(processes) for processes in by_cohort] == [1, 1, 1, 1]
    alone = bench(house.top / "alone", load_study("many"))
    alone.execute(jobs=1)
    other = alone.table("many")
    draws = [t[t["response"] == "draw"]["value"].tolist() for t in (table, other)]
    assert draws[0] == draws[1]


def test_blocks_are_prepared_together_once_a_cohort_from_its_first_seed() -> None:
    prepared: list[tuple[list[int], float]] = []

    def prepare(blocks: Cohort) -> list[int]:
        prepared.append(([block.index for block in blocks], random.random()))
        return [block.seed for block in blocks]

    def measure(seeds: list[int], arm: Arm) -> Sequence[Responses]:
        return [{"level": seed} for seed in seeds]

    made = replace(experiment(measure), prepare_together=prepare)
    rules = experiment_rules("many", made, "quick")
    plan = rules.plan("study", 0)
    table = pd.concat([run_block(made, rules, block, RecordingDevice()) for block in plan])
    assert table["value"].tolist() == table["seed"].tolist()
    assert [indices for indices, _ in prepared] == [[0, 1, 2], [3, 4, 5], [6]]
    firsts = [plan[indices[0]].seed for indices, _ in prepared]
    assert [drawn for _, drawn in prepared] == [random.Random(seed).random() for seed in firsts]


def test_a_preparation_that_raises_fails_each_block_of_the_cohort() -> None:
    def prepare(blocks: Cohort) -> None:
        raise OSError("no data")

    made = replace(experiment(lambda cell, arm: []), prepare_together=prepare)
    rules = experiment_rules("many", made, "quick")
    tables = [run_block(made, rules, b, RecordingDevice()) for b in rules.plan("study", 0)[:3]]
    for table in tables:
        assert set(table["status"]) == {"failed"}
        assert table["message"].str.startswith("OSError: no data").all()


def test_a_plan_needs_one_block_at_a_time_at_least() -> None:
    with pytest.raises(HarnessError, match="1 block or more, not 0"):
        plan_blocks((Arm(()),), 1, 0, "name", together=0)
