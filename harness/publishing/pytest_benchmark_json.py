"""The times of one side in pytest-benchmark's format, for the tools that read it.

``pytest-benchmark compare base.json head.json`` and github-action-benchmark do. A value is the
median of one block, a fresh process. No host name is written.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pandas as pd

from harness.files import write_bytes
from harness.protocol.comparison import BASE, HEAD, Comparison, Side

#: The folder of both files, in that of their comparison.
FOLDER = "pytest-benchmark"
VERSION = "5.2.0"
#: Quartiles and outlier fences take so many values at least.
FEWEST = 2


def write_pytest_benchmark(folder: Path, comparison: Comparison, table: pd.DataFrame) -> list[Path]:
    """Write ``base.json`` and ``head.json``, where anything was timed.

    Raises:
        HarnessError: they cannot be written.
    """
    written = []
    for side in (BASE, HEAD):
        content = side_as_pytest_benchmark(comparison, table, side)
        if content["benchmarks"]:
            path = folder / FOLDER / f"{side}.json"
            write_bytes(path, (json.dumps(content, indent=1) + "\n").encode())
            written.append(path)
    return written


def side_as_pytest_benchmark(
    comparison: Comparison, table: pd.DataFrame, side: Side
) -> dict[str, Any]:
    """The file's content.

    Args:
        comparison: what was compared.
        table: its rows.
        side: whose times.
    """
    rows = table[(table["side"] == side) & (table["response"] == "seconds")]
    rows = rows[(rows["phase"] == "measured") & rows["value"].notna()]
    medians = rows.groupby(["benchmark", "block"])["value"].median()
    timed = [b.name for b in comparison.benchmarks if b.name in set(rows["benchmark"])]
    machine, asked = comparison.machine, comparison.asked(side)
    return {
        "machine_info": {
            "node": "",
            "processor": "",
            "machine": str(machine.get("system", "")).rpartition(" ")[2],
            "system": str(machine.get("system", "")).partition(" ")[0],
            "release": "",
            "python_version": str(machine.get("python", "")),
            "python_implementation": "CPython",
            "cpu": {"brand_raw": str(machine.get("cpu", "")), "count": machine.get("cores")},
        },
        "commit_info": {
            "id": asked.source,
            "time": comparison.started,
            "author_time": comparison.started,
            "dirty": False,
            "project": "regress",
            "branch": side,
        },
        "benchmarks": [_entry(name, medians[name].tolist()) for name in timed],
        "datetime": comparison.started,
        "version": VERSION,
    }


def _entry(name: str, values: list[float]) -> dict[str, Any]:
    return {
        "group": None,
        "name": name.rpartition("::")[2],
        "fullname": name,
        "params": None,
        "param": None,
        "extra_info": {"a value is": "the median of a fresh process"},
        "options": {
            "disable_gc": True,
            "timer": "perf_counter",
            "min_rounds": len(values),
            "max_time": 0.0,
            "min_time": 0.0,
            "warmup": True,
        },
        "stats": _stats(values),
    }


def _stats(values: list[float]) -> dict[str, Any]:
    several = len(values) >= FEWEST
    mean = statistics.fmean(values)
    sd = statistics.stdev(values) if several else 0.0
    q1, median, q3 = statistics.quantiles(values, n=4) if several else [values[0]] * 3
    low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    inside = [value for value in values if low <= value <= high]
    far = sum(abs(value - mean) > sd for value in values)
    return {
        "min": min(values),
        "max": max(values),
        "mean": mean,
        "stddev": sd,
        "rounds": len(values),
        "median": median,
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": len(values) - len(inside),
        "stddev_outliers": far,
        "outliers": f"{far};{len(values) - len(inside)}",
        "ld15iqr": min(inside),
        "hd15iqr": max(inside),
        "ops": 1 / mean,
        "total": sum(values),
        "data": values,
        "iterations": 1,
    }
