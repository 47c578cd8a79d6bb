"""Is Adam's update made of estimates of the gradient's first and second moment?

Adam is written out by hand, in NumPy and in double precision: a running mean of the gradients, one
of their squares, both corrected for their start at zero, and a step of the rate times the one over
the root of the other. A perceptron is trained with ``torch.optim.Adam`` and its defaults; the hand
is given the same gradients. After every step the weights are compared, and what the optimiser keeps
with both moments. A hand that leaves out the first moment, or the second, shows that each of them
is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    at_most,
    more_than,
)
from harness.libraries import functional, nn, torch
from harness.workloads import Split, load_split, mlp_for
from studies.step_anatomy.listing import BATCH

BOTH, NO_FIRST, NO_SECOND = "both moments", "without the first moment", "without the second moment"
HAND = Factor("hand", (BOTH, NO_FIRST, NO_SECOND), words={BOTH: ""}, label="written by hand")

RULE = at_most(1e-12)
CLAIMS: tuple[Claim | Control, ...] = (
    Claim(
        "C3.13",
        Value("weights_off").at(hand=BOTH).always(),
        RULE,
        reading="It involves both moments: after every step the weights are those of Adam written "
        "by hand with both, to 1e-12.",
        headline=True,
    ),
    Claim(
        "C3.13",
        Value("first_off").at(hand=BOTH).always(),
        RULE,
        reading="It keeps an estimate of the first moment: its state is the running mean of the "
        "gradients by hand.",
    ),
    Claim(
        "C3.13",
        Value("second_off").at(hand=BOTH).always(),
        RULE,
        reading="It keeps an estimate of the second moment: its state is the running mean of their "
        "squares by hand.",
    ),
    Control(
        "without either moment the hand is far off",
        Value("weights_off").at(hand=(NO_FIRST, NO_SECOND)).always(),
        more_than(1e-3),
    ),
)


@dataclass
class HandAdam:
    """Adam by hand, with the usual coefficients.

    Attributes:
        weights: shape (n,).
        use: which moments; one that is left out is the gradient itself, or 1.
        first: the running mean of gradients.
        second: that of their squares.
        steps: so far.
    """

    weights: NDArray[np.float64]
    use: str = BOTH
    first: NDArray[np.float64] = field(init=False)
    second: NDArray[np.float64] = field(init=False)
    steps: int = 0

    def __post_init__(self) -> None:
        self.first, self.second = np.zeros_like(self.weights), np.zeros_like(self.weights)

    def step(self, gradient: NDArray[np.float64]) -> None:
        """Move the weights by one step: rate 0.001, coefficients 0.9 and 0.999, eps 1e-8."""
        self.steps += 1
        self.first = 0.9 * self.first + 0.1 * gradient
        self.second = 0.999 * self.second + 0.001 * gradient**2
        mean = self.first / (1 - 0.9**self.steps)
        square = self.second / (1 - 0.999**self.steps)
        above = gradient if self.use == NO_FIRST else mean
        below = 1.0 if self.use == NO_SECOND else np.sqrt(square) + 1e-8
        self.weights = self.weights - 0.001 * above / below


class Cell(NamedTuple):
    """A block's data, seed and number of steps."""

    data: Split
    seed: int
    steps: int


def prepare(block: Block) -> Cell:
    """Digits."""
    return Cell(load_split("digits", block.seed, block.device), block.seed, block.effort)


def measure(cell: Cell, arm: Arm) -> Responses:
    """Train with torch's Adam, and the hand beside it."""
    net = mlp_for(cell.data, cell.seed).double()
    optimiser = torch.optim.Adam(net.parameters())
    hand = HandAdam(in_a_row([p.detach() for p in net.parameters()]), arm[HAND])
    start = hand.weights
    rows = torch.Generator().manual_seed(cell.seed)
    off = {"weights_off": 0.0, "first_off": 0.0, "second_off": 0.0}
    for _ in range(cell.steps):
        chosen = torch.randint(len(cell.data.train_x), (BATCH,), generator=rows)
        chosen = chosen.to(cell.data.train_x.device)
        optimiser.zero_grad()
        x, y = cell.data.train_x[chosen].double(), cell.data.train_y[chosen]
        functional.cross_entropy(net(x), y).backward()
        hand.step(in_a_row([p.grad for p in net.parameters() if p.grad is not None]))
        optimiser.step()
        now = in_a_row([p.detach() for p in net.parameters()])
        pairs = {
            "weights_off": (now - start, hand.weights - start),
            "first_off": (kept(optimiser, net, "exp_avg"), hand.first),
            "second_off": (kept(optimiser, net, "exp_avg_sq"), hand.second),
        }
        off = {name: max(off[name], distance(*pair)) for name, pair in pairs.items()}
    return off


def kept(optimiser: torch.optim.Optimizer, net: nn.Module, name: str) -> NDArray[np.float64]:
    """What the optimiser keeps for every weight, in a row."""
    return in_a_row([optimiser.state[p][name] for p in net.parameters()])


def in_a_row(tensors: list[torch.Tensor]) -> NDArray[np.float64]:
    """Their numbers, as one vector."""
    row: NDArray[np.float64] = torch.cat([each.flatten() for each in tensors]).cpu().numpy()
    return row


def distance(found: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """How far apart two vectors are, over the length of the expected one."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


EXPERIMENT: Experiment[Cell] = Experiment(
    question="Is Adam's update made of estimates of the gradient's first and second moment?",
    factors=(HAND,),
    blocks=PerProfile(2, 20, 50),
    effort=PerProfile(5, 20, 20),  # steps
    prepare=prepare,
    measure=measure,
    responses=(
        Response(
            "weights_off",
            "1",
            "distance of the weights' way from that by hand, over its length, at worst",
        ),
        Response("first_off", "1", "distance of exp_avg from the first moment by hand, at worst"),
        Response(
            "second_off", "1", "distance of exp_avg_sq from the second moment by hand, at worst"
        ),
    ),
    claims=CLAIMS,
)
