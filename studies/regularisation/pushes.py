"""How hard does weight decay push which weight, in a network that learns from data?

Three networks are trained, in double precision, by SGD, by Adam and by AdamW with ``weight_decay``
(of SGD and Adam the penalty in the loss, as ``same_way`` shows). After each step the way that a
weight went is compared with the way it would have gone had the step's numerator known the data
alone: Adam's mean gradient is a sum of a part from the data and a part from the decay, and both are
divided by the same root. What is left is the push of the decay.

Pushes are averaged over all steps but the first quarter. Weights are sorted by size, or by the root
mean square of their data gradient, and cut into ten groups; the slope of the logarithms of the
groups' medians says how much harder a weight is pushed that is a hundred times as large (a hundred
times where pushes are proportional), and which share decay takes off where the gradient is ten
times as large (the same where it does not depend on it).
Weights without a data gradient (units that are never active) are left out: nothing is learnt there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    at_least,
    at_most,
    equals,
)
from harness.figures import BLACK, BLUE, GREEN, ORANGE, told
from harness.libraries import torch
from harness.workloads.samples import draw_sample
from studies.regularisation.nets import RATE, Rows, batch_losses, by_block, in_double, seeds_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

GROUPS, EPS = 10, 1e-8
FIRST_MEAN, SECOND_MEAN = 0.9, 0.999
RATES = {"SGD": 0.01, "Adam": RATE, "AdamW": RATE}

TASKS = {"sine": "the document's sine", "digits": "digits", "breast cancer": "breast cancer"}
TASK = Factor("task", tuple(TASKS), words=TASKS)
OPTIMISER = Factor("optimiser", tuple(RATES))
DECAY = Factor("decay", (1e-3, 1e-2), label="weight_decay")

BY_SIZE, BY_GRADIENT = Value("at_hundred_times"), Value("at_ten_times")
SAME_SHARE = equals(1.0, within=0.05)
EXCEPTED = "L2 with Adam, which the article itself excepts"
CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    Beyond(
        "D-l1l2-6",
        BY_SIZE.at(optimiser="Adam"),
        at_least(10.0),
        why=EXCEPTED,
        reading="In training by Adam a weight a hundred times as large is pushed at least ten "
        "times as hard.",
    ),
    Claim(
        "D-adam-4",
        BY_GRADIENT.at(optimiser="Adam"),
        at_most(0.5),
        reading="Where the data's gradient is ten times as large, decay takes at most half the "
        "share off a weight in a step.",
        headline={"task": "digits", "decay": 1e-2},
    ),
    Beyond(
        "D-tab-8",
        BY_GRADIENT.at(optimiser="Adam"),
        SAME_SHARE,
        why=EXCEPTED,
        reading="The share taken off does not depend on the gradient.",
    ),
    Control(
        "with SGD and AdamW the share taken off does not depend on the gradient",
        BY_GRADIENT.at(optimiser=("SGD", "AdamW")).always(),
        SAME_SHARE,
    ),
    Control(
        "and is the same for all weights, so that pushes are as large as weights",
        BY_SIZE.at(optimiser=("SGD", "AdamW")).always(),
        equals(100.0, within=1.0),
    ),
)


def prepare(blocks: Sequence[Block]) -> Rows:
    """Rows; ``block.effort`` is how many steps."""
    seeds = seeds_of(blocks)
    samples = {task: draw_sample(task, seeds) for task in ("sine", "digits", "breast cancer")}
    return Rows(samples, blocks[0].effort)


def measure(course: Rows, arm: Arm) -> Sequence[Responses]:
    """Train, and see how pushes depend on size and on gradient."""
    return by_block(dependence(train(course, arm[TASK], arm[OPTIMISER], arm[DECAY])))


def dependence(watched: Watched) -> dict[str, NDArray[np.float64]]:
    """How pushes go with size and gradient, and the groups by gradient that the figure shows."""
    found: dict[str, list[NDArray[np.float64]]] = {
        name: [] for name in ("at_hundred_times", "at_ten_times", "gradient", "share")
    }
    for of_one in zip(watched.size, watched.gradient, watched.push, strict=True):
        learns = of_one[1] > EPS
        size, gradient, push = (each[learns] for each in of_one)
        share = push / size
        found["at_hundred_times"].append(100 ** power(*in_groups(size, push)))
        groups = in_groups(gradient, share)
        found["at_ten_times"].append(10 ** power(*groups))
        found["gradient"].append(groups[0])
        found["share"].append(groups[1])
    return {name: np.stack(values, axis=-1) for name, values in found.items()}


def in_groups(
    by: NDArray[np.float64], what: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Medians of both in ten groups of rising ``by``, equally many numbers in each."""
    order = np.argsort(by, kind="stable")
    groups = [
        (np.median(by[rows]), np.median(what[rows])) for rows in np.array_split(order, GROUPS)
    ]
    return np.array([group[0] for group in groups]), np.array([group[1] for group in groups])


