"""Two results of other tools side by side: what they are worth, and never more."""

from __future__ import annotations

import math
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.errors import HarnessError
from harness.judging.unpaired import Unpaired, compare
from harness.publishing.job_summary import ends
from harness.store.foreign import read_foreign
from harness.words import plural, shown


def show_comparison(first: Path, second: Path) -> None:
    """Print what two files are worth together.

    Raises:
        HarnessError: one cannot be read, or they have no benchmark in common.
    """
    files = read_foreign(first), read_foreign(second)
    found = compare(*files)
    if not found:
        raise HarnessError(f"{first} and {second} have no benchmark in common.")
    console = Console(highlight=False)
    table = Table(show_edge=False)
    table.add_column("benchmark", overflow="fold", min_width=16)
    table.add_column("second / first", justify="right")
    table.add_column("99 % interval, unpaired", justify="right")
    table.add_column("n", justify="right")
    for each in found:
        table.add_row(
            Text(shown(each.benchmark)),
            f"{each.ratio.estimate:.3f}",
            ends(each.ratio) if math.isfinite(each.ratio.low + each.ratio.high) else "none",
            f"{each.counts[0]} and {each.counts[1]}",
        )
    console.print(table)
    alone = sum(len(file.times) for file in files) - 2 * len(found)
    if alone:
        console.print(f"{plural(alone, 'benchmark')} of one file alone left out.")
    for reasons, count in _by_reasons(found).items():
        told = Text(f"Not judgeable ({plural(count, 'benchmark')}), because: ")
        console.print(told.append(shown("; ".join(reasons))).append("."), soft_wrap=True)
    console.print("To judge: nox -s regress, which measures both in turns.")


def _by_reasons(found: list[Unpaired]) -> dict[tuple[str, ...], int]:
    counts: dict[tuple[str, ...], int] = {}
    for each in found:
        counts[each.because] = counts.get(each.because, 0) + 1
    return counts
