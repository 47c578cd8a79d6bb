"""How much faster is a large training step in 16 bits, on a GPU?

The steps of ``step_speed`` with networks and batches that fill a GPU, float16 convolutions
included.
"""

from __future__ import annotations

from studies.amp.steps import steps_experiment
from studies.amp.workloads import LARGE

EXPERIMENT = steps_experiment(
    "How much faster is a large training step in 16 bits, on a GPU?", LARGE, needs="cuda"
)
