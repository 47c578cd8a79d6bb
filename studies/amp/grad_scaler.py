"""What does a gradient scaler change in bfloat16, and what in float16?

A scaler multiplies the loss, so that small gradients do not vanish in 16 bits, and divides the
gradients again before the step. Each network takes some steps of SGD with and without it. Small
gradients are made by multiplying the loss by a factor and dividing the learning rate by the same,
which leaves exact arithmetic where it was. Two things are measured.

``lost``: of the gradients that are not zero in float32, at the same weights and on the same batch,
the share that is exactly zero. It is read at the first step that the scaler lets through.
``changed``: whether the trained weights differ in any bit from those trained without a scaler. The
arm without a scaler is trained twice for this, which shows that training by itself repeats.

float16 is the control: there gradients do vanish, and a scaler brings them back. The conv net is
left out of float16, whose convolutions take a CPU a hundred times as long to train. Document C
speaks neither of single bits nor of losses made small by hand: what is found here stands beside the
verdict that ``final_loss`` gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Arm,
    Beyond,
    Block,
    Control,
    Difference,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
    less_than,
    more_than,
)
from harness.figures import BLUE, ORANGE, draw_blocks, told
from harness.libraries import torch
from studies.amp.models import (
    CLASSES,
    CNN,
    NETS,
    PIXELS,
    TRANSFORMER,
    classification_loss,
    digit_net,
)
from studies.amp.precision import BF16, FP16, FP32, autocast

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

ROWS, STEPS, LR = 32, 3, 0.05
#: Fewer gradients than this are no matter: the margin for shares where a claim names none.
MARGIN = 0.01

PRECISION = Factor("precision", (FP32, BF16, FP16))
SCALER = Factor(
    "scaler",
    ("without", "with"),
    control="without",
    words={"without": "without scaler", "with": "with scaler"},
)
SMALLNESS = Factor("loss_times", (1.0, 1e-4, 1e-6), label="loss times", words={1.0: "usual loss"})
NET = Factor("net", NETS)

CLAIMS = (
    Beyond(
        "C7.26",
        Value("changed").at(precision=BF16, scaler="with").frequency(),
        at_least(0.95),
        why="single bits of the weights after three steps, on any device and with losses made "
        "small by hand",
        reading="The scaler has an effect where it gives other weights.",
    ),
    Beyond(
        "C7.26",
        Value("lost").at(precision=BF16, scaler="without"),
        more_than(MARGIN),
        why="the share of vanishing gradients, on any device and with losses made small by hand",
        reading="A scaler is there against gradients that vanish in 16 bits: without it more than "
        "one in a hundred does.",
    ),
    Control(
        "in float16 small gradients vanish, and the scaler brings them back",
        Difference("lost", SCALER).at(precision=FP16, loss_times=1e-6),
        less_than(-10 * MARGIN),
    ),
    Control(
        "training by itself repeats",
        Value("changed").at(scaler="without").always(),
        equals(0.0),
    ),
    Control(
        "a scale that is a power of two changes nothing in float32",
        Value("changed").at(precision=FP32, scaler="with").always(),
        equals(0.0),
    ),
)


class Trained(NamedTuple):
    """What a training left: the weights, and the gradients of its first step that was taken."""

    weights: Tensor
    gradients: Tensor


def measure(block: Block, arm: Arm) -> Responses:
    """Train with and without the scaler; look for zeros where float32 has none."""
    trained = train(block, arm, arm[PRECISION], scaled=arm[SCALER] == "with")
    unscaled = train(block, arm, arm[PRECISION], scaled=False)
    exact = train(block, arm, FP32, scaled=False, steps=1)
    there = exact.gradients != 0
    return {
        "lost": (trained.gradients[there] == 0).double().mean().item(),
        "changed": float(not torch.equal(trained.weights, unscaled.weights)),
    }


def train(block: Block, arm: Arm, precision: str, *, scaled: bool, steps: int = STEPS) -> Trained:
    """Take some steps of SGD, after those that the scaler skips to find its scale."""
    net = digit_net(arm[NET], block.seed, block.device)
    x = torch.randn(ROWS, PIXELS, device=block.device)
    y = torch.randint(CLASSES, (ROWS,), device=block.device)
    optimiser = torch.optim.SGD(net.parameters(), lr=LR / arm[SMALLNESS])
    scaler = torch.amp.GradScaler(block.device, enabled=scaled)
    gradients: list[Tensor] = []
    # A GPU's convolutions would not repeat themselves to the last bit otherwise.
    with torch.backends.cudnn.flags(enabled=True, deterministic=True):
        while len(gradients) < steps:
            optimiser.zero_grad()
            with autocast(precision, block.device):
                loss = classification_loss(net, x, y) * arm[SMALLNESS]
            scaler.scale(loss).backward()
            scaler.unscale_(optimiser)
            found = flat([p.grad for p in net.parameters() if p.grad is not None])
            if not scaled or found.isfinite().all():
                gradients.append(found)
            scaler.step(optimiser)
            scaler.update()
    return Trained(flat(list(net.parameters())), gradients[0])


def flat(tensors: list[Tensor]) -> Tensor:
    """All numbers of some tensors in one row, copied."""
    return torch.cat([t.detach().flatten() for t in tensors]).clone()


def _needed(arm: Arm) -> bool:
    return arm[NET] != CNN or arm[PRECISION] != FP16


def vanished_gradients(table: pd.DataFrame) -> Figure:
    """The share of gradients lost in 16 bits, with and without the scaler."""
    from matplotlib.figure import Figure

    rows = table[(table["response"] == "lost") & (table["net"] == TRANSFORMER)]
    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    for axes, precision in zip(panels, (BF16, FP16), strict=True):
        for shift, scaler, colour in ((-0.15, "without", ORANGE), (0.15, "with", BLUE)):
            for place, smallness in enumerate(SMALLNESS.levels):
                chosen = rows[
                    (rows["precision"] == precision)
                    & (rows["scaler"] == scaler)
                    & (rows["loss_times"] == smallness)
                ]
                draw_blocks(
                    axes,
                    place + shift,
                    100 * chosen["value"].to_numpy(),
                    colour=colour,
                    width=0.08,
                )
        axes.set_xticks(range(3), [f"{s:g}" for s in SMALLNESS.levels])
        axes.set_title(precision)
        axes.set_xlabel("loss multiplied by")
    panels[0].set_ylabel("gradients that turn to zero (%)")
    for scaler, colour in (("without", ORANGE), ("with", BLUE)):
        panels[0].plot([], [], "D", color=colour, label=f"{scaler} scaler")
    figure.legend(loc="outside lower center", ncols=2)
    changed = table[
        (table["response"] == "changed")
        & (table["precision"] == BF16)
        & (table["scaler"] == "with")
    ]["value"]
    blocks = table["block"].nunique()
    least = min(SMALLNESS.levels)
    lost = {
        precision: told(100 * values["value"].to_numpy(), ".1f")
        for precision, values in rows[
            (rows["scaler"] == "without") & (rows["loss_times"] == least)
        ].groupby("precision")
    }
    figure.suptitle(
        f"With the loss times {least:g}, float16 turns {lost.get(FP16)} % of the gradients\n"
        f"to zero, bfloat16 {lost.get(BF16)} %; there the scaler changed {int(changed.sum())} of "
        f"{changed.count()} trainings\n"
        f"(small {TRANSFORMER}, {blocks} blocks (dots), medians with 99 % intervals)",
        fontsize=20,
    )
    return figure


EXPERIMENT = Experiment(
    question="What does a gradient scaler change in bfloat16, and what in float16?",
    factors=(PRECISION, SCALER, SMALLNESS, NET),
    only=_needed,
    blocks=PerProfile(1, 20, 40),
    measure=measure,
    responses=(
        Response("lost", "1", "share of the gradients that 16 bits turn to zero"),
        Response("changed", "yes/no", "the trained weights differ from those without a scaler"),
    ),
    claims=CLAIMS,
    figures=(vanished_gradients,),
)
