"""Pairs of bugs in one loop: what must hold by construction, and planted symptoms."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import pandas as pd
import pytest
import torch

from harness.design.factors import Arm, Block, joined, names_of
from studies.bugs.cases import BUGS, KINDS, NONE, WINE
from studies.bugs.gallery_figures import CLAIMED
from studies.bugs.pairs import LOOP, PAIRS, measure, pairs_of
from studies.bugs.pairs_figures import hidden, pair_of, shown
from studies.bugs.shown import Cohort, train_case

BLOCKS = (Block(0, 1, 9, effort=40), Block(1, 2, 9, effort=40))


@cache
def cohort() -> Cohort:
    torch.set_num_threads(1)
    losses = {(WINE, kind): train_case(BLOCKS, WINE, kind).log.steps["loss"] for kind in KINDS}
    return Cohort(BLOCKS, losses)


def measured(*bugs: str) -> list[dict[str, Any]]:
    arm = Arm((("loop", joined(*bugs)), ("case", WINE)))
    return [dict(found) for found in measure(cohort(), arm)]


def test_every_two_bugs_make_one_pair() -> None:
    assert len(PAIRS) == math.comb(len(BUGS), 2)
    assert {frozenset(names_of(pair)) for pair in PAIRS} == {
        frozenset((one, other)) for one in BUGS for other in BUGS if one != other
    }
    assert all(LOOP.say(pair).count(" and ") >= 1 for pair in PAIRS)
    assert {*pairs_of("leak", first=True), *pairs_of("leak", first=False)} == {
        pair for pair in PAIRS if "leak" in names_of(pair)
    }


def test_a_loop_with_one_bug_is_its_own_repetition() -> None:
    for block in measured("leak"):
        assert block["same_as_first"] == 1
        assert math.isnan(block["same_as_second"])


def test_both_bugs_are_in_the_loop() -> None:
    for block in measured("keep_gradients", "keep_outputs"):
        assert block["same_as_first"] == 1, "stored outputs change no step"
        assert block["same_as_second"] == 0, "kept gradients do"
        assert block["stored_bytes"] > 0
    for block in measured("evaluate_in_train_mode", "leak"):
        assert block["same_as_second"] == 1
        assert block["repeats_differ"] == 1


def test_statistics_moved_by_an_evaluation_are_those_that_training_in_eval_mode_uses() -> None:
    for block in measured("evaluate_in_train_mode", "train_in_eval_mode"):
        assert block["same_as_first"] == block["same_as_second"] == 0


def planted(hides: str, beside: str) -> pd.DataFrame:
    """Runs in which every bug shows all its symptoms, but one does not beside one other."""
    rows = []
    for loop in LOOP.levels:
        bugs = [bug for bug in names_of(loop) if bug != NONE]
        if set(bugs) == {hides, beside}:
            bugs.remove(hides)
        for name in {name for of in CLAIMED.values() for name in of}:
            moved = sum(10.0**-place * CLAIMED[bug].get(name, 0) for place, bug in enumerate(bugs))
            rows += [
                {"loop": loop, "case": case, "block": block, "response": name, "value": moved}
                for case in ("a", "b")
                for block in range(3)
            ]
    return pd.DataFrame(rows)


def test_a_bug_that_hides_another_is_counted_once() -> None:
    table = planted("keep_outputs", "leak")
    shares = pd.DataFrame(shown(table), index=BUGS, columns=BUGS)
    assert shares.loc["keep_outputs", "leak"] == 0
    shares.loc["keep_outputs", "leak"] = 1
    assert (shares == 1).all(axis=None)
    title = hidden(table).get_suptitle()
    assert "show in fewer runs than alone in 1 of 30 cases,\nin more in 0 (" in title


@pytest.mark.parametrize(("one", "other"), [("leak", "keep_gradients"), ("keep_gradients", "leak")])
def test_a_pair_has_one_name_whichever_comes_first(one: str, other: str) -> None:
    assert pair_of(one, other) in PAIRS
