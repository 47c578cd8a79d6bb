"""How much less time a seed takes where twenty are trained together, against one after another.

All ways train the same networks on the same batches for as many steps, in one run; the ratio of
their times is the speed-up. Together they are trained layer by layer (``harness.workloads.direct``)
or, which it is to beat, under ``torch.vmap``: in one run on one core the fastest of seven rounds
was 1.7 times as long so for the digits CNN, and 1.8 times one network after another. No time
decides whether a test passes: see ``nox -s benchmarks``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import pytest
import torch

from harness.design.factors import Block
from harness.workloads.loop import Setting, train
from harness.workloads.tasks import CNN, DIGITS, LINEAR, SPIRAL_TANH, make_task

BLOCKS = tuple(Block(index, seed=100 + index, shared_seed=1) for index in range(20))
WAYS: dict[str, list[tuple[Block, ...]]] = {
    "together": [BLOCKS],
    "together, under vmap": [BLOCKS],
    "one after another": [(block,) for block in BLOCKS],
}


class Benchmark(Protocol):
    """What of pytest-benchmark's fixture is used here."""

    group: str

    def pedantic(self, target: Callable[[], int], *, rounds: int, warmup_rounds: int) -> int: ...


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("task", [LINEAR, DIGITS, SPIRAL_TANH, CNN])
def test_training_twenty_seeds(
    benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch, task: str, way: str
) -> None:
    if way == "together, under vmap":
        monkeypatch.setattr("harness.workloads.replicas.direct_layers", lambda _: [])
    torch.set_num_threads(1)  # as in the blocks of a study
    benchmark.group = task
    tasks = [make_task(task, blocks) for blocks in WAYS[way]]
    setting = Setting("Adam", lr=0.01, epochs=1, batch=32)

    def train_all() -> int:
        return sum(train(task, setting).steps["loss"].shape[1] for task in tasks)

    assert benchmark.pedantic(train_all, rounds=7, warmup_rounds=1) == len(BLOCKS)
