"""A timed experiment on a planted GPU, with its rows: helpers, no tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from harness.design.aa import AA, COPY
from harness.design.alone import Alone
from harness.design.claims import Beyond, Claim
from harness.design.contrasts import Ratio
from harness.design.experiment import Experiment
from harness.design.factors import PerProfile
from harness.design.gpu_state import UNITS
from harness.design.regions import at_least
from harness.judging.judge import JudgedRun, judge_run
from tests.harness.fakes import MODE, observations, stored_run, study

BLOCKS, ROUNDS = 8, 3
EVAL, AGAIN, TRAIN = ("eval", "first"), ("eval", "again"), ("train", "first")
SLOWER = Claim("P-slow-1", Ratio("seconds", MODE).by_round(), at_least(1.1))
#: At its best: full clock, nothing that limits it, nobody beside.
BEST = {"sm_clock": 1980.0, "throttle_reasons": 0.0, "other_processes": 0.0, "power": 350.0}


def timed(*claims: Claim | Beyond, **more: Any) -> Experiment[Any]:  # noqa: ANN401 - whatever it takes
    """An experiment whose A/A is that of eval mode, within 1 %."""
    return Experiment(
        question="Is it slower?",
        task=lambda cell, arm: lambda: None,
        rounds=PerProfile(ROUNDS, ROUNDS, ROUNDS),
        aa=AA(0.01, at={"mode": "eval"}),
        factors=(MODE,),
        blocks=PerProfile(BLOCKS, BLOCKS, BLOCKS),
        claims=claims or (SLOWER,),
        **more,
    )


ALONE = timed(alone=Alone(PerProfile(0.1, 0.2, 0.5)))


def times(train: float = 1.2, again: float = 1.0, response: str = "seconds") -> pd.DataFrame:
    """Rows in which eval mode again and train mode take so many times as long as eval mode."""
    rng = np.random.default_rng(0)
    base = rng.uniform(1, 3, (BLOCKS, ROUNDS))
    noise = rng.uniform(0.999, 1.001, (BLOCKS, ROUNDS))
    values = {EVAL: base, AGAIN: base * again * noise, TRAIN: base * train * noise}
    return observations(values, (MODE, COPY), response=response, unit="s")


def state(
    values: Mapping[str, float | Mapping[tuple[str, str], ArrayLike]],
    phase: str = "state",
    arms: Sequence[tuple[str, str]] = (EVAL, AGAIN, TRAIN),
) -> pd.DataFrame:
    """The state of a GPU after every chunk.

    Args:
        values: of each quantity, one for all or some for each arm: shape (blocks, rounds).
        phase: of the rows.
        arms: that were sampled.
    """
    parts = []
    for name, given in values.items():
        by_arm = given if isinstance(given, Mapping) else dict.fromkeys(arms, given)
        planted = {
            arm: np.broadcast_to(np.asarray(value, np.float64), (BLOCKS, ROUNDS))
            for arm, value in by_arm.items()
        }
        columns = {"response": name, "unit": UNITS[name], "phase": phase}
        parts.append(observations(planted, (MODE, COPY), **columns))
    return pd.concat(parts, ignore_index=True)


def refused(name: str, why: str, blocks: Sequence[int] = range(BLOCKS)) -> pd.DataFrame:
    """The rows of a quantity that the GPU does not give."""
    rows = state({name: np.nan}, arms=[EVAL])
    return rows[(rows["round"] == 0) & rows["block"].isin(blocks)].assign(message=why)


def judge(path: Path, *parts: pd.DataFrame, experiment: Experiment[Any] | None = None) -> JudgedRun:
    """The run of one experiment on CUDA with these rows, judged."""
    table = pd.concat(parts, ignore_index=True)
    planted = study(speed=experiment or timed())
    return judge_run(stored_run(path, planted, {"speed": table}, device="cuda"))
