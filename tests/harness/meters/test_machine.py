"""The machine's description: what a reader needs, and nobody's name."""

from __future__ import annotations

import getpass
import json
import os
import platform
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.meters.machine import (
    describe_machine,
    environment_variables,
    package_versions,
    slug,
    torch_defaults,
)


def test_a_cpu_is_described_without_host_and_user() -> None:
    described = describe_machine("cpu")
    assert described["device"] == "cpu"
    assert described["cores"] == os.cpu_count()
    assert described["memory_gib"] > 0
    assert described["python"] == platform.python_version()
    assert described["torch"]["version"] == torch.__version__
    assert "gpu" not in described["torch"]
    text = json.dumps(described)
    assert json.loads(text) == described, "it goes through JSON unchanged"
    for name in (socket.gethostname(), str(Path.home())):
        assert name not in text
    values = [str(value) for value in described.values()]
    assert getpass.getuser() not in values


def test_a_gpu_is_described_by_its_properties(monkeypatch: pytest.MonkeyPatch) -> None:
    properties = SimpleNamespace(name="Planted GPU 9000", total_memory=80 * 2**30, major=9, minor=1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: properties)
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91000)
    described = describe_machine("cuda")
    assert described["torch"]["gpu"]["name"] == "Planted GPU 9000"
    assert described["torch"]["gpu"]["memory_gib"] == 80.0
    assert described["torch"]["gpu"]["capability"] == "9.1"
    assert described["torch"]["cudnn"] == 91000
    assert slug(described) == "planted-gpu-9000"


def test_every_installed_package_is_named_with_its_version() -> None:
    from importlib import metadata

    found = package_versions()
    assert found["numpy"] == metadata.version("numpy")
    assert found["typing-extensions"] == metadata.version("typing-extensions"), "an indirect one"
    assert list(found) == sorted(found)


def test_only_variables_that_can_change_a_number_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    kept = {"OMP_NUM_THREADS": "2", "CUBLAS_WORKSPACE_CONFIG": ":4096:8", "PYTHONHASHSEED": "0"}
    for name, value in (kept | {"SECRET_TOKEN": "x", "HOME": "/root", "USER": "me"}).items():
        monkeypatch.setenv(name, value)
    assert environment_variables() == kept


def test_the_defaults_of_torch_are_those_in_force_and_what_it_lacks_is_left_out() -> None:
    before = torch.get_float32_matmul_precision()
    try:
        for precision in ("high", "highest"):
            torch.set_float32_matmul_precision(precision)
            assert torch_defaults(torch)["float32_matmul_precision"] == precision
    finally:
        torch.set_float32_matmul_precision(before)
    stub = SimpleNamespace(__name__="stub", get_num_threads=lambda: 3)
    assert torch_defaults(stub) == {"threads": 3}


def test_a_cpu_without_a_model_name_is_named_by_its_architecture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(path: Path, encoding: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert describe_machine("cpu")["cpu"] == platform.machine()


@pytest.mark.parametrize(
    ("cpu", "cores", "name"),
    [
        ("Intel(R) Xeon(R) Platinum 8488C", 2, "xeon-platinum-8488c-2c"),
        ("Intel(R) Core(TM) i7-1185G7 @ 3.00GHz", 8, "i7-1185g7-8c"),
        ("AMD EPYC 9354 32-Core Processor", 64, "epyc-9354-64c"),
        ("AMD Ryzen 7 5800X with Radeon Graphics", 16, "ryzen-7-5800x-radeon-graphics-16c"),
        ("", 4, "cpu-4c"),
    ],
)
def test_a_folders_name_keeps_what_tells_machines_apart(cpu: str, cores: int, name: str) -> None:
    machine: dict[str, Any] = {"cpu": cpu, "cores": cores, "torch": {}}
    assert slug(machine) == name
