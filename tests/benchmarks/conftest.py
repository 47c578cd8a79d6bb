"""What pytest-benchmark stores of the machine, and what it may compare."""

from __future__ import annotations

from typing import Any

import pytest

from harness.libraries import torch


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """The GPU belongs to the machine; no host name goes into a file that is published."""
    machine_info["node"] = ""
    machine_info["gpu"] = torch.cuda.get_device_name() if torch.cuda.is_available() else ""


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_benchmark_compare_machine_info(
    machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
) -> None:
    """Times of two machines are not compared."""
    here, there = _told_apart(machine_info), _told_apart(compared_benchmark["machine_info"])
    told = [
        f"{name} {there[name]!r}, here {here[name]!r}" for name in here if here[name] != there[name]
    ]
    if told:
        raise pytest.UsageError(
            f"The stored times are from another machine ({'; '.join(told)}): they are not "
            "compared. Measure both in turns: nox -s regress."
        )


def _told_apart(machine_info: dict[str, Any]) -> dict[str, object]:
    """What tells machines apart."""
    cpu = machine_info.get("cpu") or {}
    return {
        **{name: cpu.get(name) for name in ("brand_raw", "count", "arch")},
        "gpu": machine_info.get("gpu") or "",
    }
