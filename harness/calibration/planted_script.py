"""The planted benchmarks as a script of pyperf, which starts it again for each of its processes."""

from __future__ import annotations

import pyperf

from harness.calibration import planted_benchmarks
from harness.libraries import torch

if __name__ == "__main__":
    torch.set_num_threads(1)
    runner = pyperf.Runner()
    for name in planted_benchmarks.COMPARED:
        runner.bench_func(name, getattr(planted_benchmarks, name)("cpu"))
