"""Histories with known curves, and rows for figures."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from harness.design.experiment import Experiment
from harness.libraries import nn
from harness.workloads import Replicas
from harness.workloads.fitting import History


def history(
    val_loss: ArrayLike,
    *,
    train_loss: ArrayLike = 0.1,
    test_loss: ArrayLike | None = None,
    **scores: ArrayLike,
) -> History:
    """A history with these curves, shape (epochs, replicas); what is not given is constant."""
    val = np.asarray(val_loss, np.float64)

    def like(values: ArrayLike) -> NDArray[np.float64]:
        return np.broadcast_to(np.asarray(values, np.float64), val.shape)

    return History(
        epochs=np.arange(1, len(val) + 1),
        train_loss=like(train_loss),
        train_score=like(scores.get("train_score", 1.0)),
        val_loss=val,
        val_score=like(scores.get("val_score", 0.9)),
        test_loss=like(val if test_loss is None else test_loss),
        test_score=like(scores.get("test_score", 0.9)),
        nets=Replicas([nn.Linear(1, 1)]),
        decayed=0.0,
    )


def rows(
    experiment: Experiment[Any],
    value: Callable[[dict[str, Any], str, int], float],
    *,
    blocks: int = 20,
    rounds: int = 1,
) -> pd.DataFrame:
    """A table of an experiment with a planted value for each arm, response and block."""
    names = [response.name for response in experiment.responses]
    return pd.DataFrame(
        [
            arm.as_dict()
            | {"block": block, "round": place, "response": name, "status": "ok"}
            | {"value": value(arm.as_dict(), name, block)}
            for arm, name, block, place in itertools.product(
                experiment.arms(), names, range(blocks), range(rounds)
            )
        ]
    )
