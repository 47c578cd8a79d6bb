"""Does a large step in eight micro-batches take as long as one on the whole batch, on a GPU?

BERT base on texts of 128 tokens and ResNet-50 on images of 224 x 224, whose steps on 64 rows take
about the 8 GB of the passage's card (``memory.accumulation``), with Adam, in float32 as PyTorch
ships it: at once, and in eight micro-batches of eight.
"""

from __future__ import annotations

from harness import Claim
from studies.memory.large import BERT
from studies.production_loop.micro_steps import SAME_SPEED, micro_experiment, time_of_step
from studies.production_loop.workloads import LARGE

EXPERIMENT = micro_experiment(
    "Does a large step in eight micro-batches take as long as one on the whole batch, on a GPU?",
    LARGE,
    (
        Claim(
            "C7.40",
            time_of_step(),
            SAME_SPEED,
            reading="About the same speed: a training step on 64 rows in eight micro-batches takes "
            "as long as one at once, by a tenth more or less.",
            headline={"net": BERT},
        ),
    ),
    needs="cuda",
)
