"""Diagnosing runs: planted signatures are found, and equal runs cannot be told."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from harness.design.factors import Arm, Block
from studies.bugs import signatures
from studies.bugs.cases import CASES, KINDS
from studies.bugs.curve_features import EVERYTHING, LOSS, VIEWS
from studies.bugs.signatures import ANY, Described, diagnose, judge, measure, teaching_blocks

TEACHERS, UNSEEN = 8, 6
BLOCKS = tuple(Block(number, 50 + number, 7, effort=5 * TEACHERS) for number in range(UNSEEN))


def planted(blocks: tuple[Block, ...]) -> dict[str, Described]:
    """Bugs that the loss does not show at all, and that everything logged shows plainly."""
    rng = np.random.default_rng(0)
    shape = (TEACHERS + len(blocks), len(KINDS), 1)
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


@pytest.fixture
def _planted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(signatures, "describe_runs", planted)
    diagnose.cache_clear()
    yield
    diagnose.cache_clear()


def right(view: str, learnt_on: str) -> float:
    shares = []
    for bug in KINDS:
        arm = Arm((("view", view), ("learnt_on", learnt_on), ("bug", bug)))
        found = measure(BLOCKS, arm)
        assert len(found) == UNSEEN
        for block in found:
            taken = [float(str(block[f"as_{kind}"])) for kind in KINDS]
            assert sum(taken) == pytest.approx(1)
            assert float(str(block["recognised"])) <= taken[KINDS.index(bug)]
            shares.append(float(str(block["recognised"])))
    return float(np.mean(shares))


@pytest.mark.usefixtures("_planted")
@pytest.mark.parametrize("learnt_on", ["the same data", "other data"])
def test_planted_signatures_are_recognised_and_equal_runs_only_by_chance(learnt_on: str) -> None:
    assert right(EVERYTHING, learnt_on) > 0.95
    assert right(LOSS, learnt_on) < 1.5 / len(KINDS)


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
    assert len({block.seed for block in teachers}) == TEACHERS
    assert not {block.seed for block in teachers} & {block.seed for block in BLOCKS}
    assert teachers == teaching_blocks(BLOCKS[-1]), "they are the same for every block"
