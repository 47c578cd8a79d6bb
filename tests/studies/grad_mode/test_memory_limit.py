"""The search for the largest batch under a limit."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.errors import HarnessError
from studies.grad_mode import memory_limit
from studies.grad_mode.memory_limit import largest_batch, search


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000, 123_456])
def test_the_search_ends_within_its_resolution_below_the_limit(limit: int) -> None:
    found = search(lambda rows: rows <= limit, resolution=1.1)
    assert found <= limit
    assert found >= limit / 1.1 or limit - found < 1


def test_the_search_needs_something_that_fits() -> None:
    with pytest.raises(HarnessError, match="Not even"):
        search(lambda _: False)


LIMITED = """
import numpy as np, torch
from studies.grad_mode.memory_limit import MIB, set_limit
torch.ones(8)
set_limit("cpu", 32 * MIB)
torch.empty(24 * MIB, dtype=torch.uint8)
try:
    torch.empty(40 * MIB, dtype=torch.uint8)
except RuntimeError as error:
    print("can't allocate memory" in str(error))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is that of the Linux kernel")
def test_what_is_beyond_the_budget_cannot_be_allocated() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


def test_a_process_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_limit, "__name__", "studies.grad_mode.no_such_module")
    with pytest.raises(HarnessError, match="no_such_module"):
        largest_batch("no_grad", "cpu")
