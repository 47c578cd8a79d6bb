"""The functions of ``regress`` as tests of pytest-benchmark: ``nox -s bench``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from harness.catalogue.benchmarks import read_benchmarks
from harness.cli.regress import OWN
from harness.workloads import benchmarks

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
TIMED = [each for each in read_benchmarks(OWN) if each.unit == "s"]


@pytest.mark.parametrize("name", [each.name for each in TIMED])
def test_time(benchmark: Callable[..., Any], name: str) -> None:
    torch.set_num_threads(1)  # as in the processes of regress
    torch.manual_seed(0)
    benchmark(getattr(benchmarks, name)(DEVICE))
