"""Do dimensions with small gradients get bigger steps from Adam?

The parameters of one network are put into four quarters by the sizes of their gradients in an epoch
and looked at in the next one. Bigger is the step for the gradient there is: over that epoch, the
sum of the sizes of all steps of a quarter over the sum of the sizes of its gradients. In the lowest
quarter it must be twice that of the highest, in each of the nine epochs that follow another.

Quarters by what Adam divides by, the root of its running mean square, would find what the claim
says nearly by construction. That mean remembers all ten epochs alike, and the epoch before is less
and less of it: where gradients were large once and are small now, steps stay small for their
gradients, and the claim fails. Dividing by the gradient of the moment would find it by chance
alone, where that happens to be tiny; and parameters without any gradient (units that are dead)
belong to no quarter. SGD's steps are in proportion to their gradients, which is the control. All of
it is in double precision: single precision loses steps that are small against their weight.

Whether the steps are bigger by themselves, gradient or not, is shown beside: the passage explains a
rate that is adapted to each parameter, and Adam's steps are all of about one size.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    PerProfile,
    Response,
    Responses,
    Value,
    at_least,
    equals,
)
from harness.figures import BLUE, ORANGE, draw_blocks, told
from harness.libraries import torch
from harness.workloads.tasks import SPIRAL_RELU
from studies.optimisers.descent import Recipe, as_numbers, descend
from studies.optimisers.spirals import BATCH, POINTS, RATE, TASK, in_double, whole_spiral

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from harness.workloads import Replicas
    from studies.optimisers.descent import Numbers

EPOCHS = 10
LOOKS = EPOCHS - 1  # each epoch but the first has one before it
OPTIMISER = Factor("optimiser", ("Adam", "SGD"))

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Claim(
        "C6.09",
        Value("per_gradient").at(optimiser="Adam").smallest(),
        at_least(2.0),
        reading="Bigger for the gradient there is: in each of nine epochs the quarter of the "
        "parameters whose gradients were smallest in the epoch before moves at least twice as far "
        "for each unit of gradient as the quarter whose were largest.",
        headline={"task": SPIRAL_RELU},
    ),
    Beyond(
        "C6.09",
        Value("absolute").at(optimiser="Adam"),
        at_least(1.2),
        why="the size of a step by itself, not for the gradient there is",
        reading="Over nine epochs the steps of the lowest quarter are a fifth longer than those of "
        "the highest.",
    ),
    Control(
        "SGD's steps are in proportion to their gradients",
        Value("per_gradient").at(optimiser="SGD").always(),
        equals(1.0, within=1e-6),
    ),
)


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train ten epochs; a round of ``per_gradient`` is an epoch, one of ``step`` a quarter."""
    task = in_double(whole_spiral(arm[TASK], blocks))
    looks: list[tuple[Numbers, Numbers]] = []
    before, first = flat(_weights(task.networks)), True
    moved = turned = ranked_by = torch.zeros(())
    for step in descend(task, Recipe(arm[OPTIMISER], RATE, BATCH)):
        gradient, now = gradients(step.nets), flat(list(step.nets.parameters()))
        moved, turned = moved + (now - before).abs(), turned + gradient.abs()
        before = now
        if step.ends_epoch:
            if not first:
                looks.append(quarters(*map(as_numbers, (ranked_by, moved, turned))))
            ranked_by, first = turned, False
            moved = turned = torch.zeros(())
        if len(looks) == LOOKS:
            break
    steps = np.stack([look[0] for look in looks])  # (epochs, replicas, quarters)
    slopes = np.stack([look[1] for look in looks])
    per_unit, in_an_epoch = steps / slopes, step.done / EPOCHS
    return [
        {
            "per_gradient": (per_unit[:, place, 0] / per_unit[:, place, 3]).tolist(),
            "absolute": (steps[:, place, 0] / steps[:, place, 3]).mean(),
            "step": (steps[:, place].mean(axis=0) / in_an_epoch).tolist(),
            "gradient": (slopes[:, place].mean(axis=0) / in_an_epoch).tolist(),
        }
        for place in range(len(blocks))
    ]


