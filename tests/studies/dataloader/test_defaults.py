"""The checks of defaults can fail."""

from __future__ import annotations

from typing import Any

import pytest
from torch.utils.data import default_collate

from harness.design.factors import Block
from studies.dataloader.defaults import (
    ACTS,
    DECLARED,
    EXPERIMENT,
    default_is,
    measure,
    sampler_is,
)
from studies.dataloader.loaders import make_loader

#: For each check of what a loader does: settings under which it does something else.
OTHERWISE: dict[str, dict[str, Any]] = {
    "batch_size": {"batch_size": 2},
    "shuffle": {"shuffle": True},
    "num_workers": {"num_workers": 1},
    "persistent_workers": {"num_workers": 1, "persistent_workers": True},
    "sampler": {"shuffle": True},
    "sampler with shuffle=True": {},
    "collate_fn": {"collate_fn": lambda pairs: default_collate(pairs[::-1])},
    "drop_last": {"drop_last": True},
}


@pytest.mark.parametrize("argument", OTHERWISE)
def test_a_loader_that_acts_otherwise_is_found_out(argument: str) -> None:
    assert not ACTS[argument](OTHERWISE[argument])


def test_every_check_passes_by_default() -> None:
    for arm in EXPERIMENT.arms():
        found = measure(Block(0, 1, 2), arm)
        assert (found["declared"], found["acts"]) == (1, 1), arm


def test_another_declared_default_is_found_out() -> None:
    loader = make_loader(range(3))
    assert default_is("batch_size", 1)(loader)
    assert not default_is("batch_size", 2)(loader)
    assert not default_is("shuffle", True)(loader)
    assert not sampler_is("RandomSampler")(loader)
    assert not DECLARED["collate_fn"](make_loader(range(3), batch_size=None))


def test_arms_have_workers_only_where_they_matter() -> None:
    arms = [arm.as_dict() for arm in EXPERIMENT.arms()]
    assert {a["argument"] for a in arms if a["workers"] == 2} == {
        "persistent_workers",
        "sampler",
        "sampler with shuffle=True",
    }