def power(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """The slope of the logarithm of y over that of x."""
    return np.array(np.polyfit(np.log(x), np.log(y), 1)[0])


@dataclass
class Watched:
    """Of every weight, shape (replicas, weights): means over the steps that count."""

    size: NDArray[np.float64]
    gradient: NDArray[np.float64]
    push: NDArray[np.float64]


class DataStep:
    """By hand the step that an optimiser would take if its numerator knew the data alone."""

    def __init__(self, optimiser: str, like: Sequence[Tensor]) -> None:
        self.optimiser = optimiser
        self.means = [torch.zeros_like(each) for each in like]
        self.steps = 0

    def see(self, gradients: Sequence[Tensor]) -> None:
        """Take in a step's gradients of the data."""
        self.steps += 1
        for mean, gradient in zip(self.means, gradients, strict=True):
            mean.mul_(FIRST_MEAN).add_(gradient, alpha=1 - FIRST_MEAN)

    def ways(self, gradients: Sequence[Tensor], squares: Sequence[Tensor] | None) -> list[Tensor]:
        """How far each weight would go.

        Args:
            gradients: of the data in this step.
            squares: the optimiser's running means of squares, after the step; None for SGD.
        """
        rate = RATES[self.optimiser]
        if squares is None:
            return [-rate * gradient for gradient in gradients]
        first, second = 1 - FIRST_MEAN**self.steps, 1 - SECOND_MEAN**self.steps
        return [
            -rate * (mean / first) / ((square / second).sqrt() + EPS)
            for mean, square in zip(self.means, squares, strict=True)
        ]


def train(course: Rows, task: str, optimiser: str, decay: float) -> Watched:
    """Train all replicas of a task, and watch every weight."""
    sample = course.samples[task]
    nets = in_double(sample, task)
    stepper = getattr(torch.optim, optimiser)(
        nets.parameters(), lr=RATES[optimiser], weight_decay=decay
    )
    weights = [p for name, p in nets.named_parameters() if name.endswith("weight")]
    by_hand = DataStep(optimiser, weights)
    sums = [[torch.zeros_like(p.detach()) for p in weights] for _ in range(3)]
    orders = [torch.Generator().manual_seed(seed) for seed in sample.seeds]
    counted = 0
    for step in range(course.effort):
        stepper.zero_grad()
        batch_losses(nets, sample, orders).sum().backward()
        gradients = [p.grad.clone() for p in weights if p.grad is not None]
        before = [p.detach().clone() for p in weights]
        stepper.step()
        by_hand.see(gradients)
        if step < course.effort // 4:
            continue
        counted += 1
        squares = None
        if optimiser != "SGD":
            squares = [stepper.state[p]["exp_avg_sq"] for p in weights]
        for at, way in enumerate(by_hand.ways(gradients, squares)):
            sums[0][at] += before[at].abs()
            sums[1][at] += gradients[at].square()
            sums[2][at] += (weights[at].detach() - before[at] - way).abs()
    size, square, push = (
        np.asarray(torch.cat([each.flatten(1) for each in one], dim=1), np.float64) / counted
        for one in sums
    )
    return Watched(size, np.sqrt(square), push)


COLOURS = {"SGD": GREEN, "Adam": ORANGE, "AdamW": BLUE}
SHOWN = 1e-2


def share_by_gradient(table: pd.DataFrame) -> Figure:
    """Which share of a weight a step takes off, by the size of the data's gradient."""
    from matplotlib.figure import Figure

    figure = Figure()
    table = table[table["decay"] == SHOWN]
    for axes, task in zip(figure.subplots(1, len(TASKS), sharey=True), TASKS, strict=True):
        _draw_task(axes, table[table["task"] == task])
        axes.set_title(TASKS[task], fontsize=18)
    figure.axes[0].set_ylabel("share that a step takes off\n(times rate x decay)", fontsize=18)
    figure.axes[0].legend(loc="lower left", bbox_to_anchor=(0, 0.08))
    figure.supxlabel(
        "root mean square of the data's gradient (a dot: a tenth of the weights)", fontsize=18
    )
    figure.suptitle(_headline(table), fontsize=18)
    return figure


def _draw_task(axes: Axes, rows: pd.DataFrame) -> None:
    for optimiser, colour in COLOURS.items():
        mine = rows[rows["optimiser"] == optimiser]
        x, y = (
            mine[mine["response"] == name].groupby("round")["value"]
            for name in ("gradient", "share")
        )
        unit = RATES[optimiser] * SHOWN
        low, middle, high = (y.quantile(q) / unit for q in (0.1, 0.5, 0.9))
        axes.fill_between(x.median(), low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(x.median(), middle, color=colour, marker="o", label=optimiser)
    axes.axhline(1, color=BLACK, linewidth=1, linestyle="--")
    axes.set_xscale("log")
    axes.set_yscale("log")


def _headline(table: pd.DataFrame) -> str:
    """What ten times the gradient does to the share."""
    of_adam = table[(table["optimiser"] == "Adam") & (table["response"] == "at_ten_times")]
    ratios = of_adam[of_adam["task"] == "digits"]["value"].to_numpy(np.float64)
    return (
        "At ten times the gradient, Adam's weight_decay takes off "
        f"{told(ratios, '.2f', 'times')} the share (digits),\nAdamW's the same share "
        f"(weight_decay 0.01, CPU; medians over {table['block'].nunique()} seeds, bands: middle "
        "80 %)"
    )


EXPERIMENT: Experiment[Rows] = Experiment(
    question="How hard does weight decay push which weight, in a network that learns from data?",
    factors=(TASK, OPTIMISER, DECAY),
    responses=(
        Response(
            "at_hundred_times",
            "times",
            "how hard decay pushes a weight that is a hundred times as large, over the smaller",
        ),
        Response(
            "at_ten_times",
            "times",
            "share that decay takes off a weight where the data's gradient is ten times as large, "
            "over that where it is not",
        ),
        Response("gradient", "1", "root mean square of the data's gradient, by tenths of weights"),
        Response("share", "1", "share of a weight that decay takes off in a step, by tenths"),
    ),
    blocks=PerProfile(2, 20, 40),
    together=PerProfile(2, 20, 20),
    effort=PerProfile(20, 200, 200),  # steps
    prepare_together=prepare,
    measure_together=measure,
    claims=CLAIMS,
    figures=(share_by_gradient,),
)
