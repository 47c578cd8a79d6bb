"""One block in a process of its own: ``python -m harness.worker RUN EXPERIMENT BLOCK``.

The run folder is the whole request; the block's file is the whole answer.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from harness.device import open_device
from harness.discover import load_study
from harness.errors import HarnessError
from harness.folders import RunFolder
from harness.measure import REFUSED, measure_step
from harness.protocol import read_protocol
from harness.rules import Step


def main(arguments: list[str]) -> None:
    """Measure the block that the arguments name and write its file."""
    folder = RunFolder(Path(arguments[0]))
    protocol = read_protocol(folder.path)
    rules = protocol.experiments[arguments[1]]
    planned = rules.plan(protocol.study, protocol.seed)[int(arguments[2])]
    device = open_device(protocol.device)
    measure_step(load_study(protocol.study), protocol, folder, Step(rules, planned), device)


def end_with_parent() -> None:
    """End this process as soon as standard input ends, which the run holds open while it lives."""

    def watch() -> None:
        os.read(0, 1)
        os._exit(REFUSED)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    try:
        main(sys.argv[1:])
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the run has the terminal
        sys.exit(REFUSED)
