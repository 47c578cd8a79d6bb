"""How busy is a GPU when the loss is computed on the CPU?

The trainings of ``slow_targets`` run until NVIDIA's management library has been asked 30 times, at
intervals of a tenth of a second, which share of its last sampling period the GPU was at work. What
it calls work is that any kernel was running, however small, and its period is a sixth of a second
to a second long; the first second is left out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from harness import Arm, Claim, Experiment, PerProfile, Response, Responses, Value, between
from harness.libraries import torch
from studies.bugs.slow_targets import LOSS_ON, SIZE, Work, prepare, training

SAMPLES, LEFT_OUT, SECONDS = 30, 10, 0.1
UTILISED = (20.0, 40.0)  # "30 %", within 10 points

CLAIMS = (
    Claim(
        "C5.28",
        Value("utilisation").at(loss_on="CPU"),
        between(*UTILISED),
        reading="30 %, within 10 points: the mean of what the management library reports while "
        "small and large networks train with the loss on the CPU. With the loss on the GPU it is "
        "recorded beside it.",
    ),
)


def measure(works: dict[str, Work], arm: Arm) -> Responses:
    """Train while another thread asks, until it has asked often enough."""
    step = training(works[arm[SIZE]], arm[LOSS_ON])
    step()
    return {"utilisation": sample_while(step, torch.cuda.utilization, SECONDS)[LEFT_OUT:]}


def sample_while(
    step: Callable[[], object], read: Callable[[], float], seconds: float
) -> list[float]:
    """What is read at intervals while a step is done again and again.

    Args:
        step: is repeated until everything is read.
        read: called in another thread.
        seconds: between two readings.

    Returns:
        All readings, those that are to be left out included.

    Raises:
        Exception: what ``read`` raises.
    """
    found: list[float] = []
    failed: list[Exception] = []
    stop = threading.Event()

    def ask() -> None:
        try:
            while len(found) < SAMPLES + LEFT_OUT and not stop.wait(seconds):
                found.append(float(read()))
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            failed.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        while thread.is_alive():
            step()
    finally:
        stop.set()
        thread.join()
    if failed:
        raise failed[0]
    return found


EXPERIMENT = Experiment(
    question="How busy is a GPU when the loss is computed on the CPU?",
    factors=(LOSS_ON, SIZE),
    blocks=PerProfile(1, 8, 8),
    prepare=prepare,
    measure=measure,
    responses=(Response("utilisation", "%", "utilisation"),),
    claims=CLAIMS,
    threads=4,
    needs="cuda",
)
