"""Where in a transformer does dropout act?

A small model of each architecture runs one pass in train mode while two doors are watched through
which all of its dropout goes: torch's ``dropout`` function, and the rate that the fused attention
is called with, which no list of modules shows. Dropout acts on attention weights if every layer's
attention is called with a rate, or its weights, a square of the length of the text, go through
``dropout``; it acts on the feed-forward part's output if what the second of its two matrices gives
goes through ``dropout`` in every layer. Read is the least rate among the layers, 0 where one has
none.

The passage says "in Transformer architectures", and names none. Judged are BERT, GPT-2, ViT and
torch's own layer, and the younger DistilBERT, ModernBERT and Llama: an architecture is a setting,
in which both places must have dropout. All rates that an architecture has are set to 0.1: where
dropout sits is one question, and how high its default is another (``rates``), shown beside it. A
block without dropout is a control.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from harness import (
    Arm,
    Beyond,
    Block,
    Claim,
    Control,
    Experiment,
    Factor,
    Noted,
    PerProfile,
    Response,
    Responses,
    Value,
    equals,
    more_than,
)
from harness.libraries import functional, nn, torch
from studies.defaults.families import (
    BERT,
    DISTILBERT,
    GPT2,
    HEADS,
    INNER,
    LAYERS,
    LENGTH,
    LLAMA,
    MODERNBERT,
    PATCH,
    ROWS,
    VIT,
    WIDTH,
    batch,
    build,
    without_dropout,
)

if TYPE_CHECKING:
    from torch import Tensor

ENCODER, BARE = "torch's encoder layer", "encoder layer without dropout"
ARCHITECTURES = (BERT, GPT2, VIT, ENCODER, DISTILBERT, MODERNBERT, LLAMA)
FAMILY = Factor("family", (*ARCHITECTURES, BARE))
SET, SHIPPED = "set", "shipped"
RATES = Factor("rates", (SET, SHIPPED), words={SET: "rates at 0.1", SHIPPED: "rates as shipped"})
RATE = 0.1
#: The responses, in words.
PLACES = {"attention": "attention weights", "feed_forward": "feed-forward output"}
RATE_AT = 4  # the place of the rate among what attention is called with

_HIGH = "how high the rate is by default, which is another claim's question"

CLAIMS: tuple[Claim | Beyond | Control, ...] = (
    *(
        Claim(
            "D-drop-8",
            Value(place).at(family=ARCHITECTURES, rates=SET).always(),
            equals(RATE),
            reading="With the architecture's rates at 0.1, dropout acts with that rate on the "
            "attention weights and on the feed-forward output of every layer; more places are not "
            "denied.",
            headline={"family": BERT} if place == "feed_forward" else False,
            jointly="both places",
        )
        for place in PLACES
    ),
    *(
        Beyond(
            "D-drop-8",
            Value(place).at(family=ARCHITECTURES, rates=SHIPPED).always(),
            more_than(0),
            _HIGH,
        )
        for place in PLACES
    ),
    *(
        Control(
            f"a block without dropout has none: {words}",
            Value(place).at(family=BARE).always(),
            equals(0),
        )
        for place, words in PLACES.items()
    ),
)


@dataclass
class Seen:
    """The rates with which dropout acted at the places that are asked for, in order.

    Attributes:
        attention: a rate for each call of attention.
        feed_forward: a rate for each dropout of a feed-forward output.
        outputs: the feed-forward outputs themselves.
    """

    attention: list[float] = field(default_factory=list)
    feed_forward: list[float] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)

    def least(self, place: str) -> float:
        """The least rate among all layers; 0 where not every layer has one."""
        found: list[float] = getattr(self, place)
        return min(found) if len(found) == LAYERS else 0.0

    def is_output(self, x: Tensor) -> bool:
        """Whether a tensor is a feed-forward output, perhaps in another shape."""
        return any(x.data_ptr() == y.data_ptr() and x.numel() == y.numel() for y in self.outputs)


@contextmanager
def watched(model: nn.Module, length: int) -> Iterator[Seen]:
    """Watch where dropout acts while a model runs.

    Args:
        model: whose feed-forward parts go from ``INNER`` to ``WIDTH`` numbers.
        length: of its input, which tells attention weights, a square, from all other tensors.
    """
    seen = Seen()
    dropout: Any = functional.dropout
    attention: Any = functional.scaled_dot_product_attention

    def watch_dropout(
        input: Tensor,  # noqa: A002 - so that it can be given by its name
        p: float = 0.5,
        training: bool = True,
        inplace: bool = False,
    ) -> Tensor:
        if training and seen.is_output(input):
            seen.feed_forward.append(p)
        elif training and input.shape[-2:] == (length, length):
            seen.attention.append(p)
        dropped: Tensor = dropout(input, p, training, inplace)
        return dropped

    def watch_attention(*given: Any, **more: Any) -> Tensor:  # noqa: ANN401 - all it takes
        by_place = given[RATE_AT] if len(given) > RATE_AT else 0.0
        seen.attention.append(float(more.get("dropout_p", by_place)))
        found: Tensor = attention(*given, **more)
        return found

    def keep(_: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        if given[0].shape[-1] == INNER and output.shape[-1] == WIDTH:
            seen.outputs.append(output)

    hooks = [m.register_forward_hook(keep) for m in model.modules() if is_matrix(m)]
    doors = torch.nn.functional
    with (
        mock.patch.object(doors, "dropout", watch_dropout),
        mock.patch.object(doors, "scaled_dot_product_attention", watch_attention),
    ):
        yield seen
    for hook in hooks:
        hook.remove()


def is_matrix(module: nn.Module) -> bool:
    """Whether a module multiplies by a matrix of its own: torch's layer, or the one of GPT-2."""
    weight = getattr(module, "weight", None)
    return isinstance(weight, torch.Tensor) and weight.shape in ((WIDTH, INNER), (INNER, WIDTH))


