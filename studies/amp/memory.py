"""How much memory does a small training step take in 16 bits, against float32?

A step of three small networks is watched at several batch sizes, on whatever device; what is
counted is in ``footprint``. Document C's figure is about training on a GPU, where activations take
most of the memory: see ``memory_large``. Here the weights, their gradients, Adam's state and copies
of the weights in 16 bits outweigh the activations at small batches, so that the curves show what
that does to the saving. The perceptron, whose rows are small, gets a larger batch as well.
"""

from __future__ import annotations

from harness import Beyond
from studies.amp.footprint import (
    FORTY_PER_CENT_LESS,
    beside_the_peak,
    memory_experiment,
    peak_ratio,
    precision_factor,
)
from studies.amp.models import CNN, MLP, TRANSFORMER
from studies.amp.precision import BF16, BF16_SCALER, SHIPPED
from studies.amp.workloads import SMALL

LEVELS = (SHIPPED, BF16, BF16_SCALER)
ROWS = {MLP: (2, 16, 128, 1024), CNN: (2, 16, 128), TRANSFORMER: (2, 16, 128)}

_PRECISION = precision_factor(LEVELS)
_WHY = "small networks on any device; the passage speaks of training on a GPU"

EXPERIMENT = memory_experiment(
    "How much memory does a small training step take in 16 bits, against float32?",
    SMALL,
    ROWS,
    LEVELS,
    claims=(
        Beyond("C7.25", peak_ratio(_PRECISION, BF16), FORTY_PER_CENT_LESS, why=_WHY),
        *beside_the_peak(_PRECISION, ROWS, f"{_WHY}, and of all of its memory"),
        Beyond("C9.09", peak_ratio(_PRECISION, BF16_SCALER), FORTY_PER_CENT_LESS, why=_WHY),
    ),
)
