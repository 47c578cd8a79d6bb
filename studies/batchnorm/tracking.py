"""What does a batch norm layer do with the mean and variance of each batch?

Fifty batches, each with another mean and spread, pass through a layer, in train mode and in eval
mode. In train mode its running mean and variance must afterwards be the moving averages, worked out
by hand in float64, of the means and (unbiased) variances of the batches, with the default weight of
a tenth for the newest; and each pass must have moved them. In eval mode running mean, running
variance and the count of batches must be what they were, to the last bit: the rule by which the
study load-loss judges the same words of document B.

Beside it stand passes without gradients, and a layer that keeps plain averages (momentum None).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Level,
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

CHANNELS, PASSES, MOMENTUM = 4, 50, 0.1
TOLERANCE = 1e-5  # float32 rounds a thirtieth of that
#: The layer and the shape of its batches.
SHAPES: dict[str, tuple[str, tuple[int, ...]]] = {
    "BatchNorm1d": ("BatchNorm1d", (16, CHANNELS)),
    "BatchNorm1d, 2 rows": ("BatchNorm1d", (2, CHANNELS)),
    "BatchNorm2d": ("BatchNorm2d", (16, CHANNELS, 4, 4)),
    "BatchNorm3d": ("BatchNorm3d", (16, CHANNELS, 2, 3, 4)),
}
DEFAULTS, NO_GRAD, PLAIN_AVERAGE = "defaults", "without gradients", "plain averages"

MODE = Factor(
    "mode", ("train", "eval"), control="eval", words={"train": "train mode", "eval": "eval mode"}
)
LAYER = Factor("layer", tuple(SHAPES))
USE = Factor(
    "use",
    (DEFAULTS, NO_GRAD, PLAIN_AVERAGE),
    words={DEFAULTS: "", NO_GRAD: "under no_grad", PLAIN_AVERAGE: "momentum None"},
)
TRAINING: dict[str, Level] = {"mode": "train", "use": DEFAULTS}

AVERAGED = (
    "It tracks them: after 50 batches running mean and variance are the moving averages of the "
    "batches' means (to 1e-5 of a standard deviation) and unbiased variances (to 1e-5 of each)."
)
MOVED = "Every batch counts: each pass moves the running mean, the running variance and the count."

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "A-train-5",
        Value("gap_to_average").at(**TRAINING).always(),
        equals(0.0, within=TOLERANCE),
        reading=AVERAGED,
        headline={"layer": "BatchNorm2d"},
    ),
    Claim("A-train-5", Value("moved").at(**TRAINING).always(), equals(1.0), reading=MOVED),
    *(
        Beyond(
            "A-train-5",
            Value(response).at(mode="train", use=use).always(),
            region,
            why=why,
        )
        for use, why in (
            (NO_GRAD, "passes under no_grad, which train mode says nothing of"),
            (PLAIN_AVERAGE, "a layer that was asked for plain averages (momentum None)"),
        )
        for response, region in (
            ("gap_to_average", equals(0.0, within=TOLERANCE)),
            ("moved", equals(1.0)),
        )
    ),
    Claim(
        "A-eval-4",
        Value("changed").at(mode="eval", use=DEFAULTS).always(),
        equals(0),
        reading="It takes in nothing: after 50 passes in eval mode its running mean, its running "
        "variance and its count of batches are what they were, bit for bit.",
        headline={"layer": "BatchNorm2d"},
    ),
    Control(
        "in train mode all three buffers change",
        Value("changed").at(mode="train").always(),
        equals(3),
    ),
    Control(
        "biased variances would be told apart",
        Value("gap_to_biased").at(**TRAINING).always(),
        more_than(1e-3),
    ),
    Control(
        "the state of eval mode would be told apart",
        Value("gap_to_average").at(mode="eval").always(),
        more_than(0.1),
    ),
)


class Cell(NamedTuple):
    """For each kind of layer one that has seen some batches, and fifty more."""

    layers: dict[str, nn.Module]
    batches: dict[str, Tensor]


def prepare(block: Block) -> Cell:
    """Draw batches, each with its own mean and spread in every channel."""
    layers, batches = {}, {}
    for kind, (name, shape) in SHAPES.items():
        layer = getattr(nn, name)(CHANNELS).to(block.device)
        layer.train()(2 * torch.randn(shape, device=block.device) + 1)
        each = (PASSES, 1, CHANNELS, *[1] * (len(shape) - 2))
        spread = 0.5 + torch.rand(each, device=block.device)
        centre = torch.randn(each, device=block.device)
        layers[kind] = layer
        batches[kind] = centre + spread * torch.randn(PASSES, *shape, device=block.device)
    return Cell(layers, batches)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Pass all batches through a copy of the layer, and compare its buffers."""
    layer, batches = copy.deepcopy(cell.layers[arm[LAYER]]), cell.batches[arm[LAYER]]
    if arm[USE] == PLAIN_AVERAGE:
        layer = _averaging(layer)
    before = _buffers(layer)
    layer.train(arm[MODE] == "train")
    moved, last = 0, before
    with torch.set_grad_enabled(arm[USE] != NO_GRAD):
        for batch in batches:
            layer(batch)
            now = _buffers(layer)
            moved += all(not torch.equal(a, b) for a, b in zip(last, now, strict=True))
            last = now
    return {
        "gap_to_average": _gap(last, moving_average(before, batches, correction=1)),
        "gap_to_biased": _gap(last, moving_average(before, batches, correction=0)),
        "moved": moved / PASSES,
        "changed": sum(not torch.equal(a, b) for a, b in zip(before, last, strict=True)),
    }


