"""The planted benchmarks as a suite of pytest-benchmark; runs by its path, as other tools need it.

Its name keeps the project's own tests from collecting it.
"""

from __future__ import annotations

from typing import Any

import pytest

from harness.calibration import planted_benchmarks
from harness.libraries import torch

torch.set_num_threads(1)


@pytest.mark.parametrize("name", planted_benchmarks.COMPARED)
def test_planted(benchmark: Any, name: str) -> None:  # noqa: ANN401 - untyped fixture
    """One planted benchmark."""
    benchmark(getattr(planted_benchmarks, name)("cpu"))
