"""A second, independent look at a surprise: with some faults the loss is worse after eval().

Nothing here is torch's: a layer of random weights is normalised by NumPy, and scikit-learn fits the
output layer to it. Train mode normalises by the batch at hand, eval mode by what is stored.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

Rows = NDArray[np.float64]
BATCH = 64


@pytest.fixture(scope="module", params=range(3))
def losses(request: pytest.FixtureRequest) -> dict[str, float]:
    """Held-out losses of one network: correct, and by fault and mode."""
    stream = np.random.default_rng(request.param)
    pixels, labels = load_digits(return_X_y=True)
    x, order = (pixels - 8) / 4, stream.permutation(len(labels))
    known, fresh = order[:1400], order[1400:]
    weights = stream.normal(size=(64, 128)) / 8
    hidden: Rows = x[known] @ weights
    mean: Rows = hidden.mean(0)
    deviation: Rows = hidden.std(0)

    def stored(rows: Rows) -> Rows:
        return (rows - mean) / deviation

    def lost(rows: Rows) -> Rows:
        return rows  # mean 0 and variance 1, which batch norm starts from

    def by_batch(rows: Rows) -> Rows:
        batches = np.array_split(rows, len(rows) // BATCH)
        return np.concatenate([(batch - batch.mean(0)) / batch.std(0) for batch in batches])

    head = LogisticRegression(max_iter=2000).fit(np.maximum(stored(hidden), 0), labels[known])

    def loss(inputs: Rows, normalise: Callable[[Rows], Rows]) -> float:
        outputs = head.predict_proba(np.maximum(normalise(inputs @ weights), 0))
        return float(log_loss(labels[fresh], outputs))

    held_out = x[fresh]
    rescaled = (4 * held_out + 8) / 16
    return {
        "correct": loss(held_out, stored),
        "train mode only": loss(held_out, by_batch),
        "missing buffers, eval": loss(held_out, lost),
        "missing buffers, train": loss(held_out, by_batch),
        "input scale, eval": loss(rescaled, stored),
        "input scale, train": loss(rescaled, by_batch),
    }


@pytest.mark.parametrize("fault", ["missing buffers", "input scale"])
def test_where_stored_statistics_do_not_fit_the_batch_s_own_do_better(
    losses: dict[str, float], fault: str
) -> None:
    assert losses[f"{fault}, eval"] > 1.2 * losses[f"{fault}, train"]
    assert losses[f"{fault}, eval"] > 1.2 * losses["correct"]


def test_the_batch_s_own_statistics_undo_a_change_of_scale(losses: dict[str, float]) -> None:
    assert losses["input scale, train"] == pytest.approx(losses["train mode only"], rel=1e-6)
