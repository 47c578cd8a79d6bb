"""Does dropout in eval mode pass every value through?

``nn.Dropout`` meets an input in eval mode, and the output is compared with the input bit by bit:
from p = 0 to p = 1, in four number formats, with the document's four values and with values among
the input that arithmetic might betray (infinities, NaN, negative zero, a number too small for full
precision). The same input in train mode shows that the comparison sees dropout. The other dropout
modules of torch.nn, which the passage does not name, are shown beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import (
    Arm,
    Beyond,
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

EXAMPLE = (0.8, 1.2, 0.3, 0.9)  # the document's own input

NAMED = "Dropout"
MODE = Factor(
    "mode", ("eval", "train"), control="eval", words={"eval": "eval mode", "train": "train mode"}
)
VARIANT = Factor("variant", tuple(SHAPES))
P = Factor("p", (0.0, 0.1, 0.5, 1.0))
DTYPE = Factor("dtype", tuple(BITS))

PASSES_THROUGH = "Every value comes out with the bits that it went in with."

CLAIMS = (
    Claim(
        "C4.04",
        Value("changed").at(mode="eval", variant=NAMED).always(),
        equals(0.0),
        reading=PASSES_THROUGH,
        headline={"p": 0.5, "dtype": "float32"},
    ),
    Beyond(
        "C4.04",
        Value("changed").at(mode="eval", variant=tuple(SHAPES)[1:]).always(),
        equals(0.0),
        why="other dropout modules than nn.Dropout",
        reading=PASSES_THROUGH,
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
    given = torch.tensor([*odd, *EXAMPLE], dtype=dtype, device=block.device)
    x.view(-1)[: len(given)] = given
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
    responses=(Response("changed", "values", "number of values that come out with other bits"),),
    claims=CLAIMS,
)
