"""The machine a run measured on: what a number depends on, and no name of its owner."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from contextlib import suppress
from functools import reduce
from pathlib import Path
from typing import Any

from harness.meters import gpu
from harness.side_by_side import usable_cores

#: Environment variables that can change a number: how libraries share out threads, choose kernels
#: and precision, allocate memory, or order a set.
VARIABLES = re.compile(
    r"^(OMP_|MKL_|OPENBLAS_|BLIS_|NUMEXPR_|KMP_|GOMP_|ATEN_|TORCH|PYTORCH_|CUDA_|CUBLAS_|CUDNN_|"
    r"NVIDIA_TF32|NCCL_|MALLOC_|LD_PRELOAD$|PYTHONHASHSEED$|PYTHONMALLOC$|HF_HUB_OFFLINE$|"
    r"TRANSFORMERS_OFFLINE$|TOKENIZERS_)"
)

#: Settings of torch that can change a number, and where they stand.
DEFAULTS = {
    "dtype": "get_default_dtype",
    "float32_matmul_precision": "get_float32_matmul_precision",
    "matmul_allow_tf32": "backends.cuda.matmul.allow_tf32",
    "cudnn_allow_tf32": "backends.cudnn.allow_tf32",
    "cudnn_benchmark": "backends.cudnn.benchmark",
    "cudnn_deterministic": "backends.cudnn.deterministic",
    "cudnn_enabled": "backends.cudnn.enabled",
    "mkldnn_enabled": "backends.mkldnn.enabled",
    "flash_sdp": "backends.cuda.flash_sdp_enabled",
    "mem_efficient_sdp": "backends.cuda.mem_efficient_sdp_enabled",
    "math_sdp": "backends.cuda.math_sdp_enabled",
    "cudnn_sdp": "backends.cuda.cudnn_sdp_enabled",
    # The kinds of devices on which optimisers work on all parameters at once, if not told.
    "foreach_devices": "utils._foreach_utils._get_foreach_kernels_supported_devices",
    "deterministic_algorithms": "are_deterministic_algorithms_enabled",
    "fill_uninitialized_memory": "utils.deterministic.fill_uninitialized_memory",
    "mkldnn": "backends.mkldnn.is_available",
    "threads": "get_num_threads",
    "allocator": "cuda.memory.get_allocator_backend",
}


def machine_in_words() -> str:
    """CPU, cores and Python, as a page says what it was measured on."""
    return f"{cpu_model()}, {usable_cores()} cores, Python {platform.python_version()}"


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
        "environment": environment_variables(),
    }
    described["torch"] = _describe_torch(device)
    return described


def package_versions() -> dict[str, str]:
    """The version of every installed package, for an indirect one can change a number too."""
    found = {
        str(package.metadata["Name"]).lower().replace("_", "-"): package.version
        for package in importlib.metadata.distributions()
        if package.metadata["Name"]
    }
    return dict(sorted(found.items()))


def environment_variables() -> dict[str, str]:
    """The variables that can change a number, as this process has them."""
    return {name: os.environ[name] for name in sorted(os.environ) if VARIABLES.match(name)}


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


def torch_defaults(torch: Any) -> dict[str, Any]:  # noqa: ANN401 - the module, or a stand-in
    """The settings of torch that can change a number, as they are before a study changes any.

    What an installed torch does not have is left out.
    """
    found = {}
    for name, path in DEFAULTS.items():
        with suppress(AttributeError, RuntimeError, AssertionError):
            value = reduce(getattr, path.split("."), torch)
            value = value() if callable(value) else value
            found[name] = value if isinstance(value, (bool, int, float, str)) else str(value)
    return found


def _describe_torch(device: str) -> dict[str, Any]:
    import torch

    described: dict[str, Any] = {
        "version": torch.__version__,
        "cuda": torch.version.cuda,
        "interop_threads": torch.get_num_interop_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "defaults": torch_defaults(torch),
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
