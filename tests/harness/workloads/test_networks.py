"""The shared networks: shapes, layers, and equal starts whatever is switched on."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.workloads.networks import convnet, encoder, mlp, perceptron, small_cnn, tower


@pytest.mark.parametrize("options", [{}, {"dropout": 0.5}, {"dropout": 0.1, "batch_norm": True}])
def test_logits_have_one_column_a_class(options: dict[str, float]) -> None:
    assert mlp(7, 3, **options)(torch.ones(5, 7)).shape == (5, 3)  # type: ignore[arg-type]
    assert small_cnn(10, **options)(torch.ones(5, 64)).shape == (5, 10)  # type: ignore[arg-type]


def test_only_the_layers_asked_for_are_built() -> None:
    def kinds(model: nn.Module) -> set[type[nn.Module]]:
        return {type(layer) for layer in model}  # type: ignore[attr-defined]

    plain = {nn.Linear, nn.ReLU}
    assert kinds(mlp(7, 3)) == plain
    assert kinds(mlp(7, 3, dropout=0.0)) == plain | {nn.Dropout}
    assert kinds(mlp(7, 3, batch_norm=True)) == plain | {nn.BatchNorm1d}
    assert kinds(mlp(7, 3, layer_norm=True)) == plain | {nn.LayerNorm}
    assert nn.BatchNorm2d in kinds(small_cnn(10, batch_norm=True))


def test_dropout_and_norms_change_no_initial_weight() -> None:
    def weights(model: nn.Module) -> list[torch.Tensor]:
        linear = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
        return [layer.weight for layer in linear]

    torch.manual_seed(0)
    plain = weights(mlp(7, 3))
    torch.manual_seed(0)
    full = weights(mlp(7, 3, dropout=0.5, batch_norm=True, layer_norm=True))
    assert all(torch.equal(a, b) for a, b in zip(plain, full, strict=True))


def test_a_tower_has_a_square_matrix_and_a_bias_a_layer() -> None:
    model = tower(3, 5)
    assert model(torch.ones(2, 5)).shape == (2, 5)
    assert sum(p.numel() for p in model.parameters()) == 3 * (5 * 5 + 5)


def test_an_encoder_has_twelve_squared_widths_of_weights_a_layer() -> None:
    model = encoder(2, 16, heads=2)
    assert model(torch.ones(3, 7, 16)).shape == (3, 7, 16)
    matrices = sum(p.numel() for p in model.parameters() if p.ndim == 2)
    assert matrices == 2 * 12 * 16**2


def test_a_convnet_takes_images_of_any_size() -> None:
    model = convnet((4, 8), 10)
    assert model(torch.ones(2, 3, 16, 16)).shape == (2, 10)
    assert model(torch.ones(2, 3, 20, 12)).shape == (2, 10)


def test_a_perceptron_puts_behind_each_hidden_layer_what_its_place_and_width_ask_for() -> None:
    net = perceptron(5, 2, (4, 3), lambda place, width: [nn.LayerNorm(width)] * (1 + place))
    shapes = [type(layer).__name__ for layer in net]
    assert shapes == ["Linear", "LayerNorm", "Linear", "LayerNorm", "LayerNorm", "Linear"]
    assert [layer.weight.shape for layer in net if isinstance(layer, nn.Linear)] == [
        (4, 5),
        (3, 4),
        (2, 3),
    ]
    assert isinstance(net[3], nn.LayerNorm)
    assert net[3].normalized_shape == (3,)


def test_a_perceptron_without_hidden_layers_is_linear() -> None:
    (layer,) = perceptron(5, 2, (), lambda *_: [])
    assert isinstance(layer, nn.Linear)
    assert layer.weight.shape == (2, 5)
