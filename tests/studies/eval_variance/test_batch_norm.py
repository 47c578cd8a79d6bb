"""Batch norm by hand, checked with numbers one can work out on paper."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.design.factors import Arm, Block
from studies.eval_variance.batch_norm import (
    LAYER,
    SHAPES,
    Cell,
    measure,
    normalised_by_batch,
    normalised_by_running,
    prepare,
)


def cell() -> Cell:
    torch.manual_seed(1)
    return prepare(Block(0, 1, 2))


def arm(mode: str, layer: str = "BatchNorm2d") -> Arm:
    return Arm((("mode", mode), ("layer", layer)))


def test_both_hand_calculations_agree_with_paper() -> None:
    layer = nn.BatchNorm1d(1)
    with torch.no_grad():
        layer.weight.fill_(2.0)
        layer.bias.fill_(1.0)
    assert isinstance(layer.running_mean, Tensor)
    layer.running_mean.fill_(1.0)
    x = torch.tensor([[1.0], [5.0]])  # mean 3, variance 4; the running ones are 1 and 1
    batch, running = 1 / (4 + 1e-5) ** 0.5, 1 / (1 + 1e-5) ** 0.5
    assert normalised_by_batch(layer, x).flatten().tolist() == pytest.approx(
        [1 - 4 * batch, 1 + 4 * batch], rel=1e-12
    )
    assert normalised_by_running(layer, x).flatten().tolist() == pytest.approx(
        [1.0, 1 + 8 * running], rel=1e-12
    )


def test_the_layers_have_learnt_statistics_of_their_own() -> None:
    for layer in cell().layers.values():
        for name, value in layer.state_dict().items():
            fresh = 1.0 if name in {"weight", "running_var"} else 0.0
            assert not torch.allclose(value, torch.full_like(value, fresh)), name


@pytest.mark.parametrize("layer", LAYER.levels)
def test_measuring_in_train_mode_does_not_move_the_shared_layer(layer: str) -> None:
    shared = cell()
    before = measure(shared, arm("eval", layer))
    measure(shared, arm("train", layer))
    assert measure(shared, arm("eval", layer)) == before


def test_a_layer_that_ignores_its_running_statistics_would_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stubborn(self: nn.BatchNorm2d, x: Tensor) -> Tensor:
        return functional.batch_norm(x, None, None, self.weight, self.bias, training=True)

    shared = cell()
    monkeypatch.setattr(nn.BatchNorm2d, "forward", stubborn)
    found = measure(shared, arm("eval"))
    assert isinstance(found["gap_to_running"], float)
    assert found["gap_to_running"] > 0.01
    assert isinstance(found["gap_to_batch"], float)
    assert found["gap_to_batch"] < 1e-6


def test_the_shapes_have_the_channels_second() -> None:
    assert {shape[1] for shape in SHAPES.values()} == {8}
