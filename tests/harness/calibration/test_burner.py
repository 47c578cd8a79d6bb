"""The burner, on a planted clock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from harness.calibration.burner import LONGEST, SHORTEST, burn


class EnoughError(Exception):
    pass


def bursts(seed: int, count: int) -> list[tuple[float, float]]:
    """The lengths of some bursts and of the pauses after them."""
    now, woken = [0.0], [0.0]
    seen: list[tuple[float, float]] = []

    def clock() -> float:
        now[0] += 1e-3
        return now[0]

    def sleep(seconds: float) -> None:
        seen.append((now[0] - woken[0], seconds))
        if len(seen) == count:
            raise EnoughError
        now[0] += seconds
        woken[0] = now[0]

    with pytest.raises(EnoughError):
        burn(seed, clock, sleep)
    return seen


def test_bursts_and_pauses_take_turns_and_last_as_long_as_they_should() -> None:
    for burst, pause in bursts(0, 50):
        assert SHORTEST <= burst <= LONGEST + 0.01
        assert SHORTEST <= pause <= LONGEST


def test_the_seed_sets_their_lengths() -> None:
    assert bursts(1, 9) == bursts(1, 9)
    assert bursts(1, 9) != bursts(2, 9)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_burner_ends_when_who_started_it_is_killed() -> None:
    starts = "from harness.calibration.burner import burning\n"
    starts += "with burning(1):\n    print('burning', flush=True)\n    input()\n"
    with subprocess.Popen(
        [sys.executable, "-c", starts], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        (burner,) = psutil.Process(parent.pid).children()
        os.kill(parent.pid, signal.SIGKILL)
        assert psutil.wait_procs([burner], timeout=30)[1] == []