def _averaging(layer: Any) -> Any:  # noqa: ANN401 - batch norms have no common public class
    """The layer, asked for plain averages and begun anew."""
    layer.momentum = None
    layer.reset_running_stats()
    return layer


def _buffers(layer: nn.Module) -> tuple[Tensor, ...]:
    """Running mean, running variance and count, as they are now."""
    names = ("running_mean", "running_var", "num_batches_tracked")
    return tuple(layer.state_dict()[name].clone() for name in names)


def moving_average(
    before: tuple[Tensor, ...], batches: Tensor, *, correction: int
) -> tuple[Tensor, Tensor]:
    """Mean and variance that a layer should have kept, in float64.

    Args:
        before: its running mean and running variance.
        batches: shape (passes, rows, channels, ...).
        correction: 1 for the unbiased variance of a batch, 0 for the biased one.
    """
    mean, variance = before[0].double(), before[1].double()
    for batch in batches.double():
        values = batch.transpose(0, 1).flatten(1)
        mean = (1 - MOMENTUM) * mean + MOMENTUM * values.mean(1)
        variance = (1 - MOMENTUM) * variance + MOMENTUM * values.var(1, correction=correction)
    return mean, variance


def _gap(buffers: tuple[Tensor, ...], expected: tuple[Tensor, Tensor]) -> float:
    """The largest distance from what is expected, of means in s.d., of variances relative."""
    mean, variance = (buffer.double() for buffer in buffers[:2])
    of_means = (mean - expected[0]).abs() / expected[1].sqrt()
    of_variances = (variance / expected[1] - 1).abs()
    return max(of_means.max().item(), of_variances.max().item())


def in_design(arm: Arm) -> bool:
    """Other uses are looked at in train mode and on rows alone."""
    return arm[USE] == DEFAULTS or (arm[MODE] == "train" and arm[LAYER] == "BatchNorm1d")


EXPERIMENT = Experiment(
    question="What does a batch norm layer do with the mean and variance of each batch?",
    factors=(MODE, LAYER, USE),
    only=in_design,
    blocks=PerProfile(8, 20, 40),
    prepare=prepare,
    measure=measure,
    responses=(
        Response(
            "gap_to_average",
            "1",
            "largest distance of running mean (s.d.) and variance (relative) from moving averages",
        ),
        Response(
            "gap_to_biased", "1", "the same distance from moving averages of biased variances"
        ),
        Response("moved", "1", "share of passes that move running mean, variance and count"),
        Response(
            "changed", "buffers", "number of batch norm's three buffers that 50 passes change"
        ),
    ),
    claims=CLAIMS,
)
