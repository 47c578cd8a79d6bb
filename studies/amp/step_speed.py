"""How much faster is a training step in 16 bits?

A perceptron, a CNN and a transformer take training steps in float32, with TF32, and with autocast
to bfloat16 and float16, with a scaler where document C has one. Its verdict takes a GPU; the CPU's
own bfloat16 units give the counterpart. The networks are small, so that a CPU takes about ten
milliseconds a step: see ``step_speed_large`` for those that fill a GPU. The CNN is left out of
float16, whose convolutions take a CPU a hundred times as long to train.
"""

from __future__ import annotations

from harness import Arm
from studies.amp.models import CNN
from studies.amp.precision import FP16_SCALER
from studies.amp.steps import NET, PRECISION, steps_experiment
from studies.amp.workloads import SMALL


def _needed(arm: Arm) -> bool:
    return arm[NET] != CNN or arm[PRECISION] != FP16_SCALER


EXPERIMENT = steps_experiment("How much faster is a training step in 16 bits?", SMALL, only=_needed)
