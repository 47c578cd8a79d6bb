"""When does early stopping stop, and what counts as an improvement?

The document's class is written anew and shown validation losses: hundreds of made curves a seed,
that fall, turn, waver and stay, with patiences of 1 to 20. Where it must stop is worked out by
another way, from the definition: after the first epoch that ends P epochs in a row of which none is
lower by more than ``min_delta`` than the best before. Losses that are no number are beyond the
passage; what counts as a gain is looked at in ``min_delta``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

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
    equals,
)
from studies.production_loop.stopping import MIN_DELTA, PATIENCE, EarlyStopping, stops_after

PATIENCES = (1, 2, 5, 10, 20)
LENGTH = 120
FALLING, TURNING, WAVERING, FLAT = "falling", "falling, then rising", "wavering", "level"
NAN = "no number from the sixth epoch on"
CURVE = Factor("curve", (FALLING, TURNING, WAVERING, FLAT, NAN))
WAIT = Factor("patience", PATIENCES, words={n: f"patience {n}" for n in PATIENCES})

CLAIMS = (
    Claim(
        "C7.12",
        Value("off").always().at(curve=(FALLING, TURNING, WAVERING, FLAT)),
        equals(0.0),
        reading="The class stops after the epoch that ends the first P in a row without a loss "
        "below the best before by more than min_delta, and never else.",
        headline={"curve": WAVERING, "patience": PATIENCE},
    ),
    Beyond(
        "C7.12",
        Value("off").always().at(curve=NAN),
        equals(0.0),
        why="validation losses that are no number",
    ),
    Control(
        "a patience that is one too long is seen where it stops",
        Value("off_by_one").always().at(curve=(TURNING, FLAT), patience=(1, 2, 5, 10, 20)),
        at_least(1.0),
    ),
)


def curves(kind: str, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Made validation losses; shape (count, epochs)."""
    epochs = np.arange(LENGTH)
    scale = rng.uniform(3, 30, (count, 1))
    falling = np.exp(-epochs / scale) + 0.2
    noise = rng.normal(0, rng.uniform(1e-4, 0.05, (count, 1)), (count, LENGTH))
    if kind == FALLING:
        return falling + 0.1 * noise
    if kind == TURNING:
        turn = rng.integers(5, 60, (count, 1))
        return np.asarray(falling + 0.01 * np.maximum(epochs - turn, 0) + 0.02 * noise)
    if kind == WAVERING:
        return falling + noise
    if kind == FLAT:
        return np.full((count, LENGTH), 0.7) + 2e-5 * rng.standard_normal((count, LENGTH))
    losses = falling + noise
    losses[:, 5:] = math.nan
    return losses


def by_definition(losses: Sequence[float], patience: int, min_delta: float) -> int | None:
    """Where to stop: the best before an epoch is that of the epochs that were gains."""
    gains, best = [], math.inf
    for loss in losses:
        gains.append(loss < best - min_delta)
        best = loss if gains[-1] else best
    for epoch in range(patience, len(losses) + 1):
        if not any(gains[epoch - patience : epoch]):
            return epoch
    return None


def measure(block: Block, arm: Arm) -> Responses:
    """By how many epochs the class is off, at the most, over many curves."""
    rng = np.random.default_rng([block.seed, CURVE.levels.index(arm[CURVE]), arm[WAIT]])
    off, off_by_one = [], []
    for losses in curves(arm[CURVE], rng, block.effort).tolist():
        right = by_definition(losses, arm[WAIT], MIN_DELTA)
        off.append(gap(stops_after(losses, EarlyStopping(arm[WAIT])), right))
        off_by_one.append(gap(stops_after(losses, EarlyStopping(arm[WAIT] + 1)), right))
    return {"off": max(off), "off_by_one": max(off_by_one)}


def gap(one: int | None, other: int | None) -> float:
    """Epochs between two stops; not to stop is to stop after the end."""
    return float(abs((one or LENGTH + 1) - (other or LENGTH + 1)))


EXPERIMENT = Experiment(
    question="When does early stopping stop?",
    factors=(CURVE, WAIT),
    blocks=PerProfile(2, 20, 40),
    effort=PerProfile(10, 100, 200),  # curves
    measure=measure,
    responses=(
        Response("off", "epochs", "largest distance of the stop from where it must be"),
        Response("off_by_one", "epochs", "the same, with a patience that is longer by one"),
    ),
    claims=CLAIMS,
)
