"""Is cuDNN's auto-tuner on by default, and does its flag follow the deterministic one?

Document C says that ``cudnn.deterministic = True`` disables the auto-tuner. To disable is to turn
off what is on: whether the tuner's flag, ``cudnn.benchmark``, is set by default can be read on any
machine, and is judged here. That the flag follows ``cudnn.deterministic`` would be one way to turn
the tuner off, which the document does not speak of. What the tuner then does takes a GPU: see
``tuner``, whose condition decides the claim together with the one here.
"""

from __future__ import annotations

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
)
from harness.libraries import torch

CLAIMS = (
    Claim(
        "C7.32",
        Value("benchmark_by_default").always(),
        equals(1.0),
        reading="What is disabled must have been on: the auto-tuner's flag is set by default.",
    ),
    Beyond(
        "C7.32",
        Value("benchmark_with_deterministic").always(),
        equals(0.0),
        why="what the flags read, where the passage speaks of what the tuner does",
    ),
    Control(
        "the flag of the auto-tuner can be set",
        Value("benchmark_when_set").always(),
        equals(1.0),
    ),
)


def measure(block: Block, _: Arm) -> Responses:  # noqa: ARG001 - flags are the same in all blocks
    """Read the auto-tuner's flag as it is, set, and set together with the other."""
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.deterministic
    try:
        cudnn.benchmark = True
        when_set = cudnn.benchmark
        cudnn.deterministic = True
        with_deterministic = cudnn.benchmark
    finally:
        cudnn.benchmark, cudnn.deterministic = before
    return {
        "benchmark_by_default": float(before[0]),
        "deterministic_by_default": float(before[1]),
        "benchmark_when_set": float(when_set),
        "benchmark_with_deterministic": float(with_deterministic),
    }


EXPERIMENT = Experiment(
    question="Is cuDNN's auto-tuner on by default, and does its flag follow the deterministic one?",
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("benchmark_by_default", "yes/no", "the auto-tuner's flag is set by default"),
        Response("deterministic_by_default", "yes/no", "the deterministic flag is set by default"),
        Response("benchmark_when_set", "yes/no", "the auto-tuner's flag can be set"),
        Response(
            "benchmark_with_deterministic",
            "yes/no",
            "the auto-tuner's flag, once set, stays set beside the deterministic one",
        ),
    ),
    claims=CLAIMS,
)
