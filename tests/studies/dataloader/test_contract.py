"""The data sets have what their names say, and what is counted as delivered."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from studies.dataloader import contract
from studies.dataloader.contract import (
    BOTH,
    DATASETS,
    EXAMPLES,
    LACKING,
    REPLACED,
    UNUSUAL,
    Numbers,
    delivered,
)


def methods(kind: str) -> tuple[bool, bool]:
    """Whether its class has a length and can be indexed."""
    made = type(DATASETS[kind]())
    lists = {list, dict, torch.Tensor}
    own = made in lists or "__getitem__" in {name for cls in made.__mro__ for name in vars(cls)}
    # A subclass of torch's data set inherits a method that raises.
    inherited = getattr(made, "__getitem__", None) is torch.utils.data.Dataset.__getitem__
    return hasattr(made, "__len__"), own and not inherited


def test_data_sets_have_the_methods_that_their_names_say() -> None:
    assert {methods(kind) for kind in (*BOTH, *UNUSUAL)} == {(True, True)}
    found = {kind: methods(kind) for kind in (*LACKING, *REPLACED)}
    assert found == {
        "no __len__": (False, True),
        "no __getitem__": (True, False),
        "no __len__, a sampler instead": (False, True),
        "no __getitem__, __getitems__ instead": (True, False),
        "neither, an IterableDataset": (False, False),
    }


def plant(monkeypatch: pytest.MonkeyPatch, *numbers: int) -> None:
    """Let the loader deliver these numbers, in batches of 7."""
    chunks = [torch.tensor(numbers[i : i + 7]) for i in range(0, len(numbers), 7)]
    monkeypatch.setattr(contract, "make_loader", lambda *_, **__: chunks)


def test_an_example_that_comes_twice_or_never_is_not_delivered_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(monkeypatch, *reversed(range(EXAMPLES)))
    assert delivered(Numbers(EXAMPLES)) == 1
    plant(monkeypatch, *range(EXAMPLES // 2))
    assert delivered(Numbers(EXAMPLES)) == 0.5
    plant(monkeypatch, *range(EXAMPLES), *range(EXAMPLES // 4))
    assert delivered(Numbers(EXAMPLES)) == 0.75


def test_a_loader_that_raises_half_way_has_delivered_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def raising(*_: Any, **__: Any) -> Any:  # noqa: ANN401 - an iterator of anything
        yield torch.arange(EXAMPLES)
        raise TypeError

    monkeypatch.setattr(contract, "make_loader", raising)
    assert delivered(Numbers(EXAMPLES)) == 0
