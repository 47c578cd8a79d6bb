"""Do the dropout layers of torch scale what they keep, and until when do they drop?

Inverted dropout multiplies what it keeps by 1/(1 - p) in training, so that nothing is to be done
afterwards. Numbers without a zero among them go through a layer in train mode: those that are not
zero in the output are the ones that were kept, and each is compared with its input over 1 - p. A
mask without scaling must come out otherwise.

The passage names three frameworks. Of TensorFlow with Keras, and of JAX with flax (JAX itself has
no dropout), nothing is installed here: those parts are declared as not measurable, and what torch
does does not stand in for them. The same holds of the incident's sentence about TensorFlow; what
torch's own layers do when they are called without arguments is shown beside it.
"""

from __future__ import annotations

from collections.abc import Callable
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
    Unmeasurable,
    Value,
    at_most,
    equals,
    more_than,
)
from harness.libraries import functional, nn, torch

if TYPE_CHECKING:
    from torch import Tensor

LAYER_, FUNCTION, NAIVE = "nn.Dropout", "functional.dropout", "mask without scaling"
MAPS = ("nn.Dropout1d", "nn.Dropout2d", "nn.Dropout3d")
LAYER = Factor("layer", (LAYER_, FUNCTION, *MAPS, NAIVE))
RATE = Factor("rate", (0.1, 0.3, 0.5, 0.9), label="dropout rate")
SAME = 1e-6  # relative: x * (1 / (1 - p)) rounds otherwise than x / (1 - p)

CLAIMS = (
    Claim(
        "D-drop-5",
        Value("off").at(layer=(LAYER_, FUNCTION)).always(),
        at_most(SAME),
        reading="PyTorch inverts: every value that is kept in train mode is its input over 1 - p, "
        "to within a millionth.",
        headline={"layer": LAYER_, "rate": 0.5},
    ),
    Beyond(
        "D-drop-5",
        Value("off").at(layer=MAPS).always(),
        at_most(SAME),
        why="dropout of whole feature maps, which is not the standard layer",
    ),
    Unmeasurable(
        "D-drop-5",
        needs="TensorFlow or Keras, and JAX with flax",
        why="neither is installed here, and PyTorch says nothing of what they do.",
    ),
    Unmeasurable(
        "D-inc-3",
        needs="TensorFlow",
        why="it is not installed here: it takes a dropout layer that is called without arguments, "
        "one inside predict, and one called with training=True.",
    ),
    Beyond(
        "D-inc-3",
        Value("until_eval").at(layer=LAYER_).always(),
        equals(1),
        why="a layer of PyTorch, where the claim is about TensorFlow",
        reading="A layer that was just made and is called without arguments drops values, and "
        "drops none after eval().",
    ),
    Control(
        "a mask without scaling is told apart",
        Value("off").at(layer=NAIVE).always(),
        more_than(0.05),
    ),
    Control(
        "some values are kept and some are not",
        Value("both").always(),
        equals(1),
    ),
)

#: The number of dimensions after those of batch and channels that a layer expects.
PLACES = {"nn.Dropout1d": 1, "nn.Dropout2d": 2, "nn.Dropout3d": 3}


def make(layer: str, p: float) -> Callable[[Tensor], Tensor]:
    """A layer just made, or a function, that drops at a rate."""
    if layer == FUNCTION:
        return lambda x: functional.dropout(x, p)
    if layer == NAIVE:
        return lambda x: x * (torch.rand_like(x) >= p)
    made: nn.Module = getattr(nn, layer.removeprefix("nn."))(p)
    return made


def measure(block: Block, arm: Arm) -> Responses:
    """Pass numbers through the layer, just made and after eval()."""
    shape = (64, 32, *(2,) * PLACES.get(arm[LAYER], 1))
    x = (torch.rand(shape) + 0.5).to(block.device)
    layer = make(arm[LAYER], arm[RATE])
    y = layer(x)
    kept = y != 0
    until_eval = float("nan")
    if isinstance(layer, nn.Module):
        until_eval = float(bool((~kept).any()) and bool((layer.eval()(x) != 0).all()))
    return {
        "off": scaled_off(x[kept], y[kept], arm[RATE]),
        "both": float(bool(kept.any()) and not bool(kept.all())),
        "until_eval": until_eval,
    }


def scaled_off(x: Tensor, y: Tensor, p: float) -> float:
    """How far kept values lie at most from their inputs over 1 - p, as a share of those."""
    expected = x.double() / (1 - p)
    return ((y.double() - expected).abs() / expected).max().item()


EXPERIMENT = Experiment(
    question="Do the dropout layers of torch scale what they keep, and until when do they drop?",
    factors=(LAYER, RATE),
    responses=(
        Response("off", "1", "largest relative distance of a kept value from its input over 1 - p"),
        Response("until_eval", "yes/no", "a new layer drops values until eval() is called"),
        Response("both", "yes/no", "some values are kept and some are dropped"),
    ),
    measure=measure,
    blocks=PerProfile(2, 20, 40),
    claims=CLAIMS,
)
