"""Does the spread of a hundred passes cover what a regression does not know?

The variance over passes is a model's own uncertainty: it says how far the mean may be from the true
function, not from the next noisy target. Where rows are made, the true function is known: the
document's noisy sine (its listing 1, with its network and training), and Friedman's first function
of ten features, a standard problem. Calibrated means that the mean and 1.96 standard deviations to
both sides of it cover the true value in 95 % of rows held out, give or take five points; an upper
edge of 99 % keeps a spread that is far too wide from passing. One network of the sine covers a
stretch of it or misses it as a whole, so that shares differ much from seed to seed: hence sixty.

Beside the claim stand noisy targets, which the variance alone cannot cover and is not said to; the
same with the residual variance of the validation rows added, which is another method; and places
beyond the sine's training rows. Of diabetes, a real data set, the true function is not known: only
noisy targets can be covered there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    between,
)
from harness.libraries import torch
from harness.workloads.fitting import Recipe, fit
from harness.workloads.samples import Sample, draw_sample
from harness.workloads.tasks import Part
from studies.mc_dropout.levels import (
    COVERED,
    DIABETES,
    FRIEDMAN,
    PERIODS,
    PLACES,
    RATE,
    SINE,
)
from studies.mc_dropout.nets import perceptron
from studies.mc_dropout.passes import Moments, Numbers, dropout_alone, passes
from studies.mc_dropout.regression_figures import cover, sine_with_its_band

if TYPE_CHECKING:
    from torch import Tensor

    from harness.workloads import Replicas

TASK = Factor("task", (SINE, FRIEDMAN, DIABETES))
KNOWN = (SINE, FRIEDMAN)
PASSES, SIGMAS = 100, 1.96
COVERS = between(*COVERED)

READING = (
    "Calibrated, for a number: the mean of 100 passes and 1.96 of their standard deviations to "
    "both sides cover the true value of 90 to 99 % of rows held out (nominal: 95 %)."
)
NOISY = "noisy targets, which the model's own uncertainty does not speak of"

CLAIMS: tuple[Claim | Beyond, ...] = (
    Claim(
        "D-mc-1",
        Value("covers_truth").at(task=KNOWN),
        COVERS,
        reading=READING,
        headline={"task": SINE, "rate": 0.1},
    ),
    Beyond(
        "D-mc-1",
        Value("covers_target"),
        COVERS,
        why=NOISY,
        reading=READING.replace("true value", "noisy target"),
    ),
    Beyond(
        "D-mc-1",
        Value("covers_with_noise"),
        COVERS,
        why="the residual variance of the validation rows added, which is another method",
        reading="The mean and 1.96 standard deviations, of the passes and the residuals together, "
        "cover the noisy target of 90 to 99 % of rows held out.",
    ),
    Beyond(
        "D-mc-1",
        Value("covers_outside").at(task=SINE),
        COVERS,
        why="places beyond the training rows",
        reading=READING.replace("rows held out", "places in the half period beyond the training"),
    ),
)

RESPONSES = (
    Response("covers_truth", "1", "share of rows whose true value is covered"),
    Response("covers_target", "1", "share of rows whose noisy target is covered"),
    Response("covers_with_noise", "1", "share of targets covered, residual variance added"),
    Response("covers_outside", "1", "share of true values covered beyond the training rows"),
    Response("spread_over_error", "1", "spread of the passes over the error of their mean (RMS)"),
    Response("explained", "1", "share of the targets' variance that the mean explains"),
    Response("mean_at", "1", "mean of the passes at a place of the figure"),
    Response("sd_at", "1", "standard deviation of the passes at a place of the figure"),
)


class Data(NamedTuple):
    """Rows to train on and to test with, and what is true of them.

    Attributes:
        sample: three parts with noisy targets.
        truth: of the test rows, shape (replicas, rows, 1); NaN where it is not known.
        recipe: how the network is trained.
    """

    sample: Sample
    truth: Tensor
    recipe: Recipe


def draw(task: str, blocks: Sequence[Block]) -> Data:
    """A task's rows for every block."""
    seeds, device = [block.seed for block in blocks], blocks[0].device
    if task == SINE:
        sample = draw_sample("sine", seeds, held_out=200, device=device)
        # The listing's: Adam at 0.001 on all rows; twice its 500 epochs, since dropout slows.
        return Data(sample, sample.test.x.sin(), Recipe(1000, 80, "Adam", 1e-3))
    if task == DIABETES:
        sample = draw_sample("diabetes", seeds, device=device)
        unknown = torch.full_like(sample.test.y, math.nan)
        return Data(sample, unknown, Recipe(100, 64, "Adam", 1e-3))
    return friedman(seeds, device)


