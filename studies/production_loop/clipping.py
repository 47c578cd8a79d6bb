"""Does clipping prevent explosion?

Two networks whose gradients explode at usual rates. One is recurrent: it reads the 64 pixels of a
digit one after another, with ReLU and recurrent weights that begin as the identity (Le, Jaitly and
Hinton, 2015). One is deep: five residual blocks without a norm, with He's weights. Which optimisers
and rates they explode at was found with other seeds and without clipping; a control checks, case by
case, that at least half of the unclipped runs explode here too: where nothing explodes there is
nothing to prevent. Adam's rate is the lowest of 0.01, 0.02, 0.03 and 0.05 at which nine in ten did;
at 0.01 a third did, however long they were trained, and that case is beyond the passage.

In the other arm the gradients are clipped to a norm of 1 before every update, network by network. A
run explodes when the loss of a batch reaches ten times the first or is no number; it is then left
as it is. That clipping bounds the gradient is arithmetic, and a control; whether it keeps the loss
from exploding is the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

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
    at_least,
    at_most,
    equals,
)
from harness.figures import BLUE, ORANGE
from harness.libraries import functional, nn, torch
from harness.workloads import Replicas
from harness.workloads.loop import OPTIMISERS
from harness.workloads.samples import draw_sample
from harness.workloads.tasks import Part

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

    Numbers = NDArray[np.float64]

HIDDEN, CLASSES, BATCH, BLOCKS = 32, 10, 32, 5
MAX_NORM, EXPLODED, MOST = 1.0, 10.0, 1e6
RECURRENT, DEEP = "recurrent net", "deep residual net"
#: Network, optimiser and rate, as found with other seeds, unclipped.
CASES = {
    "recurrent net, SGD, rate 0.01": (RECURRENT, "SGD", 0.01),
    "recurrent net, momentum, rate 0.01": (RECURRENT, "momentum", 0.01),
    "recurrent net, Adam, rate 0.02": (RECURRENT, "Adam", 0.02),
    "deep residual net, SGD, rate 0.01": (DEEP, "SGD", 0.01),
    "deep residual net, momentum, rate 0.01": (DEEP, "momentum", 0.01),
    "recurrent net, Adam, rate 0.01": (RECURRENT, "Adam", 0.01),
}
#: At which fewer than half of the unclipped runs explode, however long they are trained.
SELDOM = "recurrent net, Adam, rate 0.01"
EXPLODING = tuple(case for case in CASES if case != SELDOM)
CASE = Factor("case", tuple(CASES))
CLIPPED, UNCLIPPED = "clipped", "not clipped"
GRADIENTS = Factor(
    "gradients",
    (UNCLIPPED, CLIPPED),
    control=UNCLIPPED,
    words={UNCLIPPED: "not clipped", CLIPPED: "clipped to a norm of 1"},
)
TYPICAL: dict[str, Level] = {"case": "recurrent net, SGD, rate 0.01"}

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C7.44",
        Value("exploded").at(gradients=CLIPPED, case=EXPLODING).always(),
        equals(0.0),
        reading="Prevents explosion: where unclipped runs explode, no clipped run does: the loss "
        "of a batch never reaches ten times the first, and is a number.",
        headline=TYPICAL,
    ),
    Beyond(
        "C7.44",
        Value("exploded").at(gradients=CLIPPED, case=SELDOM).always(),
        equals(0.0),
        why="a rate at which fewer than half of the runs explode without clipping",
    ),
    Beyond(
        "C7.44",
        Value("end").at(gradients=CLIPPED),
        at_most(0.9),
        why="whether the clipped run also learns, which the passage does not say",
        reading="The clipped run learns: the loss ends a tenth below the first or lower.",
    ),
    Control(
        "at least half of the unclipped runs explode",
        Value("exploded").at(gradients=UNCLIPPED, case=EXPLODING).frequency(),
        at_least(0.5),
    ),
    Control(
        "the gradient that an update finds is no longer than the limit, within rounding",
        Value("norm_after").at(gradients=CLIPPED).always(),
        at_most(MAX_NORM * (1 + 1e-5)),
    ),
)
RESPONSES = (
    Response("exploded", "yes/no", "the loss reaches ten times the first, or is no number"),
    Response("norm_after", "1", "largest norm of the gradients that an update finds"),
    Response(
        "end", "1", "mean loss of the last 20 steps over that of the first, a million at most"
    ),
    Response("loss", "1", "loss of a step over the first, a million at most"),
    Response("norm", "1", "norm of the gradients before clipping, a million at most"),
)


@cache
def network_class(kind: str) -> type[nn.Module]:
    """The class of a network, made once: torch is imported when it is first needed."""

    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enters = nn.Linear(1, HIDDEN)
            self.recurs = nn.Linear(HIDDEN, HIDDEN, bias=False)
            self.reads = nn.Linear(HIDDEN, CLASSES)
            nn.init.eye_(self.recurs.weight)

        def forward(self, pixels: Tensor) -> Tensor:
            entering = self.enters(pixels[..., None])
            state = torch.zeros_like(entering[:, 0])
            for step in range(entering.shape[1]):
                state = functional.relu(entering[:, step] + self.recurs(state))
            return self.reads(state)  # type: ignore[no-any-return]

    class Deep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enters, self.reads = nn.Linear(64, HIDDEN), nn.Linear(HIDDEN, CLASSES)
            self.branches = nn.ModuleList(
                nn.Sequential(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN))
                for _ in range(BLOCKS)
            )
            for layer in self.modules():
                if isinstance(layer, nn.Linear):
                    nn.init.kaiming_normal_(layer.weight)
                    nn.init.zeros_(layer.bias)

        def forward(self, x: Tensor) -> Tensor:
            x = self.enters(x)
            for branch in self.branches:
                x = x + branch(x)
            return self.reads(x)  # type: ignore[no-any-return]

    return Recurrent if kind == RECURRENT else Deep


@dataclass
class Watch:
    """What is written down of a training of all replicas, step by step; shape (steps, replicas)."""

    losses: list[Tensor]
    norms: list[Tensor]
    after: list[Tensor]


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train a replica for each block, clipped or not."""
    network, optimiser, rate = CASES[arm[CASE]]
    seeds = [block.seed for block in blocks]
    data = draw_sample("digits", seeds, device="cpu").train
    if network == RECURRENT:
        data = Part((data.x * 4 + 8) / 16, data.y)  # from 0 to 1, as the pixels are read in
    nets = Replicas([_seeded(seed, network) for seed in seeds])
    clips = arm[GRADIENTS] == CLIPPED
    watch = trained(nets, data, seeds, (optimiser, rate), clips=clips, steps=blocks[0].effort)
    found = summary(*(torch.stack(each).double().numpy() for each in vars(watch).values()))
    return [
        {name: values[..., place].tolist() for name, values in found.items()}
        for place in range(len(blocks))
    ]


