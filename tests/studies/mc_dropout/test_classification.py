"""Classifiers: planted doubt is found to be calibrated or not, and to point to errors or not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness import Block
from harness.workloads.tasks import Part
from studies.mc_dropout.classification import Answers, calibration, excess_ece, moved, refusal
from studies.mc_dropout.levels import CANCER, REFUSED
from studies.mc_dropout.nets import train

STREAM = np.random.default_rng(4)
P = STREAM.dirichlet([0.6, 0.5, 0.4], size=(3, 800))
Y = (P.cumsum(axis=2) < STREAM.random((3, 800, 1))).sum(axis=2)


def answers(p: np.ndarray, variance: np.ndarray) -> Answers:
    return Answers(p, variance, P, Y)


def test_probabilities_that_come_true_have_no_more_error_than_chance() -> None:
    assert np.abs(excess_ece(P, Y)).max() < 0.03
    flat = P**0.4 / (P**0.4).sum(axis=2, keepdims=True)
    assert (excess_ece(flat, Y) > 0.08).all()


def test_calibration_compares_the_mean_with_the_pass_in_eval_mode() -> None:
    variance = STREAM.random((3, 800))
    same = calibration(answers(P, variance))
    assert same["log_loss_ratio"].tolist() == pytest.approx([1.0] * 3)
    assert same["brier_ratio"].tolist() == pytest.approx([1.0] * 3)
    flat = calibration(answers(np.full_like(P, 1 / 3), variance))
    assert (flat["log_loss_ratio"] > 1.1).all()
    assert same["bin_rows"].sum(axis=1).tolist() == [800] * 3
    assert same["bin_right"].sum(axis=1) == pytest.approx(800 * same["accuracy"])


def test_a_variance_that_is_larger_for_wrong_rows_points_to_them() -> None:
    wrong = P.argmax(axis=2) != Y
    told = refusal(answers(P, wrong + STREAM.random(wrong.shape)))
    silent = refusal(answers(P, STREAM.random(wrong.shape)))
    assert (told["auroc"] == 1).all()
    assert silent["auroc"].tolist() == pytest.approx([0.5] * 3, abs=0.07)
    assert (told["kept_error_ratio"] < 0.95).all()
    assert told["errors"].tolist() == wrong.sum(axis=1).tolist()
    assert told["kept_error"].shape == (3, len(REFUSED))


def test_moved_digits_are_moved_by_a_pixel_at_most() -> None:
    image = torch.full((8, 8), -2.0)
    image[3, 4] = 2.0
    part = Part(image.flatten().expand(1, 40, 64), torch.zeros(1, 40, dtype=torch.int64))
    places = moved(part, 1).x.view(-1, 64).argmax(dim=1)
    away = {(int(p) // 8 - 3, int(p) % 8 - 4) for p in places}
    assert away <= {(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)}
    assert len(away) > 5


def test_networks_of_one_seed_are_the_same_whoever_trains_beside_them() -> None:
    blocks = tuple(Block(index, seed=50 + index, shared_seed=1) for index in range(2))
    both, alone = (train(CANCER, 0.0, those, shortened=20) for those in (blocks, blocks[1:]))
    assert both.history.test_loss[:, 1] == pytest.approx(alone.history.test_loss[:, 0], rel=1e-4)
