"""What does clipping see when the loss is scaled, and the scale is not taken off first?

A scaler multiplies the loss, and with it all gradients, by 65,536 before the backward pass. The
document's script calls ``unscale_`` before it clips. The natural alternative leaves that out: the
limit then acts on the scaled gradients, and the scaler's own ``step`` divides what is left by the
scale, so that the update rests on a gradient of a 65,536th of the limit. Both are run in float32
with a scaler that is enabled, on whatever device there is: the scaler of a machine without a GPU,
as the document makes it, is switched off and shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
from harness.libraries import functional, nn, torch
from harness.workloads import mlp, small_cnn

if TYPE_CHECKING:
    from torch import Tensor

SCALE, LIMIT, ROWS = 65_536.0, 0.1, 32
UNSCALED, SCALED, OFF = "unscaled first", "still scaled", "scaler switched off"
GRADIENTS = Factor(
    "gradients",
    (UNSCALED, SCALED, OFF),
    control=UNSCALED,
    words={
        UNSCALED: "the scale taken off first",
        SCALED: "the scale left on",
        OFF: "the scaler switched off, nothing taken off",
    },
)
NET = Factor("net", ("perceptron", "conv net"))
TYPICAL: dict[str, Level] = {"net": "perceptron"}

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C7.45",
        Value("norm_seen").always().at(gradients=UNSCALED),
        equals(1.0, within=1e-4),
        reading="Unscaled first, clipping sees the true norm of the gradients.",
    ),
    Claim(
        "C7.45",
        Value("norm_seen").always().at(gradients=SCALED),
        equals(SCALE, within=1e-4 * SCALE),
        reading="Good advice, for without it the norm that clipping sees is larger by the scale.",
        headline=TYPICAL,
    ),
    Claim(
        "C7.45",
        Value("left").always().at(gradients=UNSCALED),
        equals(1.0, within=1e-3),
        reading="And the gradient that the update rests on then has the limit's norm.",
    ),
    Beyond(
        "C7.45",
        Value("norm_seen").always().at(gradients=OFF),
        equals(1.0, within=1e-4),
        why="a scaler that is switched off, as the document's is on a machine without a GPU",
    ),
    Control(
        "the true norm is above the limit",
        Value("true_norm").always(),
        more_than(LIMIT),
    ),
)
RESPONSES = (
    Response("norm_seen", "1", "norm that clipping sees over the true norm of the gradients"),
    Response("left", "1", "norm of the gradient that the update rests on over the limit"),
    Response("true_norm", "1", "norm of the gradients of the loss itself"),
)


@dataclass
class Caught:
    """SGD that writes down the gradient it is given."""

    optimiser: torch.optim.Optimizer
    norm: float = 0.0

    def __post_init__(self) -> None:
        self.optimiser.register_step_pre_hook(lambda *_: self._look())

    def _look(self) -> None:
        gradients = [p.grad for g in self.optimiser.param_groups for p in g["params"]]
        self.norm = norm_of(gradients)


def norm_of(gradients: list[Tensor]) -> float:
    """The norm of all of them together, in double precision."""
    return float(torch.cat([g.detach().double().flatten() for g in gradients]).norm())


def measure(block: Block, arm: Arm) -> Responses:
    """Take a step with clipping, as the arm has it."""
    torch.manual_seed(block.seed)
    net = (mlp(64, 10) if arm[NET] == "perceptron" else small_cnn(10)).to(block.device)
    x = torch.randn(ROWS, 64, device=block.device)
    y = torch.randint(10, (ROWS,), device=block.device)
    loss = functional.cross_entropy(net(x), y)
    true = norm_of(list(torch.autograd.grad(loss, list(net.parameters()))))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    caught = Caught(optimiser)
    scaler = torch.amp.GradScaler(block.device, init_scale=SCALE, enabled=arm[GRADIENTS] != OFF)
    scaler.scale(functional.cross_entropy(net(x), y)).backward()
    if arm[GRADIENTS] == UNSCALED:
        scaler.unscale_(optimiser)
    seen = nn.utils.clip_grad_norm_(net.parameters(), LIMIT).item()
    scaler.step(optimiser)
    return {"norm_seen": seen / true, "left": caught.norm / LIMIT, "true_norm": true}


EXPERIMENT = Experiment(
    question="What does clipping see when the loss is scaled?",
    factors=(NET, GRADIENTS),
    blocks=PerProfile(2, 20, 40),
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
)
