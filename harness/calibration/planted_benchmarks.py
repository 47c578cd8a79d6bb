"""Benchmarks with a known truth: what head takes more than base is a count of operations.

``planted_3`` does 103 small operations on head where base does 100; nothing is timed to plant it.
Those that begin with ``itself`` are the project's own, the same on both sides.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import repeat

from harness.libraries import torch
from harness.workloads import benchmarks

Work = Callable[[], object]

#: Says which side a process is of, in as many letters on both: nothing else is to differ.
VARIABLE, HEAD = "REGRESS_CALIBRATION_SIDE", "head"
#: What other tools are given too: a thing against itself, and one that takes 3 % more.
COMPARED = ("planted_0", "planted_3")
#: So many calls take about two milliseconds.
CALLS = 8
#: Says how many times so many calls are timed, to a tool that is to be told.
ROUNDS = "REGRESS_CALIBRATION_ROUNDS"
#: Operations of a call on base; each takes about a microsecond.
OPERATIONS = 100


def planted_0(device: str) -> Work:
    """As many operations on head."""
    return _work(device, 0)


def planted_1(device: str) -> Work:
    """1 % more operations on head."""
    return _work(device, 1)


def planted_3(device: str) -> Work:
    """3 % more operations on head."""
    return _work(device, 3)


def planted_5(device: str) -> Work:
    """5 % more operations on head."""
    return _work(device, 5)


def planted_10(device: str) -> Work:
    """10 % more operations on head."""
    return _work(device, 10)


def itself_dispatch(device: str) -> Work:
    """Sixty multiplications, the same on both sides."""
    return benchmarks.dispatch(device)


def itself_forward(device: str) -> Work:
    """A forward pass, the same on both sides."""
    return benchmarks.forward_no_grad(device)


def itself_optimiser(device: str) -> Work:
    """A step of Adam, the same on both sides."""
    return benchmarks.adam_step_foreach(device)


def itself_attention(device: str) -> Work:
    """Attention forward and backward, the same on both sides."""
    return benchmarks.attention(device)


def _work(device: str, percent: int) -> Work:
    numbers = torch.ones(512, device=device)
    more = percent * OPERATIONS // 100 if os.environ.get(VARIABLE) == HEAD else 0

    def work() -> None:
        for _ in repeat(None, OPERATIONS + more):
            numbers.mul_(1.0)

    return work
