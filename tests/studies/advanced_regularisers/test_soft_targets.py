"""The targets that a loss hides."""

from __future__ import annotations

import math

import pytest
from torch.nn import functional

from studies.advanced_regularisers.soft_targets import (
    BATCHES,
    as_stated,
    by_hand,
    of_probabilities,
    own_option,
    targets_of,
)


def test_hard_labels_are_read_off_the_gradient() -> None:
    assert targets_of(functional.cross_entropy, 7) == pytest.approx([1, 0, 0, 1], abs=1e-12)


def test_the_definition_of_torch_is_read_off_the_gradient() -> None:
    """Of 0.1 each of four classes gets 0.025, the right one too."""
    found = targets_of(lambda z, y: own_option(z, y, 0.1), 4)
    assert found == pytest.approx([0.925, 0.025, 0.025, 1], abs=1e-12)


def test_what_is_stated_shares_a_tenth_among_the_others() -> None:
    assert as_stated(5) == pytest.approx([0.9, 0.025, 0.025, 1])


@pytest.mark.parametrize(("rows", "classes"), BATCHES)
def test_the_loss_by_hand_is_that_of_given_probabilities(rows: int, classes: int) -> None:
    assert math.isclose(by_hand(rows, classes), of_probabilities(rows, classes), rel_tol=1e-12)
