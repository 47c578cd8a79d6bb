"""One block in a process of its own: ``python -m harness.worker RUN EXPERIMENT BLOCK``.

The run folder is the whole request; the block's file is the whole answer.
"""

from __future__ import annotations

import sys
from pathlib import Path

from harness.device import open_device
from harness.discover import load_study
from harness.folders import RunFolder
from harness.protocol import read_protocol
from harness.run import Step, measure_step


def main(arguments: list[str]) -> None:
    """Measure the block that the arguments name and write its file."""
    folder = RunFolder(Path(arguments[0]))
    protocol = read_protocol(folder.path)
    rules = protocol.experiments[arguments[1]]
    planned = rules.plan(protocol.study, protocol.seed)[int(arguments[2])]
    device = open_device(protocol.device)
    measure_step(load_study(protocol.study), protocol, folder, Step(rules, planned), device)


if __name__ == "__main__":
    main(sys.argv[1:])
