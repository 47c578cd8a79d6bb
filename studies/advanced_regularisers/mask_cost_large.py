"""Is a training step with DropConnect much dearer than one with dropout in very wide layers?

The layers that the document recommends DropConnect for are wider than 4,096 units, and a CPU takes
seconds for a step of theirs. The same steps as in ``mask_cost``, on a GPU: widths of 1,024 to
8,192, batches of 64. A batch of 512 stands beside them.
"""

from __future__ import annotations

from harness import Beyond, Claim, at_least
from studies.advanced_regularisers.mask_cost import (
    DEAR,
    FEW,
    MANY,
    READING,
    masks_experiment,
    time_over_dropout,
    width_factor,
)

WIDTH = width_factor((1024, 2048, 4096, 8192))

EXPERIMENT = masks_experiment(
    "Is a training step with DropConnect much dearer in very wide layers, on a GPU?",
    WIDTH,
    (
        Claim(
            "D-adv-2",
            time_over_dropout().at(batch=FEW),
            at_least(DEAR),
            reading=READING,
            needs="cuda",
        ),
        Beyond(
            "D-adv-2",
            time_over_dropout().at(batch=MANY),
            at_least(DEAR),
            why="a batch of 512, whose arithmetic hides the mask",
            needs="cuda",
        ),
    ),
    many=4096,
    needs="cuda",
)
