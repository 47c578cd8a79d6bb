"""Simulated experiments: their values, differences, ratios or spreads have a known median."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from harness.calibration.populations import Floats, Population
from harness.design.contrasts import Contrast, Difference, Ratio, Value
from harness.design.factors import Factor, cross
from harness.judging.effects import Effect, Rows, compute_effect

Kind: TypeAlias = Literal["value", "difference", "ratio", "spread"]

ARM = Factor("arm", ("control", "treated"), control="control")
CONTRASTS: Mapping[Kind, Contrast] = {
    "value": Value("x").at(arm="treated"),
    "difference": Difference("x", ARM),
    "ratio": Ratio("x", ARM),
    "spread": Value("x").at(arm="treated").sd(),
}
ROUNDS = 5


def stream(seed: int, *names: object) -> np.random.Generator:
    """A generator for one part of the calibration, whatever order the parts are done in."""
    digest = hashlib.sha256(repr(names).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])


def simulate(
    kind: Kind, population: Population, shape: tuple[int, int], rng: np.random.Generator
) -> Floats:
    """Observations of simulated experiments in which the contrast follows the population.

    The blocks differ by far more than the arms do, as seeds and machines make them; the contrast
    has to take that out.

    Args:
        kind: what the population describes.
        population: of block values, differences, ratios or spreads.
        shape: experiments, blocks.
        rng: where the numbers come from.

    Returns:
        Shape (experiments, blocks, arms, rounds), the arms in the order of ``ARM``; a spread has
        ``ROUNDS`` rounds, the others one.
    """
    planted = population.draw(rng, shape)
    if kind == "spread":
        rounds = rng.standard_normal((*shape, ROUNDS))
        rounds -= rounds.mean(axis=-1, keepdims=True)
        rounds /= rounds.std(axis=-1, ddof=1, keepdims=True)
        level = rng.normal(0.0, 10.0, shape)[..., None]
        return np.stack([level + rounds, level + planted[..., None] * rounds], axis=2)
    if kind == "ratio":
        control = rng.lognormal(0.0, 1.0, shape)
        treated = control * planted
    else:
        control = rng.normal(0.0, 10.0, shape)
        treated = control + planted if kind == "difference" else planted
    return np.stack([control, treated], axis=2)[..., None]


def block_values(kind: Kind, observations: Floats) -> Floats:
    """The value of each block, shape (experiments, blocks), calculated for all at once."""
    control, treated = observations[:, :, 0], observations[:, :, 1]
    if kind == "spread":
        return np.asarray(treated.std(axis=-1, ddof=1))
    if kind == "difference":
        return np.asarray((treated - control)[..., 0])
    if kind == "ratio":
        return np.asarray((treated / control)[..., 0])
    return np.asarray(treated[..., 0])


def effect_from_table(kind: Kind, experiment: Floats) -> Effect:
    """What the judge makes of one experiment, from its table of rows.

    Args:
        kind: which contrast is judged.
        experiment: observations, shape (blocks, arms, rounds).
    """
    blocks, arms, rounds = np.indices(experiment.shape).reshape(3, -1)
    table = pd.DataFrame(
        {
            "block": blocks,
            "round": rounds,
            "phase": "measured",
            "arm": np.array(ARM.levels)[arms],
            "response": "x",
            "value": experiment.ravel(),
            "status": "ok",
            "message": "",
        }
    )
    (comparison,) = CONTRASTS[kind].comparisons(cross((ARM,)))
    return compute_effect(comparison, Rows(table, ["arm"], len(experiment)))
