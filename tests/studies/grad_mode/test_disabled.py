"""What the two contexts leave untracked."""

from __future__ import annotations

import contextlib

import pytest

from harness.design.factors import Arm, Block
from studies.grad_mode import disabled
from studies.grad_mode.disabled import DO, DONE, EXPERIMENT, measure


def tracked(grad: str, done: str) -> bool:
    return measure(Block(0, 1, 2), Arm((("grad", grad), ("done", done))))["tracked"] == 1


def test_a_context_that_does_nothing_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disabled, "grad_mode", lambda _: contextlib.ExitStack())
    names = [name for name in DONE.levels if name != "decorated function"]
    assert all(tracked("no_grad", name) for name in names)


def test_a_result_that_is_detached_is_not_tracked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DONE.levels:
        monkeypatch.setitem(DO, name, lambda weight: weight.detach() * 2)
        assert not tracked("enabled", name)


def test_everything_is_tried_in_every_context() -> None:
    assert len(EXPERIMENT.arms()) == 3 * len(DONE.levels)
