"""Document B's listings in their printed shape, and files cut short."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from studies.listings.endings import ending
from studies.listings.first_listing import ENTRIES, LINES, listing, loaded_entries, network
from studies.listings.first_listing import through_a_file as saved_and_loaded
from studies.listings.hub_model import TOKENS, drawn
from studies.listings.hub_model import listing as hub_listing


def test_the_network_is_in_the_printed_order_and_shape() -> None:
    dropout, norm, linear = network().children()
    assert isinstance(dropout, nn.Dropout)
    assert isinstance(norm, nn.BatchNorm1d)
    assert isinstance(linear, nn.Linear)
    assert (dropout.p, norm.num_features) == (0.5, 1)
    assert (linear.in_features, linear.out_features) == (10, 1)
    assert isinstance(list(network(norm_first=False).children())[2], nn.BatchNorm1d)


def test_a_network_that_can_be_trained_prints_every_loss() -> None:
    losses = listing(width=10, rows=8)
    assert len(losses) == LINES == 11
    assert all(loss >= 0 for loss in losses)


def test_what_is_saved_comes_back_and_half_of_a_file_does_not() -> None:
    tensor = torch.randn(3)
    assert torch.equal(saved_and_loaded({"x": tensor})["x"], tensor)
    assert len(loaded_entries()) == ENTRIES
    assert not ending(lambda: loaded_entries(keep=0.5))().startswith("runs")


def test_labels_stand_in_a_column() -> None:
    assert drawn(1).shape == (1, 1)
    assert drawn(3).shape == (3, 1)
    assert TOKENS == 512


@pytest.mark.slow
def test_two_labels_for_one_text_are_refused() -> None:
    assert not ending(lambda: hub_listing(labels=2))().startswith("runs")
