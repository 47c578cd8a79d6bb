"""One arm alone for a while: the seconds of a call at the clock that its own work leads to."""

from __future__ import annotations

from dataclasses import dataclass

from harness.design.experiment import Task
from harness.meters.clock import HostClock, time_chunk
from harness.meters.device import Device

#: The part of the time in which a card finds the clock for the work; it is not measured.
SETTLING = 0.5


@dataclass(frozen=True)
class RanAlone:
    """What an arm gave that ran alone.

    Attributes:
        seconds: of a call, the mean over the part that is measured.
        calls: in that part.
    """

    seconds: float
    calls: int


def run_alone(task: Task, calls: int, seconds: float, device: Device, clock: HostClock) -> RanAlone:
    """Call a task again and again, with nothing between.

    Args:
        task: of the arm.
        calls: how many make a chunk; the device is synchronised after each, as in the rounds.
        seconds: for how long, at least one chunk of which is measured.
        device: where it runs.
        clock: seconds on the host.
    """
    started = clock()
    while clock() - started < SETTLING * seconds:
        time_chunk(task, calls, device, clock)
    spent, done = 0.0, 0
    while not done or clock() - started < seconds:
        chunk = time_chunk(task, calls, device, clock)
        spent += chunk.seconds * chunk.calls
        done += chunk.calls
    return RanAlone(spent / done, done)
