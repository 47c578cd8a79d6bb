"""What ``nox -s bench`` may compare: times of one machine, its GPU included."""

from __future__ import annotations

from typing import Any

import pytest

from tests.benchmarks.conftest import (
    pytest_benchmark_compare_machine_info,
    pytest_benchmark_update_machine_info,
)

HERE: dict[str, Any] = {"cpu": {"brand_raw": "Xeon", "count": 2, "arch": "X86_64"}, "gpu": "H100"}


def test_times_of_one_machine_are_compared() -> None:
    pytest_benchmark_compare_machine_info(HERE, {"machine_info": HERE})


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({**HERE, "gpu": "H200"}, "gpu 'H200', here 'H100'"),
        ({**HERE, "cpu": {**HERE["cpu"], "count": 8}}, "count 8, here 2"),
        ({}, "brand_raw None, here 'Xeon'"),
    ],
)
def test_times_of_another_machine_are_refused(there: dict[str, Any], said: str) -> None:
    with pytest.raises(pytest.UsageError, match=said):
        pytest_benchmark_compare_machine_info(HERE, {"machine_info": there})


def test_no_host_name_is_stored_and_the_gpu_is() -> None:
    info: dict[str, Any] = {"node": "a-host"}
    pytest_benchmark_update_machine_info(info)
    assert info["node"] == ""
    assert "gpu" in info
