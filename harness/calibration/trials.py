"""Trials: which intervals the calibration tries, on which distributions, with how many blocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.calibration.checks import Check
from harness.calibration.coverage import check_frequency, check_median, check_universal
from harness.calibration.populations import ANY_SIGN, NOT_NEGATIVE, Population
from harness.calibration.simulate import Kind

#: Enough where every single experiment has to come out the same.
SIMULATIONS_OF_FEW = 2_000
#: A frequency's interval depends on the number of events alone, so that many more cost nothing.
TIMES_FOR_FREQUENCIES = 100
#: The most blocks with which a median has no finite 99 % interval: tried whether used or not.
TOO_FEW = 7
SHARES = (0.01, 0.1, 0.5, 0.9)
KINDS: tuple[Kind, ...] = ("value", "difference", "ratio", "spread")


@dataclass(frozen=True)
class Trial:
    """One distribution at one number of blocks."""

    kind: Kind | Literal["frequency", "universal"]
    distribution: str
    blocks: int


def trials(counts: Iterable[int]) -> list[Trial]:
    """What is to be tried at the given numbers of blocks."""
    used = sorted(set(counts))
    tried = sorted({*used, TOO_FEW})
    return [
        *(Trial(kind, p.name, n) for kind in KINDS for p in populations(kind) for n in tried),
        *(Trial("frequency", str(share), n) for share in SHARES for n in used),
        *(Trial("universal", str(share), n) for share in SHARES for n in used),
    ]


def populations(kind: Kind) -> tuple[Population, ...]:
    """The distributions tried for a kind of block value."""
    return NOT_NEGATIVE if kind == "spread" else ANY_SIGN


def carry_out(trial: Trial, simulations: int, seed: int) -> list[Check]:
    """Simulate one trial: the same checks for the same arguments, whatever ran before."""
    if trial.kind == "frequency":
        many = TIMES_FOR_FREQUENCIES * simulations
        return check_frequency(float(trial.distribution), trial.blocks, many, seed)
    if trial.kind == "universal":
        return check_universal(float(trial.distribution), trial.blocks, simulations, seed)
    (population,) = (p for p in populations(trial.kind) if p.name == trial.distribution)
    if trial.blocks <= TOO_FEW:
        simulations = min(simulations, SIMULATIONS_OF_FEW)
    return check_median(trial.kind, population, trial.blocks, simulations, seed)
