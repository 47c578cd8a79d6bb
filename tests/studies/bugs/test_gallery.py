"""What bugs do to curves: those that change nothing, and planted symptoms."""

from __future__ import annotations

import numpy as np
import torch

from harness.design.factors import Arm, Block
from studies.bugs.cases import KINDS, WINE
from studies.bugs.gallery import CURVES, SYMPTOMS, measure

BLOCKS = (Block(0, 1, 9, effort=40), Block(1, 2, 9, effort=40))


def measured(bug: str) -> list[dict[str, object]]:
    torch.set_num_threads(1)
    return [dict(found) for found in measure(BLOCKS, Arm((("bug", bug), ("case", WINE))))]


def test_every_arm_gives_every_response_and_repeats() -> None:
    for bug in ("none", "evaluate_in_train_mode"):
        found = measured(bug)
        assert all(set(block) == {"same_loss", *CURVES, *SYMPTOMS} for block in found)
        assert found == measured(bug)


def test_each_bug_shows_what_it_must_by_its_construction() -> None:
    found = {bug: measured(bug) for bug in KINDS}
    same = {bug: [block["same_loss"] for block in blocks] for bug, blocks in found.items()}
    for bug in ("none", "keep_outputs", "evaluate_in_train_mode"):
        assert same[bug] == [1, 1], "it touches no training step"
    for bug in ("keep_gradients", "train_in_eval_mode", "leak"):
        assert same[bug] == [0, 0], bug
    for bug, blocks in found.items():
        for block in blocks:
            assert block["repeats_differ"] == (bug == "evaluate_in_train_mode")
            assert (float(str(block["stored_bytes"])) > 0) == (bug == "keep_outputs")


def test_the_curve_of_kept_bytes_is_a_straight_line() -> None:
    kept = np.asarray(measured("keep_outputs")[0]["kept_bytes"])
    assert np.ptp(np.diff(kept)) == 0
