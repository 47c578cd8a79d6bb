"""Does batch norm use its running statistics in eval mode?

A batch norm layer is trained for some steps, so that its scale, shift and running statistics are no
longer those of a new layer, and then meets a batch with another mean and spread. Its output is
compared with two hand calculations in float64: one with the layer's running mean and variance, one
with the mean and variance of the batch itself. In eval mode the first must agree and in train mode
the second; that neither agrees in the other mode shows that the two can be told apart.

Gaps are relative to the largest output, since float32 rounds relative to the size of a number.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
    more_than,
)
from harness.libraries import nn, torch

if TYPE_CHECKING:
    from torch import Tensor

CHANNELS, STEPS, TOLERANCE = 8, 10, 1e-6
#: Rows, channels and what else the layer takes.
SHAPES = {
    "BatchNorm1d": (16, CHANNELS),
    "BatchNorm2d": (16, CHANNELS, 4, 4),
    "BatchNorm3d": (16, CHANNELS, 2, 3, 4),
}

MODE = Factor(
    "mode", ("eval", "train"), control="eval", words={"eval": "eval mode", "train": "train mode"}
)
LAYER = Factor("layer", tuple(SHAPES))

CLAIMS = (
    Claim(
        "C4.05",
        Value("gap_to_running").at(mode="eval").always(),
        equals(0.0, within=TOLERANCE),
        reading="The output in eval mode is that of the hand calculation with the running mean and "
        "variance, to 1e-6 of the largest output.",
        headline={"layer": "BatchNorm2d"},
    ),
    Claim(
        "C4.05",
        Value("gap_to_batch").at(mode="eval").always(),
        more_than(0.01),
        reading="The output in eval mode is not that of the hand calculation with the batch's "
        "statistics: it is off by more than 1 % of the largest output.",
    ),
    Control(
        "train mode uses the statistics of the batch",
        Value("gap_to_batch").at(mode="train").always(),
        equals(0.0, within=TOLERANCE),
    ),
    Control(
        "train mode does not use the running statistics",
        Value("gap_to_running").at(mode="train").always(),
        more_than(0.01),
    ),
)


class Cell(NamedTuple):
    """What the arms of a block share: a trained layer and a new batch, for each kind of layer."""

    layers: dict[str, nn.Module]
    batches: dict[str, Tensor]


def prepare(block: Block) -> Cell:
    """Train each layer for some steps; the new batch is shifted and stretched against its data."""
    layers, batches = {}, {}
    for kind, shape in SHAPES.items():
        layers[kind] = trained(getattr(nn, kind)(CHANNELS).to(block.device), shape)
        batches[kind] = 1.5 * torch.randn(shape, device=block.device) - 1
    return Cell(layers, batches)


def trained(layer: nn.Module, shape: tuple[int, ...]) -> nn.Module:
    """The layer after some steps towards random targets."""
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1)
    device = next(layer.parameters()).device
    for _ in range(STEPS):
        x = 2 * torch.randn(shape, device=device) + 1
        target = torch.randn(CHANNELS, device=device).view(-1, *[1] * (len(shape) - 2))
        optimiser.zero_grad()
        (layer(x) - target).square().mean().backward()
        optimiser.step()
    return layer


def measure(cell: Cell, arm: Arm) -> Responses:
    """Compare the layer's output with both hand calculations."""
    layer, x = copy.deepcopy(cell.layers[arm[LAYER]]), cell.batches[arm[LAYER]]
    by_running, by_batch = normalised_by_running(layer, x), normalised_by_batch(layer, x)
    with torch.no_grad():
        output = layer.train(arm[MODE] == "train")(x).double()
    scale = output.abs().max()
    return {
        "gap_to_running": ((output - by_running).abs().max() / scale).item(),
        "gap_to_batch": ((output - by_batch).abs().max() / scale).item(),
    }


def normalised_by_running(layer: nn.Module, x: Tensor) -> Tensor:
    """Batch norm by hand in float64, with the layer's running statistics."""
    state = {name: value.double() for name, value in layer.state_dict().items()}
    return _affine(x.double(), state["running_mean"], state["running_var"], state)


def normalised_by_batch(layer: nn.Module, x: Tensor) -> Tensor:
    """Batch norm by hand in float64, with the batch's mean and its (biased) variance."""
    state = {name: value.double() for name, value in layer.state_dict().items()}
    values = x.double().transpose(0, 1).flatten(1)
    return _affine(x.double(), values.mean(1), values.var(1, correction=0), state)


def _affine(x: Tensor, mean: Tensor, variance: Tensor, state: dict[str, Tensor]) -> Tensor:
    across = (1, -1, *[1] * (x.dim() - 2))
    spread = (variance + 1e-5).sqrt()  # the layers' default eps
    standard = (x - mean.view(across)) / spread.view(across)
    return standard * state["weight"].view(across) + state["bias"].view(across)


EXPERIMENT = Experiment(
    question="Does batch norm use its running statistics in eval mode?",
    factors=(MODE, LAYER),
    blocks=PerProfile(8, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=(
        Response(
            "gap_to_running",
            "1",
            "largest relative distance from the hand calculation with running statistics",
        ),
        Response(
            "gap_to_batch",
            "1",
            "largest relative distance from the hand calculation with the batch's statistics",
        ),
    ),
    claims=CLAIMS,
)
