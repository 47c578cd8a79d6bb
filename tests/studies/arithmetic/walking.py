"""A training walked by lists, in plain Python: the oracle of the counting loop. No tests."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

from harness.workloads.arithmetic import Run

#: Small trainings of all kinds.
RUNS = st.builds(
    Run,
    examples=st.integers(1, 40),
    batch=st.integers(1, 12),
    epochs=st.integers(1, 3),
    accumulate=st.integers(1, 5),
    drop_last=st.booleans(),
)


class Walked(NamedTuple):
    """Batch sizes by epoch, the batches of each update by their numbers, and those of none."""

    epochs: list[list[int]]
    groups: list[list[int]]
    over: list[int]


def walk(run: Run, *, flush: bool = False) -> Walked:
    """Go through every batch, and put its number into the update that takes it."""
    epochs: list[list[int]] = []
    groups: list[list[int]] = []
    open_group: list[int] = []
    number = 0
    for _ in range(run.epochs):
        sizes = [run.batch] * (run.examples // run.batch)
        rest = run.examples - sum(sizes)
        if rest and not run.drop_last:
            sizes.append(rest)
        epochs.append(sizes)
        for place in range(1, len(sizes) + 1):
            open_group.append(number)
            number += 1
            if place % run.accumulate == 0:
                groups.append(open_group)
                open_group = []
        if flush and open_group:
            groups.append(open_group)
            open_group = []
    return Walked(epochs, groups, open_group)
