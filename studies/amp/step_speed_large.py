"""How much faster is a large training step in 16 bits, on a GPU?

A perceptron, a conv net and a transformer of three widths take training steps with autocast to
bfloat16, with and without the scaler, and in float32 as PyTorch ships it: TF32 in convolutions,
none in matrix products. Judged are the two larger widths, with batches that keep a GPU busy; the
smallest shows where that ends. At full width, TF32 everywhere, float16 with its scaler and, for the
conv net, strict float32 stand beside them: other baselines and types than the passage speaks of.
There each step that is judged also runs alone, at its own clock.
"""

from __future__ import annotations

from harness import Alone, Arm, Beyond, Claim, Factor, Level
from studies.amp.models import CNN, TRANSFORMER
from studies.amp.precision import BF16, BF16_SCALER, FP16_SCALER, FP32, SECONDS_ALONE, SHIPPED, TF32
from studies.amp.steps import (
    HALF_AS_FAST_AGAIN_TO_TWICE,
    NET,
    TWICE,
    steps_experiment,
    time_of_step,
    width_factor,
)
from studies.amp.workloads import LARGE, narrowed

SIZES = {0.25: narrowed(LARGE, 4), 0.5: narrowed(LARGE, 2), 1.0: LARGE}
#: The networks that keep a GPU busy.
BUSY = (0.5, 1.0)

WIDTH = width_factor(SIZES)
PRECISION = Factor(
    "precision",
    (SHIPPED, FP32, TF32, BF16, BF16_SCALER, FP16_SCALER),
    control=SHIPPED,
    words={TF32: "TF32 everywhere", FP32: "strict float32"},
)
_HEADLINE: dict[str, Level] = {"net": TRANSFORMER, "width": 1.0}


def _needed(arm: Arm) -> bool:
    """Other baselines and types at full width; strict float32 where that is another baseline."""
    if arm[PRECISION] in (SHIPPED, BF16, BF16_SCALER):
        return True
    return arm[WIDTH] == 1.0 and (arm[PRECISION] != FP32 or arm[NET] == CNN)


_TIME = time_of_step(PRECISION)

EXPERIMENT = steps_experiment(
    "How much faster is a large training step in 16 bits, on a GPU?",
    SIZES,
    PRECISION,
    claims=(
        Claim(
            "C7.41",
            _TIME.at(precision=BF16).along(WIDTH, judged=BUSY),
            HALF_AS_FAST_AGAIN_TO_TWICE,
            reading="50 to 100 % faster is a training step that takes between a half and two "
            "thirds of the time, with autocast to bfloat16 against float32 as PyTorch ships it, "
            "for networks that keep a GPU busy.",
            needs="cuda",
            headline=_HEADLINE,
        ),
        Claim(
            "C9.09",
            _TIME.at(precision=BF16_SCALER).along(WIDTH, judged=BUSY),
            TWICE,
            reading="Twice as fast, give or take a fifth: a training step with autocast to "
            "bfloat16 and the scaler, against float32 as PyTorch ships it, for networks that keep "
            "a GPU busy.",
            needs="cuda",
            headline=_HEADLINE,
        ),
        Beyond(
            "C7.41",
            _TIME.at(precision=FP16_SCALER),
            HALF_AS_FAST_AGAIN_TO_TWICE,
            why="float16, where the passage has bfloat16",
            needs="cuda",
        ),
        Beyond(
            "C7.41",
            _TIME.against(TF32).at(precision=BF16, width=1.0),
            HALF_AS_FAST_AGAIN_TO_TWICE,
            why="TF32 everywhere, which PyTorch has in convolutions alone unless it is asked",
            needs="cuda",
        ),
        Beyond(
            "C7.41",
            _TIME.against(FP32).at(precision=BF16, width=1.0),
            HALF_AS_FAST_AGAIN_TO_TWICE,
            why="strict float32, which takes a setting of one's own for convolutions",
            needs="cuda",
        ),
    ),
    only=_needed,
    alone=Alone(SECONDS_ALONE, at={"width": 1.0}),
    needs="cuda",
)
