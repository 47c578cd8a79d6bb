"""The planted benchmarks as a matrix of benchmatrix, a layer over pytest-benchmark."""

from __future__ import annotations

import os

from benchmatrix import BenchmarkCase, BenchmarkConfig, make_benchmark_test

from harness.calibration import planted_benchmarks
from harness.libraries import torch

torch.set_num_threads(1)

test_planted = make_benchmark_test(
    {name: getattr(planted_benchmarks, name)("cpu") for name in planted_benchmarks.COMPARED},
    [BenchmarkCase.from_values("cpu")],
    metrics=["single_call_latency"],
    config=BenchmarkConfig(
        pedantic_rounds=int(os.environ.get(planted_benchmarks.ROUNDS, "5")),
        pedantic_iterations=planted_benchmarks.CALLS,
        warmup_rounds=1,
    ),
)
