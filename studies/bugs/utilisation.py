"""How busy is a GPU when the loss is computed on the CPU?

The trainings of ``slow_targets`` run until NVIDIA's management library has been asked 30 times, at
intervals of a tenth of a second, which share of its last sampling period the GPU was at work. What
it calls work is that any kernel was running, however small, and its period is a sixth of a second
to a second long; the first second is left out.

"30 %" holds from 24 to 36, by the catalogue's 20 % around a stated figure; "low" is at least 20
points below the same training with the loss on the GPU. The small perceptron, which leaves a GPU
idle anyway, stands beside the verdict.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Difference,
    Experiment,
    PerProfile,
    Response,
    Responses,
    Value,
    at_most,
    between,
)
from harness.libraries import torch
from studies.bugs.slow_targets import (
    CLASSES,
    CPU,
    ENCODER,
    LARGE,
    LOSS_ON,
    NET,
    SMALL,
    WAITING,
    Work,
    build,
    training,
)

SAMPLES, LEFT_OUT, SECONDS = 30, 10, 0.1
UTILISED = (24.0, 36.0)  # "30 %", within 20 %
LOWER = 20.0  # points
SMALL_NET = "a network so small that it leaves a GPU idle anyway"

CLAIMS = (
    Claim(
        "C5.28",
        Value("utilisation").at(loss_on=CPU, net=WAITING),
        between(*UTILISED),
        reading="30 %, within 20 %: the mean of what the management library reports lies between "
        "24 and 36 % while a network trains with the loss on the CPU,",
        needs="cuda",
        headline={"net": LARGE, "classes": 1000},
    ),
    Claim(
        "C5.28",
        Difference("utilisation", LOSS_ON).at(loss_on=CPU, net=WAITING),
        at_most(-LOWER),
        reading="and that is low: at least 20 points below the same training with the loss on the "
        "GPU.",
        needs="cuda",
    ),
    Beyond(
        "C5.28",
        Value("utilisation").at(loss_on=CPU, net=SMALL),
        between(*UTILISED),
        why=SMALL_NET,
        needs="cuda",
    ),
    Beyond(
        "C5.28",
        Difference("utilisation", LOSS_ON).at(loss_on=CPU, net=SMALL),
        at_most(-LOWER),
        why=SMALL_NET,
        needs="cuda",
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Train while another thread asks, until it has asked often enough."""
    with torch.device(block.device):
        work: Work = build(arm[NET], arm[CLASSES])
    step = training(work, arm[LOSS_ON])
    step()
    return {"utilisation": sample_while(step, torch.cuda.utilization, SECONDS)[LEFT_OUT:]}


def _needed(arm: Arm) -> bool:
    """1,000 classes, and a language model's 32,000."""
    return arm[CLASSES] == 1000 or (arm[NET] == ENCODER and arm[CLASSES] == 32_000)


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
    factors=(LOSS_ON, NET, CLASSES),
    only=_needed,
    blocks=PerProfile(1, 8, 8),
    measure=measure,
    responses=(Response("utilisation", "%", "GPU utilisation as NVIDIA's library reports it"),),
    claims=CLAIMS,
    threads=4,
    needs="cuda",
)
