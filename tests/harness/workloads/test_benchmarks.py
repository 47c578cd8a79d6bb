"""The project's benchmarks do work that can be repeated, and weigh what can be counted by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from harness.catalogue.benchmarks import read_benchmarks
from harness.cli.regress import OWN
from harness.meters.saved import saved_tensors
from harness.workloads import benchmarks

TIMED = [each for each in read_benchmarks(OWN) if each.unit == "s" and not each.needs]


@pytest.mark.parametrize("name", [each.name for each in TIMED])
def test_a_call_can_be_repeated_and_leaves_no_setting_behind(name: str) -> None:
    before = (torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled())
    work: Callable[[], object] = getattr(benchmarks, name)("cpu")
    for _ in range(3):
        work()
    assert (torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled()) == before


def test_saved_bytes_are_those_that_the_memory_meter_counts() -> None:
    net, x = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)), torch.randn(32, 8)
    with saved_tensors([*net.parameters(), x]) as saved:
        kept = net(x)
    assert benchmarks._saved_bytes(net, x) == saved.bytes == 4 * 32 * 16
    assert kept.shape == (32, 4)


@pytest.mark.parametrize("foreach", [True, False])
def test_an_optimiser_steps_from_gradients_that_stay(foreach: bool) -> None:
    optimiser = benchmarks._optimiser("cpu", foreach=foreach)
    (group,) = optimiser.param_groups
    before = [parameter.detach().clone() for parameter in group["params"]]
    optimiser.step()
    moved = [not torch.equal(old, new) for old, new in zip(before, group["params"], strict=True)]
    assert all(moved)
    assert len(moved) == benchmarks.MATRICES


def test_zero_grad_to_none_finds_the_same_gradients_in_every_call() -> None:
    work: Any = benchmarks.zero_grad_to_none("cpu")
    work()
    gradients = [cell.cell_contents for cell in work.__closure__]
    parameters = next(
        g for g in gradients if isinstance(g, list) and isinstance(g[0], nn.Parameter)
    )
    assert all(parameter.grad is not None for parameter in parameters)


def test_the_networks_can_be_imported_where_there_is_torch_and_nothing_else() -> None:
    """numpy, pandas and their like are hidden from a process that imports the file."""
    hidden = "numpy pandas scipy sklearn pyarrow rich typer matplotlib transformers psutil"
    code = (
        f"import sys; [sys.modules.__setitem__(n, None) for n in {hidden.split()!r}]\n"
        "import harness.workloads.benchmarks"
    )
    top = Path(benchmarks.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], cwd=top, check=True)
