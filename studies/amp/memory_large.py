"""How much memory does a large training step take in 16 bits, against float32, on a GPU?

The networks of ``step_speed_large`` at full width take a step at several batch sizes; what is
counted is in ``footprint``. Document C says what is saved and that it is saved on activations. So
it is judged where these dominate: where, in float32, the activations take more than weights,
gradients and Adam's two moments together, which is 16 bytes a weight. Smaller batches are shown.
"""

from __future__ import annotations

from harness import Beyond, Claim, Control, Level, Ratio, equals
from studies.amp.footprint import (
    FORTY_PER_CENT_LESS,
    batch_factor,
    beside_the_peak,
    memory_experiment,
    peak_ratio,
    precision_factor,
)
from studies.amp.models import CNN, MLP, TRANSFORMER
from studies.amp.precision import BF16, BF16_SCALER, SHIPPED, TF32
from studies.amp.workloads import LARGE

LEVELS = (SHIPPED, TF32, BF16, BF16_SCALER)
ROWS = {MLP: (4096, 16384, 65536), CNN: (8, 32, 128), TRANSFORMER: (2, 8, 32)}
#: Where the activations dominate: from 16,388 rows, 1 row and 8 rows on.
DOMINATED = {MLP: (65536,), CNN: (8, 32, 128), TRANSFORMER: (32,)}

_PRECISION, _BATCH = precision_factor(LEVELS), batch_factor(ROWS)
_HEADLINE: dict[str, Level] = {"net": TRANSFORMER, "batch": 32}


def judged_where_activations_dominate(
    claim: str, level: str, reading: str, *, headline: bool
) -> tuple[Claim | Beyond, ...]:
    """The peak, network by network, judged at the batches named above and shown at the others."""
    curve = peak_ratio(_PRECISION, level)
    return tuple(
        Claim(
            claim,
            curve.at(net=net).along(_BATCH, judged=batches),
            FORTY_PER_CENT_LESS,
            reading=reading,
            needs="cuda",
            headline=_HEADLINE if headline and net == TRANSFORMER else False,
        )
        for net, batches in DOMINATED.items()
    )


_READING = (
    "40 % less memory, give or take a fifth of that: the peak of a training step {how}, over the "
    "same in float32, at batches whose activations take more than weights, gradients and "
    "optimiser state together."
)

EXPERIMENT = memory_experiment(
    "How much memory does a large training step take in 16 bits, against float32, on a GPU?",
    LARGE,
    ROWS,
    LEVELS,
    claims=(
        *judged_where_activations_dominate(
            "C7.25", BF16, _READING.format(how="with autocast to bfloat16"), headline=True
        ),
        *judged_where_activations_dominate(
            "C9.09",
            BF16_SCALER,
            _READING.format(how="with autocast to bfloat16 and the scaler"),
            headline=False,
        ),
        *beside_the_peak(_PRECISION, ROWS, "a part of the memory, where the passage has all of it"),
        Control(
            "TF32 stores float32",
            Ratio("kept", _PRECISION).at(precision=TF32).always(),
            equals(1.0),
        ),
    ),
    needs="cuda",
)
