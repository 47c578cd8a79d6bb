"""Burns a core in bursts: ``python -m harness.calibration.burner SEED PARENT``.

It stands for what else runs on a shared machine while something is timed, and ends when it is
killed or its parent is gone.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Bursts and pauses between them last so many seconds: longer and shorter than a round.
SHORTEST, LONGEST = 0.01, 0.5
#: What runs beside a trial.
NOTHING, BURSTS = "nothing", "bursts on a core"


def burn(
    seed: int,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    wanted: Callable[[], bool] = lambda: True,
) -> None:
    """Burn and pause by turns, for times drawn from the seed, as long as it is wanted."""
    lengths = random.Random(seed)  # noqa: S311 - no secret
    while wanted():
        until = clock() + lengths.uniform(SHORTEST, LONGEST)
        while clock() < until:
            pass
        sleep(lengths.uniform(SHORTEST, LONGEST))


@contextmanager
def burning(seed: int, *, wanted: bool = True) -> Iterator[None]:
    """Have a process burn a core meanwhile, if it is wanted."""
    if not wanted:
        yield
        return
    words = ["-m", "harness.calibration.burner", str(seed), str(os.getpid())]
    burner = subprocess.Popen([sys.executable, *words])
    try:
        yield
    finally:
        burner.kill()
        burner.wait()


@contextmanager
def by_turns(number: int, seed: int) -> Iterator[str]:
    """Have a process burn a core beside every other trial; says what runs beside this one.

    Args:
        number: of the trial.
        seed: of the bursts.
    """
    beside = BURSTS if number % 2 else NOTHING
    with burning(seed, wanted=beside == BURSTS):
        yield beside


if __name__ == "__main__":
    seed, parent = map(int, sys.argv[1:])
    burn(seed, wanted=lambda: os.getppid() == parent)
