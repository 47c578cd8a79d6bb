"""What this machine can and cannot measure, and how noisy it is now."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from harness.calibration.noise import Noise, measure_noise
from harness.catalogue.claims import read_catalogue
from harness.meters import gpu
from harness.meters.device import open_device
from harness.meters.machine import describe_machine


def examine(results: Path) -> None:
    """Print the machine, what it can measure, and its noise.

    Raises:
        HarnessError: torch is not installed.
    """
    console = Console()
    machine = describe_machine(open_device("auto").kind)
    console.print(_machine_table(machine, results))
    console.print(_capability_table(machine["device"]))
    console.print(noise_sentences(measure_noise(_work())), soft_wrap=True)


def capabilities(device: str) -> dict[str, tuple[int, str]]:
    """For each need of the catalogue: how many claims have it, and whether a device meets it."""
    met = {
        "cpu": "can be measured here",
        "cpu or cuda": f"can be measured here (this machine's rows speak for {device})",
        "cuda": "can be measured here" if device == "cuda" else "needs a CUDA GPU: not here",
        "field data": "no machine can: it takes surveys or incident records",
    }
    counts: dict[str, int] = {}
    for entry in read_catalogue().values():
        counts[entry.needs] = counts.get(entry.needs, 0) + 1
    return {need: (count, met[need]) for need, count in counts.items()}


def noise_sentences(noise: Noise) -> str:
    """The noise in words."""
    interval = noise.interleaved
    half = (interval.high - interval.low) / 2
    return (
        f"Noise now: {noise.seconds_a_call * 1e3:.2f} ms of work against itself. Interleaved in "
        f"pairs: ratio {interval.estimate:.4f}, 99 % interval {interval.low:.4f} to "
        f"{interval.high:.4f} (half-width {half:.2%}). One half after the other, as two separate "
        f"measurements: ratio {noise.apart:.4f}. Without noise both are 1."
    )


def _work() -> Any:  # noqa: ANN401 - a closure
    matrix = np.random.default_rng(0).standard_normal((160, 160))
    return lambda: matrix @ matrix


def _machine_table(machine: dict[str, Any], results: Path) -> Table:
    table = Table(title="This machine", show_header=False)
    torch = machine["torch"]
    card = torch.get("gpu")
    there = next(p for p in [results.resolve(), *results.resolve().parents] if p.exists())
    rows = {
        "CPU": f"{machine['cpu']}, {machine['usable_cores']} usable cores",
        "memory": f"{machine['memory_gib']} GiB",
        "GPU": f"{card['name']}, {card['memory_gib']} GiB" if card else "none that torch can use",
        "torch": f"{torch['version']} (CUDA {torch['cuda'] or 'not built in'})",
        "python": machine["python"],
        "disk": f"{shutil.disk_usage(there).free / 2**30:.1f} GiB free for {results}",
    }
    if card:
        rows["GPU now"] = "; ".join(gpu.remarks()) or "neither throttled nor shared"
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _capability_table(device: str) -> Table:
    table = Table(title="Claims of the catalogue")
    table.add_column("needs")
    table.add_column("claims", justify="right")
    table.add_column("")
    for need, (count, sentence) in capabilities(device).items():
        table.add_row(need, str(count), sentence)
    return table
