"""The checks of defaults can fail."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.data import default_collate

from studies.dataloader.defaults import (
    ACTS,
    ARGUMENT,
    DECLARED,
    EXPERIMENT,
    default_is,
    sampler_is,
)
from studies.dataloader.loaders import make_loader

#: For each check of what a loader does: settings under which it does something else.
OTHERWISE: dict[str, dict[str, Any]] = {
    "batch_size": {"batch_size": 2},
    "shuffle": {"shuffle": True},
    "num_workers": {"num_workers": 1},
    "sampler": {"shuffle": True},
    "sampler with shuffle=True": {},
    "collate_fn": {"collate_fn": lambda pairs: default_collate(pairs[::-1])},
    "drop_last": {"drop_last": True},
    "pin_memory": {"pin_memory": True},
}

#: Settings that are what is claimed, said out loud.
AS_CLAIMED: dict[str, dict[str, Any]] = {
    "batch_size": {"batch_size": 1},
    "shuffle": {"shuffle": False},
    "num_workers": {"num_workers": 0},
    "sampler": {"sampler": torch.utils.data.SequentialSampler(range(100))},
    "sampler with shuffle=True": {"shuffle": True},
    "collate_fn": {"collate_fn": default_collate},
    "drop_last": {"drop_last": False},
    "pin_memory": {"pin_memory": False},
}


@pytest.mark.parametrize("argument", ACTS)
def test_a_loader_that_acts_otherwise_is_found_out(argument: str) -> None:
    assert not ACTS[argument](OTHERWISE[argument])
    assert ACTS[argument](AS_CLAIMED[argument])


def test_the_default_is_read_from_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    def loader(rows: int = 7, shuffle: bool | None = None) -> None:
        """A signature of our own."""

    monkeypatch.setattr(torch.utils.data, "DataLoader", loader)
    made: Any = None
    assert default_is("rows", 7)(made)
    assert not default_is("rows", 1)(made)
    assert default_is("shuffle", False)(made)
    assert not default_is("shuffle", True)(made)


def test_another_sampler_or_collation_is_found_out() -> None:
    in_order = make_loader(range(3), sampler=torch.utils.data.SequentialSampler(range(3)))
    assert sampler_is("SequentialSampler")(in_order)
    assert not sampler_is("RandomSampler")(in_order)
    assert DECLARED["collate_fn"](make_loader(range(3), collate_fn=default_collate))
    assert not DECLARED["collate_fn"](make_loader(range(3), collate_fn=list))


def test_every_argument_is_looked_up_and_samplers_with_workers_too() -> None:
    assert set(DECLARED) == set(ARGUMENT.levels)
    arms = [arm.as_dict() for arm in EXPERIMENT.arms()]
    with_workers = {arm["argument"] for arm in arms if arm["workers"] == 2}
    assert with_workers == {"sampler", "sampler with shuffle=True"}
