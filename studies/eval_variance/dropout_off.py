"""Does dropout in eval mode pass every value through?

Each dropout module of torch.nn meets an input in eval mode, and the output is compared with the
input bit by bit: from p = 0 to p = 1, in four number formats, and with values among the input that
arithmetic might betray (infinities, NaN, negative zero, a number too small for full precision). The
same input in train mode shows that the comparison sees dropout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import (
    Arm,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
    more_than,
)
from harness.libraries import nn, torch

if TYPE_CHECKING:
    from torch import Tensor

#: The shapes hold 512 channels or more: that train mode drops none of them is out of the question.
SHAPES = {
    "Dropout": (8, 512),
    "Dropout1d": (8, 64, 8),
    "Dropout2d": (8, 64, 4, 2),
    "Dropout3d": (8, 64, 2, 2, 2),
    "AlphaDropout": (8, 512),
    "FeatureAlphaDropout": (8, 64, 2, 2, 2),
}
BITS = {"float64": "int64", "float32": "int32", "float16": "int16", "bfloat16": "int16"}

MODE = Factor("mode", ("eval", "train"), control="eval")
VARIANT = Factor("variant", tuple(SHAPES))
P = Factor("p", (0.0, 0.1, 0.5, 1.0))
DTYPE = Factor("dtype", tuple(BITS))

CLAIMS = (
    Claim(
        "C4.04",
        Value("changed").at(mode="eval").always(),
        equals(0.0),
        reading="Bit for bit, for every dropout module, p and number format.",
    ),
    Control(
        "train mode changes the same input",
        Value("changed").at(mode="train", p=(0.1, 0.5, 1.0)).always(),
        more_than(0.0),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Count the values that come out of a dropout module with other bits than they went in."""
    dtype: torch.dtype = getattr(torch, arm[DTYPE])
    x = torch.randn(SHAPES[arm[VARIANT]], device=block.device).to(dtype)
    limits = torch.finfo(dtype)
    odd = [float("inf"), -float("inf"), float("nan"), -0.0, limits.max, limits.smallest_normal / 2]
    x.view(-1)[: len(odd)] = torch.tensor(odd, dtype=dtype, device=block.device)
    layer: nn.Module = getattr(nn, arm[VARIANT])(arm[P])
    output = layer.train(arm[MODE] == "train")(x)
    return {"changed": float((bits(output) != bits(x)).sum().item())}


def bits(x: Tensor) -> Tensor:
    """The values as integers of the same bits, so that NaN equals itself and -0 is not 0."""
    whole: torch.dtype = getattr(torch, BITS[str(x.dtype).removeprefix("torch.")])
    return x.contiguous().view(whole)


EXPERIMENT = Experiment(
    question="Does dropout in eval mode pass every value through?",
    factors=(MODE, VARIANT, P, DTYPE),
    blocks=PerProfile(3, 20, 20),
    measure=measure,
    responses=(Response("changed", "values", "changed"),),
    claims=CLAIMS,
)
