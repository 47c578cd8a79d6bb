"""One block of the clock's calibration: ``python -m harness.calibration.clock_block SEED ROUNDS``.

Two arms do the same 50 microseconds of work, each on an array of its own, as two arms of a study do
that are one under two names. What came out is printed as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np

from harness.design.aa import COPY
from harness.design.factors import Arm
from harness.meters.clock import Timings, time_tasks
from harness.meters.device import TorchDevice

#: Sines of so many numbers take about 50 microseconds on a machine of today.
NUMBERS = 5_000


def main(seed: int, rounds: int) -> None:
    """Time the work against itself and print the times."""
    started = time.perf_counter()
    tasks = {Arm(((COPY.name, copy),)): _work(seed) for copy in COPY.levels}
    timings = time_tasks(tasks, rounds, seed, TorchDevice("cpu"))
    lasted = time.perf_counter() - started
    in_calls = sum(map(timings.in_calls, tasks))
    print(json.dumps({**_by_copy(timings), "block_seconds": lasted, "in_calls": in_calls}))  # noqa: T201 - the answer


def _work(seed: int) -> Callable[[], object]:
    numbers = np.random.default_rng(seed).random(NUMBERS)
    result = np.empty_like(numbers)
    return lambda: np.sin(numbers, result)


def _by_copy(timings: Timings) -> dict[str, list[float]]:
    """Seconds a call of each round, by the arm's name."""
    return {
        copy: [
            timing.chunk.seconds
            for timing in timings.chunks
            if timing.phase == "measured" and timing.arm[COPY] == copy
        ]
        for copy in COPY.levels
    }


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
