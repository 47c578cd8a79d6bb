"""Document D's listings 1 and 3 as scripts: the lines that they print.

Run as ``python -m studies.listings.script PERCENT`` this prints the lines of both as JSON, or their
exceptions, with so many percent of the epochs and one thread.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from typing import TypeAlias

from harness.libraries import torch
from harness.workloads import six_strategies, three_penalties

FIRST, THIRD = "listing 1", "listing 3"
LISTINGS = (FIRST, THIRD)
#: What each prints: a title, three lines, an empty one and three; two of a head, and six.
LINES = {FIRST: 8, THIRD: 8}

#: The lines of each listing; a single one where it raised.
Printed: TypeAlias = "dict[str, list[str]]"


def in_a_process(percent: int) -> Printed:
    """Run both in a new process.

    Args:
        percent: of the listings' epochs.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(percent)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    printed: Printed = json.loads(done.stdout)
    return printed


def in_this_process(percent: int, shift: int = 0) -> Printed:
    """Run both here.

    Args:
        percent: of the listings' epochs.
        shift: what is added to the listings' seeds.
    """
    printed: Printed = {}
    for listing in LISTINGS:
        try:
            printed[listing] = lines_of(listing, percent, shift)
        except Exception as error:  # noqa: BLE001 - that it raises is what is asked
            printed[listing] = [f"{type(error).__name__}: {error}"]
    return printed


def lines_of(listing: str, percent: int, shift: int) -> list[str]:
    """The lines that a listing prints."""
    if listing == FIRST:
        importlib.import_module("matplotlib.pyplot")  # which it imports and does not use
        epochs = max(1, three_penalties.EPOCHS * percent // 100)
        found = three_penalties.listing(three_penalties.SEED + shift, epochs)
        return [
            "sparsity",
            *(
                f"{name}: {found[f'{name}: near zero']} {found[f'{name}: near zero in %']}"
                for name in three_penalties.PENALTIES
            ),
            "",
            *(f"{name}: {found[f'{name}: final MSE']:.4f}" for name in three_penalties.PENALTIES),
        ]
    epochs = max(1, six_strategies.EPOCHS * percent // 100)
    found = six_strategies.listing(six_strategies.SEED + shift, epochs)
    rows = [
        " | ".join([name, *(f"{found[f'{name}: {what}']:.3f}" for what in six_strategies.COLUMNS)])
        for name in six_strategies.STRATEGIES
    ]
    return [" | ".join(["strategy", *six_strategies.COLUMNS]), "-" * 65, *rows]


def main(percent: int) -> None:
    """Print what both listings print, as JSON."""
    torch.set_num_threads(1)
    json.dump(in_this_process(percent), sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))
