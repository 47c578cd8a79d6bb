"""When does training without zero_grad diverge, and when does it win? A bowl gives the answer.

Gradients that are never reset add up: G' = G + g(w), w' = w - r G'. That is momentum with
coefficient 1, a ball that rolls without friction (see ``same_as_momentum``). In a bowl with
curvature c everything can be calculated. With a = r c, gradient descent multiplies w by 1 - a in
every step: it converges below a = 2 and diverges beyond. Without zero_grad

    w_n = cos((n + 1/2) t) / sqrt(1 - a/4),    cos t = 1 - a/2,

which swings for ever, never higher than 1 / (1 - a/4) times the initial loss, up to a = 4: it never
converges, and it stays bounded at rates from 2 to 4 where the correct loop explodes. Batches add
noise s to the gradient. The ball has no friction to lose what each push gives it: the mean of w^2
grows by about s^2 a / (2 (1 - a/4)) / c^2 a step, in proportion to the steps, not exponentially.

Momentum m < 1 of the optimiser's own turns the swing into an explosion at every rate. The roots of

    (z - 1)^2 (z - m) + a z^2 = 0

say how w grows: their product is m, and one of them is real and lies between 0 and m, for there the
left side changes its sign from -m to a m^2. So the product of the other two is above 1.

That is arithmetic, and explains what the grid of ``no_zero_grad`` shows; no claim is judged here.
torch.optim.SGD does the steps here, in double precision, and is compared with these formulas. Noise
is looked at in 10,000 bowls at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from harness import (
    Arm,
    Block,
    Control,
    Experiment,
    Factor,
    Level,
    PerProfile,
    Response,
    Responses,
    Value,
    at_most,
    equals,
    more_than,
)
from harness.figures import BLACK, BLUE, ORANGE, PURPLE
from harness.libraries import torch
from harness.workloads.curves import FAR, Curves, share_left
from studies.bugs.grid import DIVERGED, GRADIENTS, MILLION, as_array

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

RATE = Factor(
    "rate",
    (0.01, 0.1, 0.5, 1.0, 1.5, 1.9, 2.1, 2.5, 3.0, 3.5, 3.9, 4.1),
    label="learning rate times curvature",
)
CONVERGES = tuple(rate for rate in RATE.levels if rate < 2)  # with zero_grad
EXPLODES = tuple(rate for rate in RATE.levels if rate > 2)
BOUNDED = tuple(rate for rate in RATE.levels if rate < 4)  # without
MOMENTUM = Factor("momentum", (0.0, 0.9), words={0.0: ""})
NOISE = Factor("noise", (0.0, 0.1), label="noise of the gradient", words={0.0: ""})
NOISY = (0.1, 1.0)  # rates that are looked at with noise too
STEPS, BOWLS = 300, 10_000
ROUNDING = 1e-9  # 300 steps in double precision, and the swings beyond a = 3.5 are large
SAMPLING = 0.05  # the mean of w^2 over 10,000 bowls, whose own error is 1.4 %
FACTOR = 0.02  # a factor of some tens that 300 steps cannot tell from growth is below 1 % a step

WITHOUT: dict[str, Level] = {"gradients": "kept", "noise": 0.0}
WITH: dict[str, Level] = {"gradients": "reset", "noise": 0.0}

CLAIMS = (
    Control(
        "the formula without zero_grad",
        Value("gap").at(**WITHOUT, momentum=0.0, rate=BOUNDED).always(),
        at_most(ROUNDING),
    ),
    Control(
        "the formula with zero_grad",
        Value("gap").at(**WITH, momentum=0.0, rate=CONVERGES).always(),
        at_most(ROUNDING),
    ),
    Control(
        "beyond 2 the correct loop diverges",
        Value("decades").at(**WITH, momentum=0.0, rate=EXPLODES).always(),
        more_than(math.log10(DIVERGED)),
    ),
    Control(
        "without zero_grad the loss stays below its bound, up to 4",
        Value("over_bound").at(**WITHOUT, momentum=0.0, rate=BOUNDED).always(),
        at_most(1 + ROUNDING),
    ),
    Control(
        "and diverges beyond",
        Value("decades").at(**WITHOUT, momentum=0.0, rate=4.1).always(),
        more_than(math.log10(DIVERGED)),
    ),
    Control(
        "with momentum it grows as the largest root says",
        Value("over_root").at(**WITHOUT, momentum=0.9).always(),
        equals(1.0, within=FACTOR),
    ),
    Control(
        "with noise the loss grows as calculated",
        Value("over_expected").at(noise=0.1).always(),
        equals(1.0, within=SAMPLING),
    ),
)
RESPONSES = (
    Response(
        "decades",
        "powers of ten",
        "decimal logarithm of the loss over the last tenth of the steps, initial loss = 1",
    ),
    Response("largest", "1", "largest loss, initial loss = 1"),
    Response("over_bound", "1", "largest loss over its bound without zero_grad"),
    Response("over_root", "1", "growth of the weight a step over the largest root, with momentum"),
    Response("gap", "1", "largest distance of the weight from the formula, without noise"),
    Response("over_expected", "1", "loss over the last tenth of the steps over the calculated one"),
    Response("loss", "1", "loss before the first step and after each, initial loss = 1"),
)


def in_the_design(arm: Arm) -> bool:
    """Momentum where the correct loop converges without it, noise at two rates."""
    if arm[MOMENTUM] > 0:
        return arm[NOISE] == 0 and arm[RATE] in CONVERGES
    return arm[NOISE] == 0 or arm[RATE] in NOISY


def measure(block: Block, arm: Arm) -> Responses:
    """Take the steps from w = 1, and compare."""
    rate, noise, kept = arm[RATE], arm[NOISE], arm[GRADIENTS] == "kept"
    plain = arm[MOMENTUM] == 0
    w, losses = descend(block, arm, kept=kept)
    finite = np.nan_to_num(losses, nan=10**FAR, posinf=10**FAR).clip(max=10**FAR)
    path, expected = calculated(rate, noise, kept=kept)
    left = float(share_left(losses[:1], losses[1:, None])[0])
    return {
        "decades": math.log10(left),
        "largest": float(finite.max()),
        "over_bound": float(finite.max()) * (1 - rate / 4) if plain and rate < 4 else math.nan,
        "over_root": float(losses[-1]) ** (0.5 / STEPS) / largest_root(rate, arm[MOMENTUM]),
        "gap": float(np.abs(w - path).max()) if plain and noise == 0 else math.nan,
        "over_expected": left / float(share_left(losses[:1], expected[1:, None])[0]),
        "loss": finite.tolist(),
    }


def largest_root(rate: float, momentum: float) -> float:
    """Of (z - 1)^2 (z - m) + a z^2: by how much w grows in a step without zero_grad."""
    polynomial = np.polymul([1, -2, 1], [1, -momentum])
    return float(np.abs(np.roots(np.polyadd(polynomial, [rate, 0, 0]))).max())


def descend(block: Block, arm: Arm, *, kept: bool) -> tuple[Curves, Curves]:
    """Steps of torch.optim.SGD in bowls of curvature 1, on the CPU: see ``small``.

    Returns:
        The path of the first bowl's w and the mean of w^2 over all bowls, both (steps + 1,).
    """
    noise = arm[NOISE]
    stream = torch.Generator().manual_seed(block.seed)
    start = torch.ones(BOWLS if noise else 1, dtype=torch.float64)
    w = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([w], lr=arm[RATE], momentum=arm[MOMENTUM])
    seen = [(start[0], start.square().mean())]
    for _ in range(STEPS):
        if not kept:
            optimiser.zero_grad()
        push = noise * torch.randn(len(w), generator=stream, dtype=w.dtype)
        (w.square() / 2 + push * w).sum().backward()
        optimiser.step()
        seen.append((w.detach()[0].clone(), w.detach().square().mean()))
    path, losses = (as_array(torch.stack(of)) for of in zip(*seen, strict=True))
    return path, losses


def calculated(rate: float, noise: float, *, kept: bool) -> tuple[Curves, Curves]:
    """The path without noise, and the mean of w^2 with it; NaN where no formula is given.

    Every push of size s moves w by s r sin(m t) / sin t after m steps without zero_grad, and by
    s r (1 - a)^(m - 1) with it; the squares of independent pushes add up.
    """
    n = np.arange(STEPS + 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        if not kept:
            path, pushed = (1 - rate) ** n, (1 - rate) ** n[:-1]
        elif rate < 4:
            t = math.acos(1 - rate / 2)
            path = np.cos((n + 0.5) * t) / math.sqrt(1 - rate / 4)
            pushed = np.sin(n[1:] * t) / math.sin(t)
        else:
            path, pushed = np.full(len(n), math.nan), np.full(STEPS, math.nan)
        variance = np.concatenate([[0.0], (noise * rate) ** 2 * np.cumsum(pushed**2)])
        return path, path**2 + variance


def swings_and_limits(table: pd.DataFrame) -> Figure:
    """The swing at a small rate, the walk that noise makes of it, and the limits of both loops."""
    from matplotlib.figure import Figure

    figure = Figure()
    swing, walk, limits = figure.subplots(1, 3)
    for gradients, colour, name in (("reset", BLUE, "with zero_grad"), ("kept", ORANGE, "without")):
        of_loop = table[(table["gradients"] == gradients) & (table["momentum"] == 0)]
        kept = gradients == "kept"
        for axes, noise, last, over in ((swing, 0.0, 60, 1), (walk, 0.1, STEPS, 100)):
            rows = of_loop[(of_loop["rate"] == 0.1) & (of_loop["noise"] == noise)]
            losses = rows[rows["response"] == "loss"].groupby("round")["value"].median()
            for curve, style in (
                (losses.to_numpy(), {"color": colour}),
                (calculated(0.1, noise, kept=kept)[1], {"color": BLACK, "linestyle": ":"}),
            ):
                mean = np.convolve(curve, np.full(over, 1 / over), mode="valid")[: last + 1]
                axes.plot(np.arange(len(mean)) + (over - 1) / 2, mean, **style)
        largest = of_loop[(of_loop["response"] == "largest") & (of_loop["noise"] == 0)]
        by_rate = largest.groupby("rate")["value"].median()
        limits.plot(by_rate.index, by_rate.clip(upper=MILLION), "o-", color=colour, label=name)
    steep = table[(table["momentum"] > 0) & (table["gradients"] == "kept")]
    by_rate = steep[steep["response"] == "largest"].groupby("rate")["value"].median()
    limits.plot(
        by_rate.index, by_rate.clip(upper=MILLION), "s", color=PURPLE, label="without, momentum 0.9"
    )
    swing.set(title="rate x curvature\n= 0.1, no noise", xlabel="step", ylim=(0, None))
    swing.set_ylabel("loss, at the beginning = 1")
    walk.set(title="with noise: mean\nof 100 steps", xlabel="step", ylim=(0, None))
    limits.set(
        title="largest loss\n(up to a million)",
        xlabel="learning rate x curvature",
        yscale="log",
        ylim=(0.5, 3e6),
    )
    limits.axvspan(2, 4, color=ORANGE, alpha=0.15, linewidth=0)
    limits.text(3, 2e5, "only without\nzero_grad\nbounded", ha="center", va="top", fontsize=15)
    swing.plot([], [], ":", color=BLACK, label="calculated")
    handles, labels = limits.get_legend_handles_labels()
    dotted, calculated_label = swing.get_legend_handles_labels()
    figure.legend(
        [*handles, *dotted], [*labels, *calculated_label], loc="outside lower center", ncols=4
    )
    without, correct = (bounded_up_to(table, gradients) for gradients in ("kept", "reset"))
    figure.suptitle(
        f"In a bowl SGD's loss stays bounded up to learning rate x curvature = {without:g} without "
        f"zero_grad,\nup to {correct:g} with it (largest of the rates tried; {STEPS:,} steps; with "
        f"noise the mean of {BOWLS:,} bowls)",
        fontsize=18,
    )
    return figure


def bounded_up_to(table: pd.DataFrame, gradients: str) -> float:
    """The largest rate up to which plain SGD's loss stays below a million, without noise."""
    plain = (table["gradients"] == gradients) & (table["momentum"] == 0) & (table["noise"] == 0)
    largest = table[plain & (table["response"] == "largest")].groupby("rate")["value"].max()
    beyond = largest.index[largest >= MILLION]
    return float(max(rate for rate in largest.index if not len(beyond) or rate < beyond.min()))


EXPERIMENT = Experiment(
    question="When does training without zero_grad diverge in a bowl, and when does it win?",
    factors=(RATE, MOMENTUM, GRADIENTS, NOISE),
    only=in_the_design,
    blocks=PerProfile(1, 2, 10),
    measure=measure,
    responses=RESPONSES,
    claims=CLAIMS,
    figures=(swings_and_limits,),
)
