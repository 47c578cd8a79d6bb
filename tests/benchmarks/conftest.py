"""What pytest-benchmark stores of the machine, and what it may compare."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """No host name goes into a file that is published."""
    machine_info["node"] = ""


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_benchmark_compare_machine_info(
    machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
) -> None:
    """Times of two machines are not compared."""
    here = machine_info.get("cpu") or {}
    there = compared_benchmark["machine_info"].get("cpu") or {}
    told = [
        f"{name} {there.get(name)!r}, here {here.get(name)!r}"
        for name in ("brand_raw", "count", "arch")
        if here.get(name) != there.get(name)
    ]
    if told:
        raise pytest.UsageError(
            f"The stored times are from another machine ({'; '.join(told)}): they are not "
            "compared. Measure both in turns: nox -s regress."
        )
