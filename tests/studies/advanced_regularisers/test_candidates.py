"""The choice among candidates."""

from __future__ import annotations

import numpy as np

from harness.workloads.fitting import History
from studies.advanced_regularisers.candidates import choose


def history(val: list[list[float]], test: list[list[float]]) -> History:
    """Two replicas, watched twice; everything else is of no matter."""
    shape = np.shape(val)
    other = {
        name: np.zeros(shape) for name in ("train_loss", "train_score", "val_loss", "test_loss")
    }
    return History(
        np.array([1, 2]),
        val_score=np.array(val),
        test_score=np.array(test),
        nets=None,  # type: ignore[arg-type]  # nobody asks for them
        decayed=0.0,
        **other,
    )


def test_each_replica_takes_the_candidate_and_epoch_that_validate_best() -> None:
    """The first replica the first candidate's second epoch, the other the second's first one."""
    first = history([[0.5, 0.6], [0.9, 0.6]], [[0.1, 0.2], [0.3, 0.4]])
    second = history([[0.7, 0.8], [0.8, 0.5]], [[0.5, 0.6], [0.7, 0.8]])
    chosen = choose([first, second])
    assert chosen.which.tolist() == [0, 1]
    assert chosen.best.tolist() == [0.3, 0.6]
    assert chosen.val.tolist() == [0.9, 0.8]
    # After the last epoch the first candidate validates best for both.
    assert chosen.last.tolist() == [0.3, 0.4]


def test_of_equals_the_first_is_taken() -> None:
    same = [[0.5, 0.5], [0.5, 0.5]]
    chosen = choose([history(same, [[1, 1], [2, 2]]), history(same, [[3, 3], [4, 4]])])
    assert chosen.best.tolist() == [1, 1]