def friedman(seeds: Sequence[int], device: str) -> Data:
    """Ten uniform features, a function of five of them, and noise of standard deviation 1.

    Features are scaled to mean 0 and standard deviation 1, targets and their true values as the
    targets trained on are.
    """
    from sklearn.datasets import make_friedman1

    rows = (400, 150, 150)
    x, truth, y = [], [], []
    for seed in seeds:
        features, exact = make_friedman1(sum(rows), n_features=10, noise=0.0, random_state=seed)
        noisy = exact + np.random.default_rng(seed).normal(size=len(exact))
        mean, sd = noisy[: rows[0]].mean(), noisy[: rows[0]].std()
        x.append((features - 0.5) * math.sqrt(12))
        truth.append((exact - mean) / sd)
        y.append((noisy - mean) / sd)
    inputs, exact, targets = (
        torch.as_tensor(np.stack(each), dtype=torch.float32, device=device)
        for each in (x, truth, y)
    )
    train, val, test = (
        Part(a, b[..., None])
        for a, b in zip(inputs.split(rows, dim=1), targets.split(rows, dim=1), strict=True)
    )
    nothing = torch.zeros(train.x.shape[:2], dtype=torch.bool, device=device)
    sample = Sample(train, val, test, 0, nothing, tuple(seeds))
    return Data(sample, exact[:, -rows[2] :, None], Recipe(100, 64, "Adam", 1e-3))


class Spread(NamedTuple):
    """Mean and variance over passes, shape (replicas, rows)."""

    mean: Numbers
    variance: Numbers

    def covers(self, values: Tensor, noise: Numbers | float = 0.0) -> Numbers:
        """The share of values within 1.96 standard deviations of the mean, over replicas.

        Args:
            values: shape (replicas, rows, 1).
            noise: a variance to add, one a replica.
        """
        away = np.abs(values[..., 0].double().cpu().numpy() - self.mean)
        wide = SIGMAS * np.sqrt(self.variance + np.reshape(noise, (-1, 1)))
        share: Numbers = (away <= wide).mean(axis=1)
        return share


def spread(nets: Replicas, x: Tensor, count: int) -> Spread:
    """Pass rows forward with dropout on."""
    moments = Moments()
    for outputs in passes(dropout_alone(nets), x, count):
        moments.add(outputs[..., 0])
    return Spread(moments.mean(), moments.variance())


def residual_variance(said: Spread, y: Tensor) -> Numbers:
    """The mean squared error of the mean less the variance of the passes, never below zero."""
    errors = (y[..., 0].double().cpu().numpy() - said.mean) ** 2
    left: Numbers = np.maximum((errors - said.variance).mean(axis=1), 0)
    return left


def measure(blocks: tuple[Block, ...], arm: Arm) -> Sequence[Responses]:
    """Train, pass forward, and count what is covered."""
    data, effort = draw(arm[TASK], blocks), blocks[0].effort
    sample, recipe = data.sample, shortened(data.recipe, effort)
    nets = fit(lambda: perceptron(sample.features, 1, arm[RATE]), sample, recipe).nets
    torch.manual_seed(blocks[0].seed)
    count = max(10, PASSES // effort)
    val, test = (spread(nets, part.x, count) for part in (sample.val, sample.test))
    known = arm[TASK] in KNOWN
    nothing = np.full(len(blocks), math.nan)
    truth = data.truth[..., 0].double().cpu().numpy()
    targets = sample.test.y[..., 0].double().cpu().numpy()
    found = {
        "covers_truth": test.covers(data.truth) if known else nothing,
        "covers_target": test.covers(sample.test.y),
        "covers_with_noise": test.covers(sample.test.y, residual_variance(val, sample.val.y)),
        "spread_over_error": np.sqrt(
            test.variance.mean(axis=1) / ((truth - test.mean) ** 2).mean(axis=1)
        ),
        "explained": 1 - ((targets - test.mean) ** 2).mean(axis=1) / targets.var(axis=1),
        "covers_outside": nothing,
        "mean_at": nothing,
        "sd_at": nothing,
    }
    if arm[TASK] == SINE:
        places = torch.linspace(0, 2 * math.pi * PERIODS, PLACES, device=sample.test.x.device)
        x = places.expand(len(blocks), -1)[..., None]
        along = spread(nets, x, count)
        outside = places > 2 * math.pi
        beyond = Spread(along.mean[:, outside.cpu()], along.variance[:, outside.cpu()])
        found["covers_outside"] = beyond.covers(x[:, outside].sin())
        found["mean_at"], found["sd_at"] = along.mean, np.sqrt(along.variance)
    return [
        {name: values[place].tolist() for name, values in found.items()}
        for place in range(len(blocks))
    ]


def shortened(recipe: Recipe, times: int) -> Recipe:
    """A recipe with so many times fewer epochs, which is watched at the end alone."""
    epochs = max(1, recipe.epochs // times)
    return replace(recipe, epochs=epochs, watch_every=epochs)


EXPERIMENT: Experiment[Block] = Experiment(
    question="Does the spread of a hundred passes cover what a regression does not know?",
    factors=(TASK, RATE),
    responses=RESPONSES,
    blocks=PerProfile(3, 60, 100),
    together=PerProfile(3, 20, 20),
    effort=PerProfile(20, 1, 1),  # epochs and passes are divided by it
    measure_together=measure,
    claims=CLAIMS,
    figures=(sine_with_its_band, cover),
)
