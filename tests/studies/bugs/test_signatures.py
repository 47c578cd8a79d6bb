"""Diagnosing runs: planted signatures are found, and equal runs cannot be told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.design.factors import Arm, Block
from studies.bugs.cases import BUGS, CASES, KINDS
from studies.bugs.curve_features import EVERYTHING, LOSS, VIEWS
from studies.bugs.signatures import (
    ANY,
    EXPERIMENT,
    OTHER_DATA,
    SAME_DATA,
    STUDENTS,
    VIEW,
    Described,
    Diagnosed,
    diagnose,
    judge,
    measure,
    recognised,
    seeded,
    teaching_blocks,
)

TEACHERS, UNSEEN = 8, 4
BLOCKS = tuple(Block(number, 50 + number, 7, effort=5 * TEACHERS) for number in range(UNSEEN))


def planted() -> dict[str, Described]:
    """Bugs that the loss does not show at all, and that everything logged shows plainly."""
    rng = np.random.default_rng(0)
    shape = (TEACHERS + STUDENTS * UNSEEN, len(KINDS), 1)
    kinds = np.broadcast_to(np.arange(len(KINDS))[None, :, None], shape)
    return {
        case: {
            view: np.repeat(rng.standard_normal((shape[0], 1, 1)), len(KINDS), axis=1)
            if view == LOSS
            else kinds + 0.1 * rng.standard_normal(shape)
            for view in VIEWS
        }
        for case in CASES
    }


def right(view: str, learnt_on: str) -> float:
    found = {(view, learnt_on): diagnose(planted(), TEACHERS, 3, view, learnt_on)}
    shares = []
    for bug in KINDS:
        arm = Arm((("view", view), ("learnt_on", learnt_on), ("bug", bug)))
        blocks = measure(Diagnosed(BLOCKS, found), arm)
        assert len(blocks) == UNSEEN
        for block in blocks:
            taken = [float(str(block[f"as_{kind}"])) for kind in KINDS]
            assert sum(taken) == pytest.approx(1)
            assert float(str(block["recognised"])) <= taken[KINDS.index(bug)]
            shares.append(float(str(block["recognised"])))
    return float(np.mean(shares))


@pytest.mark.parametrize("learnt_on", [SAME_DATA, OTHER_DATA])
def test_planted_signatures_are_recognised_and_equal_runs_only_by_chance(learnt_on: str) -> None:
    assert right(EVERYTHING, learnt_on) > 0.95
    assert right(LOSS, learnt_on) < 1.5 / len(KINDS)


def test_the_runs_of_a_block_are_those_of_its_own_seeds() -> None:
    """The second block's runs alone are all taken for the first kind."""
    diagnoses = np.tile(np.arange(len(KINDS)), (len(CASES), 2 * STUDENTS, 1))
    diagnoses[:, STUDENTS:] = 0
    arm = Arm((("view", LOSS), ("learnt_on", SAME_DATA), ("bug", ANY)))
    first, second = measure(Diagnosed(BLOCKS[:2], {(LOSS, SAME_DATA): diagnoses}), arm)
    assert first["recognised"] == 1
    assert second["recognised"] == pytest.approx(1 / len(KINDS))


def test_a_bug_that_all_runs_are_taken_for_is_not_recognised() -> None:
    """Nor is one that is never diagnosed."""
    favourite = np.full((4, len(KINDS)), KINDS.index("leak"))
    found = {bug: judge(favourite, bug)["recognised"] for bug in (ANY, *KINDS)}
    assert found[ANY] == found["leak"] == 1 / len(KINDS)
    assert {found[bug] for bug in KINDS if bug != "leak"} == {0}
    perfect = np.tile(np.arange(len(KINDS)), (4, 1))
    assert {judge(perfect, bug)["recognised"] for bug in (ANY, *KINDS)} == {1}


def test_what_is_learnt_from_shares_no_seed_with_what_is_diagnosed() -> None:
    teachers = teaching_blocks(BLOCKS[0])
    learners = [own for block in BLOCKS for own in seeded(block, block.seed, STUDENTS)]
    assert len({block.seed for block in teachers}) == TEACHERS
    assert len({block.seed for block in (*teachers, *learners)}) == TEACHERS + len(learners)
    assert teachers == teaching_blocks(BLOCKS[-1]), "they are the same for every block"


def test_the_figure_counts_the_bugs_that_are_recognised() -> None:
    rows: list[dict[str, object]] = []
    for arm in EXPERIMENT.arms():
        known = arm[VIEW] == EVERYTHING and arm.as_dict()["bug"] in BUGS[:2]
        common: dict[str, object] = {**arm.as_dict()}
        for block in range(20):
            share = {"response": "recognised", "value": 1.0 if known else 0.5, "block": block}
            rows.append(common | share)
            rows += [
                common | {"response": f"as_{kind}", "value": 1 / len(KINDS), "block": block}
                for kind in KINDS
            ]
    figure = recognised(pd.DataFrame(rows))
    assert figure.get_suptitle().startswith("2 of 6 bugs")
    assert "0 by the training loss" in figure.get_suptitle()
