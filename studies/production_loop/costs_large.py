"""What do checkpoints and clipping cost beside a large training step, on a GPU?

As ``costs``, with BERT base on texts of 128 tokens and ResNet-50 on images of 224 x 224, in batches
of 32.
"""

from __future__ import annotations

from studies.production_loop.cost_table import cost_claims, cost_experiment
from studies.production_loop.workloads import LARGE

EXPERIMENT = cost_experiment(
    "What do checkpoints and clipping cost beside a large training step, on a GPU?",
    LARGE,
    cost_claims(LARGE),
    needs="cuda",
)
