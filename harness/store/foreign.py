"""Results of other tools, read as what they are: pytest-benchmark, asv (version 2) and pyperf.

Only numbers and the words that say where they come from are taken; whatever does not fit is refused
in a sentence. A file is never more than text to us.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

#: No file is larger, in bytes.
LARGEST = 64 * 2**20
#: No file has more numbers.
MOST_NUMBERS = 2_000_000


@dataclass(frozen=True)
class Times:
    """What a file has of one benchmark.

    Attributes:
        values: one a repetition, in seconds; empty where only aggregates were kept.
        what: a repetition is ("round", "process", "sample").
        typical: the tool's own middle: a median, or a mean where there is nothing else.
        is_mean: whether that is a mean.
    """

    values: tuple[float, ...]
    what: str
    typical: float
    is_mean: bool = False


@dataclass(frozen=True)
class Foreign:
    """One file.

    Attributes:
        path: of the file.
        tool: that wrote it.
        cpu: the processor, as the file names it; empty where it does not.
        day: when it was measured, ISO; empty where it does not say.
        times: by benchmark.
    """

    path: Path
    tool: str
    cpu: str
    day: str
    times: Mapping[str, Times]


def read_foreign(path: Path) -> Foreign:
    """Read a file of results.

    Raises:
        HarnessError: it cannot be read, is broken or too large, or none of the three formats.
    """
    stored = _json(path)
    for fits, read in _READERS:
        if fits(stored):
            try:
                found = read(path, stored)
            except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
                raise HarnessError(
                    f"{path}: this is broken ({type(error).__name__}: {error})."
                ) from error
            if sum(len(each.values) for each in found.times.values()) > MOST_NUMBERS:
                raise HarnessError(f"{path}: these are too many numbers to compare.")
            if not found.times:
                raise HarnessError(f"{path}: there is no benchmark in it.")
            return found
    raise HarnessError(
        f"{path}: this is none of the formats that are read: pytest-benchmark JSON, asv JSON of "
        "version 2, pyperf JSON."
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise HarnessError(f"{path}: this is too large for a file of results.")
        stored = json.loads(path.read_bytes())
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except (ValueError, RecursionError) as error:
        raise HarnessError(f"{path}: this is no whole JSON ({str(error)[:100]}).") from error
    return stored if isinstance(stored, dict) else {}


def _is_pytest_benchmark(stored: dict[str, Any]) -> bool:
    return "machine_info" in stored and "benchmarks" in stored


def _pytest_benchmark(path: Path, stored: dict[str, Any]) -> Foreign:
    cpu = stored["machine_info"].get("cpu") or {}
    times = {}
    for each in stored["benchmarks"]:
        stats = each["stats"]
        values = _seconds(stats.get("data") or [])
        times[str(each["fullname"])] = Times(values, "round", _positive(stats["median"]))
    model = str(cpu.get("brand_raw") or cpu.get("brand") or "")
    return Foreign(path, "pytest-benchmark", model, str(stored.get("datetime", ""))[:10], times)


def _is_pyperf(stored: dict[str, Any]) -> bool:
    return "benchmarks" in stored and "version" in stored and "machine_info" not in stored


def _pyperf(path: Path, stored: dict[str, Any]) -> Foreign:
    common = stored.get("metadata") or {}
    times, days, cpu = {}, [], str(common.get("cpu_model_name", ""))
    for each in stored["benchmarks"]:
        own = {**common, **(each.get("metadata") or {})}
        if own.get("unit", "second") != "second":
            continue
        runs = [run for run in each["runs"] if run.get("values")]
        # A run is a process; what it repeats inside is no repetition of it.
        medians = tuple(_median(_seconds(run["values"])) for run in runs)
        days += [str((run.get("metadata") or {}).get("date", "")) for run in runs]
        cpu = cpu or str(own.get("cpu_model_name", ""))
        if medians:
            times[str(own["name"])] = Times(medians, "process", _median(medians))
    return Foreign(path, "pyperf", cpu, min(filter(None, days), default="")[:10], times)


def _is_asv(stored: dict[str, Any]) -> bool:
    return "result_columns" in stored and "results" in stored


def _asv(path: Path, stored: dict[str, Any]) -> Foreign:
    if stored.get("version") != 2:
        raise ValueError(f"asv's format {stored.get('version')!r} is not read")
    columns = [str(name) for name in stored["result_columns"]]
    times = {}
    for name, row in stored["results"].items():
        if not _is_of_times(name):
            continue
        entry = dict(zip(columns, row, strict=False))
        results = entry.get("result")
        if results is None:
            continue  # it failed as a whole
        samples = entry.get("samples") or [None] * len(results)
        for label, result, own in zip(_labels(entry, len(results)), results, samples, strict=True):
            if isinstance(result, (int, float)) and math.isfinite(result):
                values = _seconds(own or [])
                times[f"{name}{label}"] = Times(values, "sample", _positive(result))
    cpu = str((stored.get("params") or {}).get("cpu", ""))
    date = stored.get("date")
    day = datetime.fromtimestamp(date / 1000, UTC).date().isoformat() if date else ""
    return Foreign(path, "asv", cpu, day, times)


def _is_of_times(name: str) -> bool:
    """Whether asv measures seconds there; others are bytes, or whatever a function returns."""
    return name.rpartition(".")[2].lower().startswith("time")


def _labels(entry: Mapping[str, Any], count: int) -> list[str]:
    """What tells the results of one benchmark apart: the combinations of its parameters."""
    from itertools import product

    parameters = entry.get("params") or []
    combinations = math.prod(map(len, parameters))  # a few letters can ask for millions of them
    if combinations != count:
        raise ValueError(f"{combinations} combinations of parameters for {count} results")
    return [f"({', '.join(map(str, each))})" if each else "" for each in product(*parameters)]


def _seconds(values: Iterable[Any]) -> tuple[float, ...]:
    return tuple(_positive(value) for value in values)


def _positive(value: Any) -> float:  # noqa: ANN401 - whatever a file holds
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no time")
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{value!r} is no time")
    return float(value)


def _median(values: tuple[float, ...]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


_READERS: tuple[
    tuple[Callable[[dict[str, Any]], bool], Callable[[Path, dict[str, Any]], Foreign]], ...
] = ((_is_pytest_benchmark, _pytest_benchmark), (_is_asv, _asv), (_is_pyperf, _pyperf))
