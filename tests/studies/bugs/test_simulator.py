"""The simulator's setting."""

from __future__ import annotations

import numpy as np

from harness.design.factors import Arm, Block
from harness.workloads.tasks import SPIRAL_TANH
from studies.bugs.simulator import measure


def found(gradients: str) -> dict[str, object]:
    levels = (("task", SPIRAL_TANH), ("optimiser", "SGD"), ("gradients", gradients))
    (responses,) = measure((Block(0, 1, 2, effort=6),), Arm(levels))
    return dict(responses)


def test_losses_are_those_before_training_and_after_each_epoch() -> None:
    reset, kept = found("reset"), found("kept")
    losses = np.array(reset["loss"])
    assert losses.shape == (7,)
    assert losses[0] == np.array(kept["loss"])[0]
    assert np.array(kept["norm"]).shape == (6,)
    end = np.log10(losses[-1] / losses[0])
    np.testing.assert_allclose(float(str(reset["decades"])), end)
    assert float(str(reset["early_rises"])) == (losses[1:6] > losses[:5]).sum()
    parts = (
        float(str(kept["early_rises"])) >= 1,
        float(str(kept["decades"])) > 1,
        0.9 <= float(str(kept["exponent"])) <= 1.1,
        float(str(kept["straightness"])) > 0.95,
    )
    assert kept["as_described"] == all(parts)
