"""The largest batch that fits, as responses."""

from __future__ import annotations

import pytest

from harness.design.factors import Arm, Block
from studies.grad_mode import largest_batch
from studies.grad_mode.largest_batch import EXPERIMENT, measure


@pytest.mark.parametrize(("grad", "alive"), [("enabled", 17), ("no_grad", 3)])
def test_a_limit_that_is_filled_by_activations_has_a_share_of_one(
    grad: str, alive: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = 32 * 2**20 // (512 * 4 * alive)
    monkeypatch.setattr(largest_batch, "largest_batch", lambda *_: rows)
    found = measure(Block(0, 1, 2), Arm((("grad", grad),)))
    assert found["rows"] == rows
    assert found["share"] == pytest.approx(1, rel=0.01)


def test_inference_mode_is_left_out() -> None:
    assert len(EXPERIMENT.arms()) == 2