def _seeded(seed: int, network: str) -> nn.Module:
    torch.manual_seed(seed)
    return network_class(network)()


def trained(
    nets: Replicas,
    data: Part,
    seeds: Sequence[int],
    how: tuple[str, float],
    *,
    clips: bool,
    steps: int,
) -> Watch:
    """Train so many steps; a replica that has exploded gets no more updates."""
    optimiser = OPTIMISERS[how[0]](nets.parameters(), how[1])
    streams = [torch.Generator().manual_seed(seed) for seed in seeds]
    replica, rows = torch.arange(nets.count)[:, None], data.x.shape[1]
    watch, first = Watch([], [], []), torch.full((nets.count,), torch.inf)
    alive = torch.ones(nets.count, dtype=torch.bool)
    for step in range(steps):
        chosen = torch.stack([torch.randint(rows, (BATCH,), generator=g) for g in streams])
        optimiser.zero_grad()
        outputs = forward(nets, data.x[replica, chosen])
        losses = nets.each(functional.cross_entropy, outputs, data.y[replica, chosen])
        losses.sum().backward()
        first = losses.detach() if step == 0 else first
        alive &= losses.detach() < EXPLODED * first if step else torch.isfinite(losses.detach())
        watch.norms.append(nets.gradient_norms())
        if clips:
            clip(nets, MAX_NORM)
        keep(nets, alive)
        watch.after.append(nets.gradient_norms())
        watch.losses.append(losses.detach())
        optimiser.step()
    return watch


def forward(nets: Replicas, x: Tensor) -> Tensor:
    """A forward pass of all replicas; the recurrence by hand, which takes a tenth of the time."""
    weights = dict(nets.named_parameters())
    if "recurs.weight" not in weights:
        return nets(x)
    entering = (
        x[..., None] * weights["enters.weight"].mT[:, None] + weights["enters.bias"][:, None, None]
    )
    recurs = weights["recurs.weight"].mT
    state = torch.zeros_like(entering[:, :, 0])
    for pixel in entering.unbind(dim=2):
        state = torch.baddbmm(pixel, state, recurs).relu()
    return torch.baddbmm(weights["reads.bias"][:, None], state, weights["reads.weight"].mT)


