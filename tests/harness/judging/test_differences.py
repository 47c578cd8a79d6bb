"""What differs between two sides, and what of it can be set equal."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judging.differences import Difference, differences
from harness.meters.machine import DEFAULTS

PROOF: dict[str, Any] = {
    "python": "3.11.7",
    "torch": "2.13.0",
    "build": "aaa",
    "build_settings": "bbb",
    "cuda": "",
    "torch_file": "/a/torch",
    "packages": {"torch": "2.13.0", "sympy": "1.13"},
    "defaults": {"float32_matmul_precision": "highest", "threads": 2, "mkldnn": True},
    "environment": {"OMP_NUM_THREADS": "1"},
}


def test_a_side_does_not_differ_from_itself() -> None:
    assert differences(PROOF, {**PROOF, "torch_file": "/b/torch"}) == []


def test_packages_defaults_and_variables_are_named_with_both_values() -> None:
    head = {
        **PROOF,
        "torch": "2.14.1",
        "packages": {"torch": "2.14.1", "networkx": "3"},
        "defaults": {"float32_matmul_precision": "high", "threads": 8, "mkldnn": False},
        "environment": {},
    }
    assert [str(each) for each in differences(PROOF, head)] == [
        "interpreter torch: 2.13.0 on base, 2.14.1 on head",
        "default float32_matmul_precision: highest on base, high on head",
        "default mkldnn: True on base, False on head",
        "variable OMP_NUM_THREADS: 1 on base, not there on head",
        "package networkx: not there on base, 3 on head",
        "package sympy: 1.13 on base, not there on head",
        "package torch: 2.13.0 on base, 2.14.1 on head",
    ]


def test_what_two_commits_require_is_compared_though_neither_is_installed() -> None:
    base, head = ({**PROOF, "requires": {"torch": form}} for form in (">=2.11", ">=2.14"))
    (found,) = differences(base, head)
    assert str(found) == "requirement torch: >=2.11 on base, >=2.14 on head"
    assert not found.can_be_set_equal
    assert differences({**PROOF, "requires": {}}, {**PROOF, "requires": {"torch": ">=2"}}) == []


@pytest.mark.parametrize(
    ("difference", "can"),
    [
        (Difference("default", "cudnn_benchmark", "False", "True", False), True),
        (Difference("default", "mkldnn", "True", "False", True), False),
        (Difference("default", "new", "not there", "True"), False),
        (Difference("variable", "OMP_NUM_THREADS", "not there", "1"), True),
        (Difference("package", "torch", "1", "2", "1"), False),
        (Difference("interpreter", "python", "3.11", "3.12"), False),
    ],
)
def test_what_can_be_set_equal(difference: Difference, can: bool) -> None:
    assert difference.can_be_set_equal == can


def test_every_default_that_can_be_set_equal_can_be_set_in_this_torch() -> None:
    """A worker sets each to the value it has already: none raises, and none changes."""
    import torch

    from harness.judging.differences import FIXED, SET_ALIKE
    from harness.meters.machine import torch_defaults
    from harness.running.turn_worker import _set

    before = torch_defaults(torch)
    assert DEFAULTS.keys() - before.keys() <= {"allocator"}  # which a build for a CPU lacks
    for name, value in before.items():
        if name not in FIXED | SET_ALIKE:
            _set(torch, name, DEFAULTS[name], value)
    assert torch_defaults(torch) == before