def _weights(networks: Sequence[nn.Module]) -> list[Tensor]:
    """The parameters of networks as ``Replicas`` has them."""
    each = [list(network.parameters()) for network in networks]
    return [torch.stack(tensors) for tensors in zip(*each, strict=True)]


def flat(tensors: Sequence[Tensor]) -> Tensor:
    """All numbers of each replica in a row, shape (replicas, numbers); a copy."""
    return torch.cat([tensor.detach().flatten(1) for tensor in tensors], dim=1)


def gradients(nets: Replicas) -> Tensor:
    """The gradients of each replica in a row."""
    return flat([p.grad for p in nets.parameters() if p.grad is not None])


def quarters(ranked_by: Numbers, moved: Numbers, turned: Numbers) -> tuple[Numbers, Numbers]:
    """Mean movement and mean gradient in each quarter of the parameters.

    Args:
        ranked_by: gradients of each parameter in the epoch before, shape (replicas, parameters);
            where they are 0 the parameter is left out.
        moved: how far each has moved.
        turned: the sum of the sizes of its gradients.

    Returns:
        Both of shape (replicas, 4), the quarter with the smallest gradients first.
    """
    found = []
    for known, steps, slopes in zip(ranked_by, moved, turned, strict=True):
        alive = np.flatnonzero(known > 0)
        parts = np.array_split(alive[np.argsort(known[alive], kind="stable")], 4)
        found.append([[side[part].mean() for part in parts] for side in (steps, slopes)])
    both = np.array(found)
    return both[:, 0], both[:, 1]


def steps_by_quarter(table: pd.DataFrame) -> Figure:
    """How far the parameters of each quarter move in a step, by Adam and by SGD."""
    from matplotlib.figure import Figure

    figure = Figure()
    panels = figure.subplots(1, 2, sharey=True)
    for axes, task in zip(panels, TASK.levels, strict=True):
        rows = table[(table["task"] == task) & (table["response"] == "step")]
        for optimiser, colour, shift in (("Adam", BLUE, -0.12), ("SGD", ORANGE, 0.12)):
            of_one = rows[rows["optimiser"] == optimiser]
            for quarter in range(4):
                values = of_one[of_one["round"] == quarter]["value"].to_numpy(np.float64)
                label = optimiser if quarter == 0 else None
                draw_blocks(axes, quarter + shift, values, colour=colour, width=0.1, label=label)
        axes.set_xticks(range(4), ["smallest", "second", "third", "largest"])
        axes.set_xlabel("quarter, by gradient in the epoch before")
        axes.set_title(task, fontsize=18)
        axes.set_yscale("log")
    panels[0].set_ylabel("mean size of a step")
    panels[0].legend(loc="center left")
    figure.suptitle(_headline(table), fontsize=18)
    return figure


def _headline(table: pd.DataFrame) -> str:
    at = (table["task"] == SPIRAL_RELU) & (table["optimiser"] == "Adam")
    by_block = table[at & (table["response"] == "per_gradient")].groupby("block")["value"].min()
    plain = table[at & (table["response"] == "absolute")]["value"]
    return (
        f"For each unit of gradient Adam moves the quarter with the smallest gradients before\n"
        f"{told(by_block, '.0f')} times as far as that with the largest;\n"
        f"the step itself is {told(plain, '.2f', interval=False)} times as long "
        f"(ReLU, nine epochs, CPU; dots: {table['block'].nunique()} seeds)"
    )


EXPERIMENT: Experiment[Block] = Experiment(
    question="Do dimensions with small gradients get bigger steps from Adam?",
    factors=(TASK, POINTS, OPTIMISER),
    responses=(
        Response(
            "per_gradient",
            "1",
            "step for each unit of gradient in the quarter with the smallest gradients, over that "
            "with the largest",
        ),
        Response(
            "absolute",
            "1",
            "mean step in the quarter with the smallest gradients over that with the largest",
        ),
        Response("step", "1", "mean size of a step in a quarter of the parameters"),
        Response("gradient", "1", "mean size of a gradient in a quarter of the parameters"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    measure_together=measure,
    claims=CLAIMS,
    figures=(steps_by_quarter,),
)
