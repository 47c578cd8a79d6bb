"""Document D's listing 1, written anew: three penalties on one over-parameterised network.

Eighty points of a sine over one turn, with normal noise of 0.3; a perceptron of one input, two
hidden layers of 128 units and one output; 500 full-batch steps of Adam at 0.001 without decay. The
global stream gives the noise, then the weights of three networks, trained one after another:
without penalty, with 0.001 times the sum of squared weights, with 0.0001 times the sum of their
absolute values. Training draws nothing. Biases go free, and are not counted. The reported error is
that of the last step, before its update and without the penalty.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness.libraries import functional, nn, torch
from harness.workloads.replicas import Replicas

if TYPE_CHECKING:
    from torch import Tensor

SEED, EPOCHS, POINTS, NOISE, WIDTH = 42, 500, 80, 0.3, 128
RATE, NEAR_ZERO = 1e-3, 1e-3


class Penalty(NamedTuple):
    """A penalty on the weights: how strong, and what it does to each before they are summed."""

    strength: float
    of: Callable[[Tensor], Tensor]


#: In the order in which the listing trains with them.
PENALTIES = {
    "no penalty": None,
    "L2": Penalty(1e-3, lambda weight: weight**2),
    "L1": Penalty(1e-4, lambda weight: weight.abs()),
}


def listing(seed: int = SEED, epochs: int = EPOCHS) -> dict[str, float]:
    """Run the program once; what it reports, by name."""
    torch.manual_seed(seed)
    x, y = noisy_sine()
    found: dict[str, float] = {}
    for name, penalty in PENALTIES.items():
        net = overparameterised()
        error = train(net, x, y, penalty, epochs)
        found |= report(name, weights_of(net), error)
    return found


def noisy_sine() -> tuple[Tensor, Tensor]:
    """Inputs and noisy targets, both of shape (points, 1)."""
    x = torch.linspace(0, 2 * math.pi, POINTS).unsqueeze(1)
    return x, torch.sin(x) + torch.randn_like(x) * NOISE


def overparameterised() -> nn.Module:
    """A fresh network, its weights from the global stream."""
    return nn.Sequential(
        nn.Linear(1, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1)
    )


def weights_of(net: nn.Module) -> list[Tensor]:
    """The weights without the biases."""
    return [each.detach() for name, each in net.named_parameters() if "weight" in name]


def train(net: nn.Module, x: Tensor, y: Tensor, penalty: Penalty | None, epochs: int) -> float:
    """Train on all points at once; the last step's mean squared error, without the penalty."""
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE, weight_decay=0.0)
    error = math.nan
    for _ in range(epochs):
        net.train()
        optimiser.zero_grad()
        loss = functional.mse_loss(net(x), y)
        total = loss
        if penalty is not None:
            weights = [each for name, each in net.named_parameters() if "weight" in name]
            total = loss + penalty.strength * sum(penalty.of(each).sum() for each in weights)
        total.backward()
        optimiser.step()
        error = loss.item()
    return error


def report(name: str, weights: Sequence[Tensor], error: float) -> dict[str, float]:
    """What the listing prints of one network."""
    total = sum(weight.numel() for weight in weights)
    small = sum(int((weight.abs() < NEAR_ZERO).sum()) for weight in weights)
    return {
        "weights counted": total,
        f"{name}: near zero": small,
        f"{name}: near zero in %": round(100 * small / total, 1),
        f"{name}: final MSE": error,
    }


def at_seeds(seeds: Sequence[int], epochs: int = EPOCHS) -> list[dict[str, float]]:
    """The same with other seeds: each has the data and weights of its own run of the program.

    The networks of all seeds are trained side by side, which changes their rounding alone.
    """
    found: list[dict[str, float]] = [{} for _ in seeds]
    for name, trained in trained_at(seeds, epochs).items():
        for at, net in enumerate(trained.nets.unstack()):
            found[at] |= report(name, weights_of(net), trained.errors[at].item())
    return found


class Trained(NamedTuple):
    """What the program has at its end, for each seed: shapes (seeds, ...).

    Attributes:
        nets: the networks.
        errors: the last step's mean squared errors, before its update; shape (seeds,).
        x: inputs, shape (seeds, points, 1).
        y: noisy targets, shape (seeds, points, 1).
    """

    nets: Replicas
    errors: Tensor
    x: Tensor
    y: Tensor


def trained_at(
    seeds: Sequence[int], epochs: int = EPOCHS, names: Sequence[str] = tuple(PENALTIES)
) -> dict[str, Trained]:
    """The networks that the program would have trained with some seeds.

    Args:
        seeds: each has the data and weights of its own run of the program.
        epochs: full-batch steps.
        names: of the penalties to train with.
    """
    drawn = [_draws(seed) for seed in seeds]
    x, y = (torch.stack([each.data[side] for each in drawn]) for side in (0, 1))
    found = {}
    for place, (name, penalty) in enumerate(PENALTIES.items()):
        if name in names:
            nets = Replicas([each.nets[place] for each in drawn])
            errors = _train_together(nets, x, y, penalty, epochs)
            found[name] = Trained(nets, errors, x, y)
    return found


class _Drawn(NamedTuple):
    """What the program draws, in its order: data, then networks."""

    data: tuple[Tensor, Tensor]
    nets: list[nn.Module]


def _draws(seed: int) -> _Drawn:
    torch.manual_seed(seed)
    return _Drawn(noisy_sine(), [overparameterised() for _ in PENALTIES])


def _train_together(
    nets: Replicas, x: Tensor, y: Tensor, penalty: Penalty | None, epochs: int
) -> Tensor:
    optimiser = torch.optim.Adam(nets.parameters(), lr=RATE, fused=True)
    errors = torch.full((nets.count,), math.nan)
    for _ in range(epochs):
        optimiser.zero_grad()
        losses = nets.each(functional.mse_loss, nets(x), y)
        total = losses.sum()
        if penalty is not None:
            total = total + penalty.strength * sum(
                penalty.of(each).sum() for each in _stacked_weights(nets)
            )
        total.backward()
        optimiser.step()
        errors = losses.detach()
    return errors


def _stacked_weights(nets: Replicas) -> Iterator[Tensor]:
    """Weights have shape (replicas, out, in); biases have a dimension less."""
    return (each for each in nets.parameters() if each.ndim == 3)
