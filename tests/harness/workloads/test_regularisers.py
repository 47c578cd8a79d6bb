"""Regularisers: masks that keep the mean, penalties as in a loop, images changed as they say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.workloads import regularisers
from harness.workloads.fitting import Change, Recipe, fit
from harness.workloads.layers import DropConnect, Residual, StochasticDepth
from harness.workloads.regularisers import (
    cutout,
    digits_cnn,
    l1,
    l2,
    mixup,
    proximal_l1,
    residual_cnn,
    residual_mlp,
    shifts,
)
from harness.workloads.replicas import Replicas
from harness.workloads.samples import draw_sample


def test_drop_connect_drops_weights_one_by_one_and_keeps_their_mean() -> None:
    torch.manual_seed(1)
    layer = DropConnect(200, 100, 0.3)
    ones = torch.eye(200)
    seen = layer(ones) - layer.bias
    kept = seen != 0
    assert float(kept.float().mean()) == pytest.approx(0.7, abs=0.01)
    assert float(kept.float().mean(dim=0).std()) < 0.05
    torch.testing.assert_close(seen[kept], (layer.weight.T / 0.7)[kept])
    assert not torch.equal(layer(ones), layer(ones))


@pytest.mark.parametrize("rescale", [True, False])
def test_drop_connect_in_eval_mode_is_the_mean_of_train_mode(rescale: bool) -> None:
    torch.manual_seed(2)
    layer = DropConnect(20, 3, 0.4, rescale=rescale)
    x = torch.randn(5, 20)
    mean = torch.stack([layer(x) for _ in range(4000)]).mean(dim=0)
    torch.testing.assert_close(mean, layer.eval()(x), atol=0.03, rtol=0)
    plain = functional.linear(x, layer.weight * (1 if rescale else 0.6), layer.bias)
    assert torch.allclose(layer(x), plain)


@pytest.mark.parametrize("shape", [(4000, 3), (4000, 2, 3, 3)])
@pytest.mark.parametrize("rescale", [True, False])
def test_stochastic_depth_keeps_rows_whole(shape: tuple[int, ...], rescale: bool) -> None:
    torch.manual_seed(3)
    layer, x = StochasticDepth(0.8, rescale=rescale), torch.ones(shape)
    rows = layer(x).flatten(1)
    assert torch.equal(rows.amin(dim=1), rows.amax(dim=1))
    assert set(rows[:, 0].tolist()) == {0.0, 1.25 if rescale else 1.0}
    assert float((rows[:, 0] > 0).float().mean()) == pytest.approx(0.8, abs=0.03)
    expected = 1.0 if rescale else 0.8
    assert float(layer.eval()(x).mean()) == pytest.approx(expected)


def test_a_residual_block_whose_branch_is_dropped_passes_its_input() -> None:
    block = Residual(nn.Linear(4, 4), StochasticDepth(0.0, rescale=False))
    x = torch.randn(3, 4)
    assert torch.equal(block(x), x.relu())
    assert not torch.equal(Residual(nn.Linear(4, 4))(x), x.relu())


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "residual perceptron": lambda: residual_mlp(64, 10, survival=0.8, dropout=0.2, blocks=2),
    "residual convolutions": lambda: residual_cnn(10, survival=0.8, blocks=2, channels=4),
    "convolutions": lambda: digits_cnn(10, channels=(2, 3), conv_dropout=0.2, head_dropout=0.5),
    "spatial": lambda: digits_cnn(
        10, channels=(2, 3), conv_dropout=0.2, spatial=True, batch_norm=True
    ),
    "drop connect": lambda: nn.Sequential(
        DropConnect(64, 16, 0.5), nn.ReLU(), DropConnect(16, 10, 0.5)
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_replicas_of_a_network_have_masks_of_their_own_and_agree_in_eval_mode(name: str) -> None:
    torch.manual_seed(4)
    net = NETWORKS[name]()
    x = torch.randn(1, 12, 64).expand(3, -1, -1)
    together = Replicas([net] * 3)
    out = together(x)
    assert not torch.allclose(out[0], out[1])
    assert not torch.allclose(out[1], out[2])
    expected = net.eval()(x[0])
    for each in together.eval()(x):
        # The pass in train mode has moved the running statistics of batch norm.
        assert torch.allclose(each, expected, atol=1e-5) or "Norm" in str(net)


def test_layers_are_loaded_when_they_are_first_asked_for() -> None:
    assert regularisers.DropConnect is DropConnect
    with pytest.raises(AttributeError, match="Dropout"):
        _ = regularisers.Dropout
    program = "import sys, harness.workloads.{}; print('torch' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", program.format("regularisers")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "False\n"


def test_rates_of_zero_build_plain_networks_from_the_same_weights() -> None:
    nets = []
    for rate in (0.0, 0.3):
        torch.manual_seed(5)
        nets.append(digits_cnn(10, conv_dropout=rate, head_dropout=rate))
    assert [str(net).count("Dropout") for net in nets] == [0, 3]
    assert all(map(torch.equal, nets[0].parameters(), nets[1].parameters()))


def test_survival_of_one_builds_no_stochastic_depth() -> None:
    assert "StochasticDepth" not in str(residual_mlp(4, 2))
    assert str(residual_cnn(2, survival=0.9)).count("StochasticDepth") == 4
    assert "BatchNorm" not in str(residual_cnn(2, batch_norm=False))


def test_penalties_are_those_of_a_loop_over_networks() -> None:
    torch.manual_seed(6)
    nets = [nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)) for _ in range(3)]
    together = Replicas(nets)
    for biases in (False, True):
        chosen = [[p for n, p in net.named_parameters() if biases or "weight" in n] for net in nets]
        sizes = [sum(float(p.detach().abs().sum()) for p in each) for each in chosen]
        squares = [sum(float((p.detach() ** 2).sum()) for p in each) for each in chosen]
        assert l1(together, 0.1, biases=biases).tolist() == pytest.approx([0.1 * s for s in sizes])
        assert l2(together, 0.1, biases=biases).tolist() == pytest.approx(
            [0.1 * s for s in squares]
        )


def test_a_proximal_step_is_the_nearest_point_of_its_penalty() -> None:
    torch.manual_seed(7)
    together = Replicas([nn.Linear(5, 5) for _ in range(2)])
    before = {n: p.detach().clone() for n, p in together.named_parameters()}
    proximal_l1(together, 0.2)
    grid = torch.linspace(-1, 1, 20_001)
    for name, parameter in together.named_parameters():
        if name == "bias":
            assert torch.equal(parameter, before[name])
            continue
        for old, new in zip(before[name].flatten()[:10], parameter.flatten()[:10], strict=True):
            nearest = grid[(0.5 * (grid - old) ** 2 + 0.2 * grid.abs()).argmin()]
            assert float(new.detach()) == pytest.approx(float(nearest), abs=2e-4)


def images(rows: int = 50) -> tuple[torch.Tensor, torch.Tensor]:
    sample = draw_sample("digits", (1, 2), train=rows, held_out=10)
    return sample.train.x, sample.train.y


def test_mixup_trains_on_weighted_means_of_rows_and_classes() -> None:
    x, y = images()
    mixed, p = mixup(1.0)(x, y, torch.Generator().manual_seed(1))
    assert mixed.shape == x.shape
    torch.testing.assert_close(p.sum(dim=2), torch.ones(2, 50))
    torch.testing.assert_close(mixed.mean(dim=1), x.mean(dim=1))  # partners are a permutation
    hot = functional.one_hot(y, 10).float()
    torch.testing.assert_close(p.mean(dim=1), hot.mean(dim=1))
    for replica in range(2):
        partners = [row for row in range(50) if p[replica, row].max() < 0.9999]
        weight = {round(float(p[replica, row, y[replica, row]]), 4) for row in partners}
        assert len(weight) == 1  # one weight a replica


@pytest.mark.parametrize(("alpha", "variance"), [(0.2, 1 / 5.6), (1.0, 1 / 12)])
def test_weights_of_mixup_have_the_variance_of_their_distribution(
    alpha: float, variance: float
) -> None:
    x = torch.arange(2.0).expand(3000, 2)[..., None]
    y = torch.arange(2).expand(3000, 2)
    mixed, _ = mixup(alpha, classes=2)(x, y, torch.Generator().manual_seed(2))
    swapped = mixed[(mixed[:, 0, 0] > 0)][:, 0, 0]  # one less the weight, of rows with a partner
    assert float(swapped.mean()) == pytest.approx(0.5, abs=0.05)
    assert float(swapped.var()) == pytest.approx(variance, rel=0.1)


def test_cutout_masks_one_square_of_each_image() -> None:
    x = torch.ones(2, 400, 64)
    cut, _ = cutout(3)(x, torch.zeros(2, 400), torch.Generator().manual_seed(3))
    masked = (cut == 0).view(-1, 8, 8)
    sizes = set()
    for image in masked:
        down, across = image.any(dim=1), image.any(dim=0)
        assert torch.equal(image, down[:, None] & across)
        sizes.add((int(down.sum()), int(across.sum())))
    assert sizes == {(2, 2), (2, 3), (3, 2), (3, 3)}
    assert float(masked.float().sum() / 800) == pytest.approx((22 / 8) ** 2, rel=0.05)


def test_shifts_move_images_and_lose_what_leaves_them() -> None:
    x, y = images(200)
    moved, same = shifts(1)(x, y, torch.Generator().manual_seed(4))
    assert torch.equal(y, same)
    seen = set()
    for before, after in zip(x.view(-1, 8, 8).numpy(), moved.view(-1, 8, 8).numpy(), strict=True):
        found = [
            (down, across)
            for down in (-1, 0, 1)
            for across in (-1, 0, 1)
            if np.array_equal(after, by_hand(before, down, across))
        ]
        assert found
        seen.update(found[:1])
    assert len(seen) == 9


def by_hand(image: np.ndarray, down: int, across: int) -> np.ndarray:
    out = np.full((8, 8), -2.0)
    for row in range(8):
        for column in range(8):
            if 0 <= row + down < 8 and 0 <= column + across < 8:
                out[row + down, column + across] = image[row, column]
    return out


@pytest.mark.parametrize("change", [mixup(0.4), cutout(3), shifts(2)])
def test_a_fit_can_train_on_changed_images(change: Change) -> None:
    sample = draw_sample("digits", (1, 2), train=100, held_out=50)
    make = partial(digits_cnn, 10, channels=(2, 2))
    history = fit(make, sample, Recipe(5, 20, lr=0.01, change=change))
    assert (history.last("train_loss") < np.log(10)).all()
    again = fit(make, sample, Recipe(5, 20, lr=0.01, change=change))
    assert np.array_equal(history.train_loss, again.train_loss)
