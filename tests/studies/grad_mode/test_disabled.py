"""What the two contexts leave untracked."""

from __future__ import annotations

import contextlib

import pytest

from harness.design.factors import Arm, Block
from studies.grad_mode import disabled
from studies.grad_mode.disabled import DONE, EXPERIMENT, measure


def tracked(grad: str, done: str) -> bool:
    return measure(Block(0, 1, 2), Arm((("grad", grad), ("done", done))))["tracked"] == 1


def test_enable_grad_prevails_within_no_grad_but_not_within_inference_mode() -> None:
    assert tracked("no_grad", "in enable_grad within")
    assert not tracked("inference_mode", "in enable_grad within")


def test_a_context_that_does_nothing_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disabled, "grad_mode", lambda _: contextlib.ExitStack())
    names = [name for name in DONE.levels if name != "decorated function"]
    assert all(tracked("no_grad", name) for name in names)


def test_everything_is_tried_in_every_context() -> None:
    assert len(EXPERIMENT.arms()) == 3 * len(DONE.levels)
