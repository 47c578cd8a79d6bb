"""The training loop that small experiments share."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.workloads.datasets import load_split
from harness.workloads.training import fit_classifier


class Listening(nn.Module):
    """A linear classifier that remembers the batches it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 2)
        self.batches: list[list[int]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.batches.append([int(row) for row in x[:, 0]])
        return self.linear(x)  # type: ignore[no-any-return]  # nn.Module calls are untyped


def numbered(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.arange(rows, dtype=torch.float32)[:, None], torch.arange(rows) % 2


def batches(rows: int, seed: int, epochs: int = 2, batch_size: int = 4) -> list[list[int]]:
    model = Listening()
    x, y = numbered(rows)
    fit_classifier(model, x, y, seed=seed, epochs=epochs, batch_size=batch_size)
    return model.batches


def test_every_row_is_seen_once_an_epoch_in_an_order_of_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = batches(10, seed=3)
    torch.manual_seed(2)
    assert batches(10, seed=3) == first
    assert batches(10, seed=4) != first
    assert [len(batch) for batch in first] == [4, 4, 2] * 2
    epochs = [sum(first[:3], []), sum(first[3:], [])]  # noqa: RUF017 - three short lists
    assert [sorted(epoch) for epoch in epochs] == [list(range(10))] * 2
    assert epochs[0] != epochs[1]


def test_a_last_batch_of_a_single_row_is_left_out() -> None:
    """Batch norm refuses it in train mode."""
    assert [len(batch) for batch in batches(9, seed=0)] == [4, 4] * 2
    x, y = numbered(9)
    model = nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    fit_classifier(model, x, y, seed=0, epochs=1, batch_size=4)


def test_a_step_is_adam_on_the_cross_entropy_of_the_batch() -> None:
    x, y = numbered(6)
    model, by_hand = nn.Linear(1, 2), nn.Linear(1, 2)
    by_hand.load_state_dict(model.state_dict())
    fitted = fit_classifier(model, x, y, seed=0, epochs=3, batch_size=6, lr=0.1)
    assert fitted is model

    optimiser = torch.optim.Adam(by_hand.parameters(), lr=0.1)
    for _ in range(3):
        loss = -torch.log_softmax(by_hand(x), dim=1)[torch.arange(6), y].mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    for one, other in zip(model.parameters(), by_hand.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("mode", [True, False])
def test_the_mode_of_the_model_is_left_to_the_caller(mode: bool) -> None:
    x, y = numbered(8)
    model = nn.Linear(1, 2).train(mode)
    assert fit_classifier(model, x, y, seed=0, epochs=1).training is mode


def test_a_small_network_learns_wine() -> None:
    torch.manual_seed(0)
    split = load_split("wine", 0)
    model = nn.Sequential(nn.Linear(13, 16), nn.ReLU(), nn.Linear(16, 3))
    fit_classifier(model, split.train_x, split.train_y, seed=0)
    accuracy = (model(split.val_x).argmax(1) == split.val_y).float().mean()
    assert accuracy > 0.9
