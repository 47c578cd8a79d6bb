"""Networks that train at once do what each does alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.errors import HarnessError
from harness.workloads.direct import direct_layers
from harness.workloads.layers import DropConnect, Residual, StochasticDepth
from harness.workloads.replicas import Replicas

COUNT, ROWS, STEPS = 3, 12, 5
OPTIMISERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
}


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))


def plain_perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))


def conv_net() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 2, 3)),
        nn.Conv2d(1, 4, 2),
        nn.BatchNorm2d(4),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(8, 4),
    )


def networks(build: Callable[[], nn.Module]) -> list[nn.Module]:
    torch.manual_seed(1)
    return [build().double() for _ in range(COUNT)]


def copies(nets: list[nn.Module], build: Callable[[], nn.Module]) -> list[nn.Module]:
    twins = [build().double() for _ in nets]
    for net, twin in zip(nets, twins, strict=True):
        twin.load_state_dict(net.state_dict())
    return twins


def rows() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(COUNT, ROWS, 6, dtype=torch.float64), torch.randint(4, (COUNT, ROWS))


def every_direct_layer() -> nn.Module:
    return nn.Sequential(
        nn.Linear(6, 18),
        nn.Unflatten(1, (2, 3, 3)),
        nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.GELU()),
        nn.MaxPool2d(2, stride=1),
        nn.Conv2d(4, 3, 1),
        nn.BatchNorm2d(3),
        nn.AvgPool2d(2, stride=1, padding=1),
        nn.Flatten(),
        nn.BatchNorm1d(27),
        nn.Linear(27, 4),
    )


@pytest.mark.parametrize(
    "build",
    [perceptron, plain_perceptron, conv_net, every_direct_layer, partial(nn.Linear, 6, 4)],
)
@pytest.mark.parametrize("name", OPTIMISERS)
def test_each_replica_trains_as_it_would_alone(build: Callable[[], nn.Module], name: str) -> None:
    nets = networks(build)
    alone, (x, y) = copies(nets, build), rows()
    together = Replicas(nets)
    optimiser = OPTIMISERS[name](together.parameters())
    for _ in range(STEPS):
        optimiser.zero_grad()
        together.each(functional.cross_entropy, together(x), y).sum().backward()
        optimiser.step()
    for place, net in enumerate(alone):
        optimiser = OPTIMISERS[name](net.parameters())
        for _ in range(STEPS):
            optimiser.zero_grad()
            functional.cross_entropy(net(x[place]), y[place]).backward()
            optimiser.step()
    for one, other in zip(alone, together.unstack(), strict=True):
        for key, value in one.state_dict().items():
            torch.testing.assert_close(other.state_dict()[key], value, rtol=1e-6, atol=1e-9)


def test_a_loss_is_that_of_each_replica() -> None:
    nets = networks(perceptron)
    alone, (x, y) = copies(nets, perceptron), rows()
    together = Replicas(nets).eval()
    losses = together.each(functional.cross_entropy, together(x), y)
    expected = [
        functional.cross_entropy(n.eval()(a), b) for n, a, b in zip(alone, x, y, strict=True)
    ]
    torch.testing.assert_close(losses, torch.stack(expected))


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (functional.cross_entropy, torch.randint(4, (COUNT, ROWS))),
        (functional.mse_loss, torch.randn(COUNT, ROWS, 4)),
        (functional.binary_cross_entropy_with_logits, torch.rand(COUNT, ROWS, 4)),
    ],
)
def test_losses_and_their_gradients_are_those_of_vmap(
    loss: Callable[..., torch.Tensor], targets: torch.Tensor
) -> None:
    outputs = torch.randn(COUNT, ROWS, 4, requires_grad=True)

    directly = Replicas(networks(perceptron)).each(loss, outputs, targets)
    searched = torch.vmap(loss)(outputs, targets)
    torch.testing.assert_close(directly, searched)
    gradients = [torch.autograd.grad(each.sum(), outputs) for each in (directly, searched)]
    torch.testing.assert_close(*gradients)


def test_layers_done_directly_give_the_very_bits_of_vmap(monkeypatch: pytest.MonkeyPatch) -> None:
    together, (x, y) = Replicas(networks(plain_perceptron)), rows()

    def pass_and_gradients() -> list[torch.Tensor]:
        for parameter in together.parameters():
            parameter.grad = None
        outputs = together(x)
        together.each(functional.cross_entropy, outputs, y).sum().backward()
        return [outputs, *(p.grad for p in together.parameters() if p.grad is not None)]

    directly = pass_and_gradients()
    monkeypatch.setattr(together, "_layers", [])
    assert all(map(torch.equal, directly, pass_and_gradients()))


def residual_convolutions() -> nn.Module:
    # A branch that is always kept, and one that never is: nothing is left to chance.
    convolutions = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2))
    return nn.Sequential(
        nn.Unflatten(1, (2, 3, 1)),
        Residual(convolutions, StochasticDepth(1.0)),
        Residual(nn.ReLU(), StochasticDepth(0.0, rescale=False)),
        nn.Flatten(),
    )


def residual_layers() -> nn.Module:
    branch = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.ReLU())
    return nn.Sequential(Residual(branch), Residual(nn.Linear(6, 6), StochasticDepth(1.0)))


@pytest.mark.parametrize("build", [every_direct_layer, residual_convolutions, residual_layers])
@pytest.mark.parametrize("training", [True, False])
def test_layers_done_directly_agree_with_vmap(
    monkeypatch: pytest.MonkeyPatch, build: Callable[[], nn.Module], *, training: bool
) -> None:
    assert direct_layers(build())
    x, _ = rows()
    outputs = []
    for directly in (True, False):
        if not directly:
            monkeypatch.setattr("harness.workloads.replicas.direct_layers", lambda _: [])
        together = Replicas(networks(build)).train(training)
        outputs.append([together(x), together(x), *dict(together.named_buffers()).values()])
    for direct, searched in zip(*outputs, strict=True):
        torch.testing.assert_close(direct, searched)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 4, 3, groups=2),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
        nn.BatchNorm1d(4, track_running_stats=False),
        nn.BatchNorm1d(4, momentum=None),
        nn.Linear(4, 4, bias=False),
        DropConnect(4, 4, 0.5),
        nn.LayerNorm(4),
        Residual(nn.LayerNorm(4)),
        nn.Flatten(0),
    ],
    ids=str,
)
def test_layers_of_another_kind_are_left_to_vmap(layer: nn.Module) -> None:
    assert direct_layers(nn.Sequential(nn.Linear(4, 4), layer)) == []


def test_norms_are_those_of_each_replica() -> None:
    nets = networks(perceptron)
    alone, (x, y) = copies(nets, perceptron), rows()
    together = Replicas(nets)
    assert together.gradient_norms().tolist() == [0] * COUNT
    together.each(functional.cross_entropy, together(x), y).sum().backward()
    for place, net in enumerate(alone):
        functional.cross_entropy(net(x[place]), y[place]).backward()
        gradients = torch.nn.utils.parameters_to_vector(
            p.grad for p in net.parameters() if p.grad is not None
        )
        weights = torch.nn.utils.parameters_to_vector(net.parameters()).detach()
        assert float(together.gradient_norms()[place]) == pytest.approx(float(gradients.norm()))
        assert float(together.parameter_norms()[place]) == pytest.approx(float(weights.norm()))


def test_dropout_draws_for_each_replica_and_is_off_in_eval_mode() -> None:
    together = Replicas([nn.Sequential(nn.Dropout(0.5)) for _ in range(COUNT)])
    ones = torch.ones(COUNT, 1000)
    masks = together.train()(ones)
    assert together.training
    assert not torch.equal(masks[0], masks[1])
    assert torch.equal(together.eval()(ones), ones)


def test_layers_of_one_kind_can_be_in_train_mode_alone() -> None:
    nets = [nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(6)) for _ in range(COUNT)]
    together = Replicas(nets).train_only(nn.Dropout)
    buffers = {name: buffer.clone() for name, buffer in together.named_buffers()}
    x = torch.ones(COUNT, ROWS, 6)
    assert not torch.equal(together(x), together(x))
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in together.named_buffers())
    assert torch.equal(together.eval()(x), together(x))


@pytest.mark.parametrize("shape", [(300, 4), (300, 4, 2, 2)])
@pytest.mark.parametrize("folded", [True, False])
def test_stochastic_depth_draws_for_each_row_of_each_replica(
    shape: tuple[int, ...], *, folded: bool
) -> None:
    # Batch norm and pooling of a single place fold the replicas into the channels, and change
    # nothing in eval mode.
    fold = {2: nn.BatchNorm1d(4), 4: nn.AvgPool2d(1)}[len(shape)] if folded else nn.Identity()
    together = Replicas([nn.Sequential(Residual(fold, StochasticDepth(0.8)))] * COUNT)
    fold.eval()
    rows = together(torch.ones(COUNT, *shape)).flatten(2)
    torch.testing.assert_close(rows.amin(dim=2), rows.amax(dim=2))
    kept = rows[..., 0] > 1.5
    assert kept.float().mean(dim=1).tolist() == pytest.approx([0.8] * COUNT, abs=0.08)
    assert not torch.equal(kept[0], kept[1])
    assert rows[..., 0][kept].tolist() == pytest.approx([2.25] * int(kept.sum()), abs=1e-4)


def test_frozen_parameters_stay_frozen() -> None:
    nets = networks(perceptron)
    for net in nets:
        next(net.parameters()).requires_grad = False
    together = Replicas(nets)
    x, y = rows()
    together.each(functional.cross_entropy, together(x), y).sum().backward()
    grads = {name: p.grad for name, p in together.named_parameters()}
    assert grads.pop("0.weight") is None
    assert all(grad is not None for grad in grads.values())


@pytest.mark.parametrize(
    ("nets", "message"),
    [([], "need a network"), ([nn.Linear(2, 3), nn.Linear(3, 2)], "of the same shapes")],
)
def test_what_cannot_be_stacked_is_refused(nets: list[nn.Module], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        Replicas(nets)
