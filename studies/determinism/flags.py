"""Which setting of cuDNN is the auto-tuner's, as its flags have it?

Document C says that ``cudnn.deterministic = True`` disables the auto-tuner. Read here are the
flags, which any machine has: whether the auto-tuner is on by default, so that there would be
something to disable, and whether its flag, ``cudnn.benchmark``, follows ``cudnn.deterministic``.
What the tuner then does takes a GPU, see ``tuner``; there the claim's own verdict is found.
"""

from __future__ import annotations

from harness import (
    Arm,
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
        reading="What is disabled must have been on: cudnn.benchmark, the auto-tuner's flag, is "
        "true by default.",
        needs="cuda",
    ),
    Claim(
        "C7.32",
        Value("benchmark_with_deterministic").always(),
        equals(0.0),
        reading="And setting cudnn.deterministic sets it to false.",
        needs="cuda",
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
    question="Which setting of cuDNN is the auto-tuner's, as its flags have it?",
    blocks=PerProfile(1, 1, 1),
    measure=measure,
    responses=(
        Response("benchmark_by_default", "1", "benchmark by default"),
        Response("deterministic_by_default", "1", "deterministic by default"),
        Response("benchmark_when_set", "1", "benchmark when set"),
        Response("benchmark_with_deterministic", "1", "benchmark with deterministic"),
    ),
    claims=CLAIMS,
)
