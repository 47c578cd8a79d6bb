"""Repeated validation by kind of network, against calculations on the whole set."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from studies.eval_variance.repeats import NET, Trained, measure, prepare, validate

BLOCK = Block(index=0, seed=7, shared_seed=0, effort=1)


@pytest.fixture(scope="module")
def cell() -> Trained:
    torch.set_num_threads(1)
    return prepare(BLOCK)


def arm(net: str, order: str, mode: str) -> Arm:
    return Arm((("net", net), ("order_of_rows", order), ("mode", mode)))


def test_numbers_from_batches_are_those_of_the_whole_set(cell: Trained) -> None:
    model, split = cell.networks["plain"], cell.split
    with torch.no_grad():
        logits = model(split.val_x)
    right, loss = validate(model, split, torch.randperm(len(split.val_y)))
    assert right == int((logits.argmax(1) == split.val_y).sum())
    assert loss == pytest.approx(float(nn.functional.cross_entropy(logits, split.val_y)), rel=1e-5)


def test_kinds_hold_the_layers_they_are_named_after(cell: Trained) -> None:
    for kind in NET.levels:
        layers = [type(module) for module in cell.networks[kind].modules()]
        assert (nn.Dropout in layers) == ("dropout" in kind)
        assert (nn.BatchNorm1d in layers) == ("batch norm" in kind)


def test_rows_are_shuffled_anew_for_each_pass_only_where_that_is_asked(cell: Trained) -> None:
    class FirstOfBatch(nn.Module):
        """Its loss depends on which row comes first in a batch."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :10] + x[:1, :10]

    planted = Trained(cell.split, {"plain": FirstOfBatch()}, cell.passes, cell.seed)
    fixed, shuffled = (
        measure(planted, arm("plain", order, "eval"))["unequal_losses"]
        for order in ("fixed", "shuffled")
    )
    assert fixed == 0
    assert shuffled == pytest.approx(1, abs=0.05)


def test_batch_norm_in_train_mode_uses_the_statistics_of_each_batch(cell: Trained) -> None:
    """The same numbers come from a copy whose norms never kept running statistics."""
    model = cell.networks["batch norm"]
    bare = nn.Sequential(
        *(
            nn.BatchNorm1d(layer.num_features, track_running_stats=False)
            if isinstance(layer, nn.BatchNorm1d)
            else layer
            for layer in model.children()
        )
    )
    bare.load_state_dict(model.state_dict(), strict=False)
    order = torch.arange(len(cell.split.val_y))
    right, _ = validate(bare.eval(), cell.split, order)
    found = measure(cell, arm("batch norm", "fixed", "train"))
    assert found["accuracy"] == [right / len(order)] * cell.passes


def test_no_arm_changes_what_another_one_sees(cell: Trained) -> None:
    before = {
        (kind, name): tensor.clone()
        for kind, model in cell.networks.items()
        for name, tensor in model.state_dict().items()
    }
    for kind in NET.levels:
        for order in ("fixed", "shuffled"):
            measure(cell, arm(kind, order, "train"))
    for (kind, name), tensor in before.items():
        assert torch.equal(cell.networks[kind].state_dict()[name], tensor)
