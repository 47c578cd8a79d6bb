"""What a file holds, and what counts as changed."""

from __future__ import annotations

import torch
from torch import nn

from studies.load_loss.files import (
    changed_tensors,
    file_of,
    loaded_into,
    module_in,
    state_in,
    train_share,
)


def test_equal_states_differ_in_no_tensor() -> None:
    state = {"w": torch.tensor([1.0, -0.5]), "n": torch.tensor(3)}
    assert changed_tensors(state, {name: x.clone() for name, x in state.items()}) == 0


def test_another_value_type_shape_or_a_missing_name_is_a_change() -> None:
    state = {name: torch.ones(2) for name in "abcd"}
    other = {
        "a": torch.tensor([1.0, 1 + 1e-7]),
        "b": torch.ones(2, dtype=torch.float64),
        "c": torch.ones(1, 2),
        "e": torch.ones(2),
    }
    assert changed_tensors(state, other) == 5


def test_a_network_comes_back_from_a_file_with_its_own_weights() -> None:
    net, fresh = nn.Linear(3, 2), nn.Linear(3, 2)
    assert changed_tensors(net.state_dict(), fresh.state_dict()) == 2
    assert changed_tensors(net.state_dict(), loaded_into(fresh, net).state_dict()) == 0
    assert changed_tensors(net.state_dict(), state_in(file_of(net.state_dict()))) == 0
    assert changed_tensors(net.state_dict(), module_in(file_of(net)).state_dict()) == 0


def test_the_share_in_train_mode_counts_every_module() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.ReLU())
    assert train_share(net) == 1
    net[1].eval()
    assert train_share(net) == 0.75
    assert train_share(net.eval()) == 0
