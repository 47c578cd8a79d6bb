"""Does a step of plain SGD move a weight by the rate times its gradient?

A perceptron trains on digits in float32. Before every step weights and gradients are copied; NumPy
works out w - r g from them in double precision, where its own rounding is too small to matter, and
the step's result is compared with it number by number. The unit is the last place (ulp) of float32
at the size of the larger of w, r g and w - r g: a rule that is carried out in float32 has to round
once or twice, each time by up to half of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_most,
    more_than,
)
from harness.libraries import functional, nn, torch
from harness.workloads import Split, load_split, mlp_for
from studies.step_anatomy.listing import BATCH, RATE

if TYPE_CHECKING:
    from torch import Tensor

PLAIN, MOMENTUM, DECAY = "plain", "momentum 0.9", "weight decay 0.01"
FOREACH, FUSED = "foreach", "fused"
VARIANTS: dict[str, Mapping[str, Any]] = {
    PLAIN: {},
    MOMENTUM: {"momentum": 0.9},
    DECAY: {"weight_decay": 0.01},
    FOREACH: {"foreach": True},
    FUSED: {"fused": True},
}
VARIANT = Factor("variant", tuple(VARIANTS), words={PLAIN: ""})
RULE = at_most(1)

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C3.12",
        Value("ulps").at(variant=PLAIN).always(),
        RULE,
        reading="w - r g: of no weight, after no step, the result is more than one float32 place "
        "away from that worked out in double precision.",
        headline=True,
    ),
    *(
        Beyond("C3.12", Value("ulps").at(variant=variant).always(), RULE, why=why)
        for variant, why in (
            (MOMENTUM, "momentum, which is no plain SGD"),
            (DECAY, "weight decay, which is no plain SGD"),
            (FOREACH, "torch's implementation for all parameters at once"),
            (FUSED, "torch's fused implementation"),
        )
    ),
    Control(
        "momentum is seen to be another rule",
        Value("ulps").at(variant=MOMENTUM).always(),
        more_than(1),
    ),
)


class Cell(NamedTuple):
    """A block's data, seed and number of steps."""

    data: Split
    seed: int
    steps: int


def prepare(block: Block) -> Cell:
    """Digits."""
    return Cell(load_split("digits", block.seed, block.device), block.seed, block.effort)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train with the arm's variant, and check every step."""
    net = mlp_for(cell.data, cell.seed)
    optimiser = torch.optim.SGD(net.parameters(), lr=RATE, **VARIANTS[arm[VARIANT]])
    rows = torch.Generator().manual_seed(cell.seed)
    furthest = 0.0
    for _ in range(cell.steps):
        optimiser.zero_grad()
        chosen = torch.randint(len(cell.data.train_x), (BATCH,), generator=rows)
        chosen = chosen.to(cell.data.train_x.device)
        loss = functional.cross_entropy(net(cell.data.train_x[chosen]), cell.data.train_y[chosen])
        loss.backward()
        weights, gradients = in_a_row(net), in_a_row(net, gradients=True)
        optimiser.step()
        furthest = max(furthest, float(ulps_off(weights, gradients, in_a_row(net)).max()))
    return {"ulps": furthest}


def in_a_row(net: nn.Module, *, gradients: bool = False) -> NDArray[np.float32]:
    """All weights, or all gradients."""
    tensors: list[Tensor] = [
        p.grad if gradients and p.grad is not None else p.detach() for p in net.parameters()
    ]
    row: NDArray[np.float32] = torch.cat([each.flatten() for each in tensors]).cpu().numpy()
    return row


def ulps_off(
    weights: NDArray[np.float32], gradients: NDArray[np.float32], after: NDArray[np.float32]
) -> NDArray[np.float64]:
    """How many places of float32 each result is away from w - r g.

    Args:
        weights: before the step, shape (n,).
        gradients: of them.
        after: the weights after it.
    """
    moved = RATE * gradients.astype(np.float64)
    expected = weights.astype(np.float64) - moved
    size = np.maximum(np.maximum(np.abs(weights), np.abs(moved)), np.abs(expected))
    off: NDArray[np.float64] = np.abs(after - expected) / np.spacing(size.astype(np.float32))
    return off


EXPERIMENT: Experiment[Cell] = Experiment(
    question="Does a step of plain SGD move a weight by the rate times its gradient?",
    factors=(VARIANT,),
    blocks=PerProfile(2, 20, 50),
    effort=PerProfile(10, 50, 50),  # steps
    prepare=prepare,
    measure=measure,
    responses=(
        Response(
            "ulps",
            "ulp",
            "the furthest that a weight is from w - r g after a step, in float32's last place",
        ),
    ),
    claims=CLAIMS,
)
