"""Draws by image, against what the binomial distribution allows."""

from __future__ import annotations

import math

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.arithmetic.drawn import ALIKE, measure
from studies.arithmetic.weights import CATS, DOGS


def test_images_of_one_weight_are_drawn_alike_within_five_standard_errors() -> None:
    torch.manual_seed(0)
    found = measure(Block(0, 1, 0, effort=40), Arm((("weights", ALIKE),)))["ratio"]
    draws = 40 * (DOGS + CATS)
    share = CATS / (DOGS + CATS)
    # Of the ratio's logarithm, by the delta method.
    error = math.sqrt(1 / (draws * share) + 1 / (draws * (1 - share)))
    assert float(str(found)) == pytest.approx(1.0, abs=5 * error)
