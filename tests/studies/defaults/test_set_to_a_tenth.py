"""Set to 0.1: each way does what its name says to the model that it makes."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from harness.design.factors import Arm, Block
from harness.figures.style import slide_style
from studies.defaults import set_to_a_tenth
from studies.defaults.families import MODERNBERT, without_dropout
from studies.defaults.set_to_a_tenth import (
    ALL,
    BUILDERS,
    BY_HAND,
    EDITED,
    FIELDS,
    LEFT,
    LOADED,
    RATE,
    WAY,
    measure,
    visible_by_way,
)

BLOCK = Block(index=0, seed=1, shared_seed=0)


def modules(model: nn.Module) -> set[float]:
    return {m.p for m in model.modules() if isinstance(m, nn.Dropout)}


def test_every_way_is_built_and_all_fields_of_the_family_are_set() -> None:
    assert set(BUILDERS) == set(WAY.levels)
    assert set(FIELDS) == set(without_dropout(MODERNBERT)) == set(ALL)


def test_ways_set_what_they_say() -> None:
    loaded: Any = BUILDERS[LOADED]()
    assert [getattr(loaded.config, name) for name in FIELDS] == [RATE] * 4
    assert modules(BUILDERS[BY_HAND]()) == {RATE}
    edited: Any = BUILDERS[EDITED]()
    assert [getattr(edited.config, name) for name in FIELDS] == [RATE] * 4
    alone: Any = BUILDERS["mlp_dropout alone"]()
    untouched: Any = BUILDERS[LEFT]()
    assert alone.config.mlp_dropout == RATE
    others = [name for name in FIELDS if name != "mlp_dropout"]
    assert all(getattr(alone.config, n) == getattr(untouched.config, n) for n in others)


class Noisy(nn.Module):
    """A network whose passes are a step apart, in train mode only, or in both."""

    def __init__(self, step: float, always: bool) -> None:
        super().__init__()
        self.step, self.always, self.passes = step, always, 0

    def forward(self, _: torch.Tensor) -> dict[str, torch.Tensor]:
        self.passes += 1
        moves = self.training or self.always
        return _Found(logits=torch.tensor([self.step * self.passes * moves]))


class _Found(dict[str, torch.Tensor]):
    def __getattr__(self, name: str) -> torch.Tensor:
        return self[name]


@pytest.mark.parametrize(
    ("step", "always", "visible"), [(0.01, False, 1.0), (1e-5, False, 0.0), (0.01, True, 0.0)]
)
def test_visible_is_a_gap_in_train_mode_and_none_in_eval_mode(
    monkeypatch: pytest.MonkeyPatch, step: float, always: bool, visible: float
) -> None:
    monkeypatch.setitem(set_to_a_tenth.BUILDERS, LEFT, lambda: Noisy(step, always))
    found = measure(BLOCK, Arm((("way", LEFT),)))
    assert found["train_gap"] == pytest.approx(4 * step)
    assert found["visible"] == visible


def test_the_figure_names_the_ways_without_effect() -> None:
    rows = [
        {"way": way, "block": 0, "response": "train_gap", "value": 0.0 if way == EDITED else 0.5}
        for way in WAY.levels
    ]
    table = pd.DataFrame(rows).assign(phase="")
    with slide_style():
        title = visible_by_way(table).get_suptitle()
    assert "0.50 or more" in title
    assert f"no effect: {WAY.say(EDITED)}\n" in title
