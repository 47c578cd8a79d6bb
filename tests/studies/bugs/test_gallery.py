"""What bugs do to curves: those that touch no training step, and planted symptoms."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import torch

from harness.design.factors import Arm, Block
from studies.bugs.cases import CASES, KINDS, NONE, WINE
from studies.bugs.gallery import measure
from studies.bugs.gallery_figures import CLAIMED, WORDS, gallery, symptoms
from studies.bugs.shown import CURVES, SYMPTOMS, Cohort, train_case

BLOCKS = (Block(0, 1, 9, effort=40), Block(1, 2, 9, effort=40))


@cache
def cohort() -> Cohort:
    torch.set_num_threads(1)
    return Cohort(BLOCKS, {(WINE, NONE): train_case(BLOCKS, WINE, NONE).log.steps["loss"]})


def measured(bug: str) -> list[dict[str, Any]]:
    return [dict(found) for found in measure(cohort(), Arm((("bug", bug), ("case", WINE))))]


def test_every_arm_gives_every_response_and_repeats() -> None:
    names = {"same_loss", *(response.name for response in (*CURVES, *SYMPTOMS))}
    for bug in ("none", "evaluate_in_train_mode"):
        found = measured(bug)
        assert all(set(block) == names for block in found)
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
            assert (block["stored_bytes"] > 0) == (bug == "keep_outputs")


def test_the_curve_of_kept_bytes_is_a_straight_line() -> None:
    kept = np.asarray(measured("keep_outputs")[0]["kept_bytes"])
    assert np.ptp(np.diff(kept)) == 0


def planted(shown: str, share: float, blocks: int = 10) -> pd.DataFrame:
    """Runs in which one bug shows its symptoms, in a share of the seeds; curves of two epochs."""
    rows = []
    for bug in KINDS:
        for case in CASES:
            for block in range(blocks):
                common = {"bug": bug, "case": case, "block": block}
                touched = bug == shown and block < share * blocks
                for name, sign in ((n, s) for of in CLAIMED.values() for n, s in of.items()):
                    own = CLAIMED.get(bug, {}).get(name, sign)
                    rows.append(common | {"response": name, "value": own * float(touched)})
                rows.append(common | {"response": "same_loss", "value": float(not touched)})
                for curve in CURVES:
                    for number in range(2):
                        value = 2.0 * (1 + number * touched)
                        row = {"response": curve.name, "value": value, "round": number}
                        rows.append(common | row)
    return pd.DataFrame(rows).fillna({"round": 0})


def test_symptoms_count_where_nine_in_ten_runs_show_them_everywhere() -> None:
    total = sum(len(of) for of in CLAIMED.values())
    assert set(WORDS) == {(name, sign) for of in CLAIMED.values() for name, sign in of.items()}
    for share, count in ((0.9, len(CLAIMED["leak"])), (0.8, 0)):
        title = symptoms(planted("leak", share)).get_suptitle()
        assert f"Of {total} symptoms that the document names, {count} show" in title


def test_the_gallery_tells_what_its_curves_show() -> None:
    figure = gallery(planted("keep_gradients", 1.0))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[0].endswith("found: ends at 2 x its start (1 x)")
    assert any("not measured" in title for title in titles), "the wrong device"
    assert figure.get_suptitle().startswith("5 of 6 bugs leave the training loss")