def encoder(**rate: float) -> nn.Module:
    """Layers of torch's encoder, in train mode, with its default dropout unless told otherwise."""
    layer: Any = nn.TransformerEncoderLayer
    return nn.Sequential(
        *(layer(WIDTH, HEADS, INNER, batch_first=True, **rate) for _ in range(LAYERS))
    )


def model_of(family: str, rates: str) -> tuple[nn.Module, Tensor]:
    """A model in train mode with an input; its rates at 0.1 or as shipped."""
    if family in (ENCODER, BARE):
        set_to = {"dropout": 0.0 if family == BARE else RATE}
        model = encoder(**set_to) if family == BARE or rates == SET else encoder()
        return model, torch.randn(ROWS, LENGTH, WIDTH)
    changes = without_dropout(family, RATE) if rates == SET else {}
    return build(family, changes), batch(family)


def length_of(x: Tensor) -> int:
    """How long a model's input is: words, or the patches of an image and one for the whole."""
    image = 4
    return (x.shape[-1] // PATCH) ** 2 + 1 if x.dim() == image else x.shape[1]


def measure(block: Block, arm: Arm) -> Responses:
    """Run the model once and read where dropout acted, with which rate."""
    model, x = model_of(arm[FAMILY], arm[RATES])
    model, x = model.to(block.device), x.to(block.device)
    with watched(model, length_of(x)) as seen:
        model(x)
    return {
        place: Noted(seen.least(place), f"rates by layer: {getattr(seen, place)}")
        for place in PLACES
    }


def _wanted(arm: Arm) -> bool:
    """A block without dropout has one rate."""
    return arm[FAMILY] != BARE or arm[RATES] == SHIPPED


EXPERIMENT = Experiment(
    question="Where in a transformer does dropout act?",
    factors=(FAMILY, RATES),
    only=_wanted,
    responses=(
        Response("attention", "1", "least rate of dropout on attention weights among the layers"),
        Response(
            "feed_forward", "1", "least rate of dropout on the feed-forward output among the layers"
        ),
    ),
    measure=measure,
    blocks=PerProfile(1, 3, 3),
    claims=CLAIMS,
    imports=("transformers",),
)
