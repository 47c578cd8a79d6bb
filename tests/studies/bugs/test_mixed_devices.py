"""Mixing places: what is tried, and what is made of the answers."""

from __future__ import annotations

import pytest
import torch

from harness.design.factors import Arm, Block
from studies.bugs.elsewhere import refused
from studies.bugs.mixed_devices import ACROSS, OPERATIONS, USUAL, measure, outcomes


def test_all_operations_run_where_nothing_is_mixed() -> None:
    found = outcomes("cpu")
    assert set(found) == {f"{how}: {name}" for how in ("mixed", "together") for name in OPERATIONS}
    assert not any(found.values())


def test_ways_across_are_no_usual_operations() -> None:
    assert len(USUAL) == 13
    assert not set(USUAL) & set(ACROSS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_is_given_one_tensor_in_each_place(name: str) -> None:
    """On the meta device a batch of numbers is told from one without, by where it is made."""
    places: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        for maker in ("ones", "zeros"):
            make = getattr(torch, maker)

            def watched(*args: object, make: object = make, **kwargs: object) -> object:
                places.append(kwargs["device"])
                return make(*args, **kwargs)  # type: ignore[operator]

            patch.setattr(torch, maker, watched)
        refused(OPERATIONS[name], "meta", "cpu")
    assert set(places) == {"meta", "cpu"}


def test_an_arm_reads_its_own_operation() -> None:
    run = {f"{how}: {name}": 0.0 for how in ("mixed", "together") for name in OPERATIONS}
    run["mixed: sum"] = 1.0
    for name in OPERATIONS:
        found = measure(Block(0, 1, 2, run=run), Arm((("operation", name),)))
        assert found == {"mixed": float(name == "sum"), "together": 0}