def clip(nets: Replicas, limit: float) -> None:
    """What ``clip_grad_norm_`` does, for each replica by itself."""
    share = (limit / (nets.gradient_norms() + 1e-6)).clamp(max=1.0)
    for parameter in nets.parameters():
        if parameter.grad is not None:
            parameter.grad.mul_(share.view(-1, *[1] * (parameter.dim() - 1)))


def keep(nets: Replicas, alive: Tensor) -> None:
    """No gradient for replicas that have exploded: their numbers are of no more interest."""
    if alive.all():
        return
    for parameter in nets.parameters():
        if parameter.grad is not None:
            shape = (-1, *[1] * (parameter.dim() - 1))
            parameter.grad = torch.where(alive.view(shape), parameter.grad, 0.0)


def summary(losses: Numbers, norms: Numbers, after: Numbers) -> dict[str, Numbers]:
    """What became of each replica.

    Args:
        losses: of every step, shape (steps, replicas).
        norms: of the gradients before clipping.
        after: of those that the update found.
    """
    relative = np.nan_to_num(losses / losses[0], nan=MOST, posinf=MOST).clip(max=MOST)
    exploded = (relative >= EXPLODED).any(axis=0) | ~np.isfinite(losses[0])
    return {
        "exploded": exploded.astype(np.float64),
        "norm_after": np.nan_to_num(after, nan=MOST, posinf=MOST).max(axis=0),
        "end": np.where(exploded, MOST, relative[-20:].mean(axis=0)),
        "loss": np.where(np.maximum.accumulate(relative >= EXPLODED, axis=0), MOST, relative),
        "norm": np.nan_to_num(norms, nan=MOST, posinf=MOST).clip(max=MOST),
    }


def losses_with_and_without(table: pd.DataFrame) -> Figure:
    """The loss of every step, of every seed, clipped and not."""
    from matplotlib.figure import Figure

    losses = table[table["response"] == "loss"]
    figure = Figure()
    panels = figure.subplots(1, len(CASES), sharex=True, sharey=True)
    for axes, case in zip(panels, CASES, strict=True):
        of_case = losses[losses["case"] == case]
        for gradients, colour in ((UNCLIPPED, ORANGE), (CLIPPED, BLUE)):
            _lines(axes, of_case[of_case["gradients"] == gradients], colour, gradients)
        exploded = table[(table["response"] == "exploded") & (table["case"] == case)]
        share = exploded.groupby("gradients")["value"].mean().reindex([UNCLIPPED, CLIPPED])
        axes.set_title(
            f"{case.replace(', rate ', ' ').replace(', ', chr(10))}\n"
            f"{100 * share[UNCLIPPED]:.0f} %, clipped {100 * share[CLIPPED]:.0f} %",
            fontsize=13,
        )
        axes.axhline(EXPLODED, color="black", linestyle="--", linewidth=1)
        axes.set_xlabel("step")
    panels[0].set_yscale("log")
    panels[0].set_ylim(0.05, 100)
    panels[0].yaxis.set_major_formatter("{x:g}")
    panels[0].set_ylabel("loss of a step, first = 1")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    exploded = table[(table["response"] == "exploded") & (table["gradients"] == CLIPPED)]
    there = exploded[exploded["case"] != SELDOM]["value"].dropna()
    figure.suptitle(
        f"Where runs explode, {int(there.sum())} of {len(there)} do so clipped to a norm of 1\n"
        f"(above each panel: how many explode; lines: {table['block'].nunique()} seeds, CPU)",
        fontsize=19,
    )
    return figure


def _lines(axes: Axes, rows: pd.DataFrame, colour: str, label: str) -> None:
    for number, (_, of_seed) in enumerate(rows.groupby("block")):
        values = of_seed["value"].to_numpy(np.float64)
        gone = values >= MOST
        values = np.where(gone, np.where(np.cumsum(gone) <= 1, 1e3, np.nan), values)
        axes.plot(
            of_seed["round"],
            values,
            color=colour,
            linewidth=0.8,
            alpha=0.6,
            label=None if number else label,
        )


EXPERIMENT: Experiment[tuple[Block, ...]] = Experiment(
    question="Does clipping prevent explosion?",
    factors=(CASE, GRADIENTS),
    blocks=PerProfile(2, 40, 40),  # of 20, a case at nine in ten misses one half once in eight runs
    together=PerProfile(2, 20, 20),
    effort=PerProfile(40, 200, 200),  # steps
    measure_together=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(losses_with_and_without,),
)
