"""Trials: nothing is left out, and none depends on another."""

from __future__ import annotations

from harness.calibration.trials import SHARES, Trial, carry_out, trials


def test_every_kind_of_interval_is_tried_on_every_distribution_at_every_number_of_blocks() -> None:
    found = trials([20, 3, 8, 20])
    assert len(found) == len(set(found))
    blocks = {
        kind: {trial.blocks for trial in found if trial.kind == kind} for kind in kinds(found)
    }
    assert blocks == {
        "value": {3, 7, 8, 20},
        "difference": {3, 7, 8, 20},
        "ratio": {3, 7, 8, 20},
        "spread": {3, 7, 8, 20},
        "frequency": {3, 8, 20},
        "universal": {3, 8, 20},
    }
    for kind in ("value", "difference", "ratio", "spread"):
        names = {trial.distribution for trial in found if trial.kind == kind}
        assert {"normal", "t, 3 df", "lognormal", "mean of 50 Bernoulli(0.9)"} <= names
    shares = {float(trial.distribution) for trial in found if trial.kind == "frequency"}
    assert shares == set(SHARES)


def kinds(found: list[Trial]) -> set[str]:
    return {trial.kind for trial in found}


def test_a_trial_gives_the_same_checks_whatever_was_done_before() -> None:
    every = trials([8])
    alone = carry_out(every[3], 50, seed=0)
    for trial in every[:3]:
        carry_out(trial, 50, seed=0)
    assert carry_out(every[3], 50, seed=0) == alone
