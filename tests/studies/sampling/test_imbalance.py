"""Draws, thresholds and recalls, against the normal law's own answers."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from harness.workloads.replicas import Replicas
from studies.sampling import imbalance
from studies.sampling.classes import PIXELS
from studies.sampling.imbalance import (
    BATCH,
    EXPERIMENT,
    LOSS,
    PLAIN,
    ROWS,
    THRESHOLD,
    WEIGHTED,
    drawn,
    ideal_recall,
    measure,
    recall_by_confusion,
    train,
)

BLOCKS = (Block(0, 11, 5, effort=1), Block(1, 12, 5, effort=1))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def arm(cure: str, best: float = 0.8, optimiser: str = "Adam", epochs: int = 10) -> Arm:
    levels = (("cure", cure), ("best", best), ("optimiser", optimiser), ("epochs", epochs))
    return Arm(levels)


def test_plain_draws_are_permutations_and_weighted_ones_are_balanced() -> None:
    plain = drawn(False, 3, 4)
    assert plain.shape == (4 * (ROWS // BATCH), BATCH)
    epoch = plain[: ROWS // BATCH].flatten()
    assert len(epoch.unique()) == len(epoch)
    weighted = drawn(True, 3, 40)
    share = (weighted >= 900).double().mean().item()
    assert share == pytest.approx(0.5, abs=4 * math.sqrt(0.25 / weighted.numel()))


class Ideal(nn.Module):
    """The exact log odds of patterns that are known, with the classes' shares as prior."""

    def __init__(self, seed: int, best: float, prior: float) -> None:
        super().__init__()
        direction = torch.randn(PIXELS, generator=torch.Generator().manual_seed(seed))
        half = NormalDist().inv_cdf(best) * direction / direction.norm()
        self.towards, self.prior = nn.Parameter(half), nn.Parameter(torch.tensor(prior))

    def forward(self, x: Tensor) -> Tensor:
        odds = 2 * x @ self.towards + self.prior
        return torch.stack([torch.zeros_like(odds), odds], dim=-1)


@pytest.mark.parametrize("cure", [PLAIN, THRESHOLD])
def test_the_best_classifier_has_the_recall_of_the_normal_law(
    cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = 0.8
    ideal = Replicas([Ideal(block.seed, best, math.log(1 / 9)) for block in BLOCKS])
    monkeypatch.setattr(imbalance, "train", lambda *_: ideal)
    apart = 2 * NormalDist().inv_cdf(best)
    shift = math.log(9) / apart if cure == PLAIN else 0.0
    for found in measure(BLOCKS, arm(cure, best)):
        rare, common = NormalDist().cdf(apart / 2 - shift), NormalDist().cdf(apart / 2 + shift)
        assert found["rare_recall"] == pytest.approx(rare, abs=0.06)
        assert found["common_recall"] == pytest.approx(common, abs=0.06)
        assert found["balanced"] == pytest.approx((rare + common) / 2, abs=0.05)


def test_a_weighted_loss_weighs_both_classes_alike() -> None:
    """Of images that say nothing, plain training learns the shares, a weighted one even odds."""
    x = torch.zeros(2, ROWS, PIXELS)
    y = torch.tensor([0] * 900 + [1] * 100).expand(2, -1)
    blocks = tuple(Block(place, 11 + place, 5, effort=10) for place in range(2))
    odds = {}
    for cure in (PLAIN, LOSS, WEIGHTED):
        outputs = train(blocks, x, y, arm(cure, optimiser="SGD"))(x[:, :1]).detach()
        odds[cure] = (outputs[..., 1] - outputs[..., 0]).mean().item()
    assert odds[PLAIN] == pytest.approx(-math.log(9), abs=0.6)
    assert odds[LOSS] == pytest.approx(0, abs=0.6)
    assert odds[WEIGHTED] == pytest.approx(0, abs=0.6)


def test_the_ideal_recall_is_that_of_the_exact_log_odds() -> None:
    """By simulation: log odds of two normal classes, the rare one with a prior of 1 in 10."""
    stream = np.random.default_rng(0)
    for best in (0.7, 0.9):
        apart = 2 * NormalDist().inv_cdf(best)
        rare = stream.normal(apart / 2, 1, 200_000)
        found = (apart * rare > math.log(9)).mean()
        assert ideal_recall(best) == pytest.approx(found, abs=0.005)


def test_the_figure_tells_recall_at_the_headline() -> None:
    rows = [
        {
            **each.as_dict(),
            "block": block,
            "response": "rare_recall",
            "value": 0.6 if each.as_dict()["cure"] == WEIGHTED else 0.1,
        }
        for each in EXPERIMENT.arms()
        for block in range(8)
    ]
    table = pd.DataFrame(rows)
    with slide_style():
        title = recall_by_confusion(table).get_suptitle()
        assert "recognises\n10 % (99 % interval" in title
        assert "weighted sampling 60 %" in title
        table.loc[table["best"] == 0.75, "value"] = np.nan
        assert "not measured" in recall_by_confusion(table).get_suptitle()
