"""Does a step in eight micro-batches take as long as one on the whole batch?

A training step of Adam on 64 rows, at once and in eight micro-batches of eight, over the same rows.
The passage speaks of a GPU that the large batch would fill: these networks are of a size that a CPU
trains, so that nothing here decides the claim; see ``accumulation_speed_large``.
"""

from __future__ import annotations

from harness import Beyond
from studies.production_loop.micro_steps import SAME_SPEED, micro_experiment, time_of_step
from studies.production_loop.workloads import SMALL

EXPERIMENT = micro_experiment(
    "Does a small step in eight micro-batches take as long as one on the whole batch?",
    SMALL,
    (
        Beyond(
            "C7.40",
            time_of_step(),
            SAME_SPEED,
            why="networks that a CPU trains: the passage has a GPU that the whole batch would fill",
        ),
    ),
)
