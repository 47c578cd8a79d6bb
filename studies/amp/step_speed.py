"""How much faster is a small training step in 16 bits?

A perceptron, a conv net and a transformer take training steps in float32 and with autocast to
bfloat16 and float16, the latter with a scaler. The networks suit a CPU, which takes about ten
milliseconds a step; a GPU is done before its host has told it the next thing to do. Document C
speaks of networks that keep a GPU busy, so that nothing here decides its claims: see
``step_speed_large``. The conv net is left out of float16, whose convolutions take a CPU a hundred
times as long to train.
"""

from __future__ import annotations

from harness import Arm, Beyond, Factor
from studies.amp.models import CNN
from studies.amp.precision import BF16, BF16_SCALER, FP16_SCALER, SHIPPED
from studies.amp.steps import (
    HALF_AS_FAST_AGAIN_TO_TWICE,
    NET,
    TWICE,
    steps_experiment,
    time_of_step,
)
from studies.amp.workloads import SMALL

PRECISION = Factor("precision", (SHIPPED, BF16, BF16_SCALER, FP16_SCALER), control=SHIPPED)

_WHY = "small networks on any device: a GPU waits for its host, and a CPU has no tensor cores"


def _needed(arm: Arm) -> bool:
    return arm[NET] != CNN or arm[PRECISION] != FP16_SCALER


EXPERIMENT = steps_experiment(
    "How much faster is a small training step in 16 bits?",
    {1.0: SMALL},
    PRECISION,
    claims=(
        Beyond(
            "C7.41",
            time_of_step(PRECISION).at(precision=BF16),
            HALF_AS_FAST_AGAIN_TO_TWICE,
            why=_WHY,
        ),
        Beyond("C9.09", time_of_step(PRECISION).at(precision=BF16_SCALER), TWICE, why=_WHY),
    ),
    only=_needed,
)
