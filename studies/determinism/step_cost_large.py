"""What does determinism cost a large training step, on a GPU?

The steps of ``step_cost`` with conv nets that fill a GPU, as document C's figure has them.
"""

from __future__ import annotations

from studies.determinism.costs import costs_experiment
from studies.determinism.workloads import GPU_CONVS

EXPERIMENT = costs_experiment(
    "What does determinism cost a large training step, on a GPU?", GPU_CONVS, needs="cuda"
)
