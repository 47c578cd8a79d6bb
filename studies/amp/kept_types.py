"""Does mixed precision choose types by itself: 16 bits for products, float32 for the rest?

A network takes one training step with Adam, with and without autocast to bfloat16. Its code names
no type. Every operation is watched below autocast, where the types are those that the kernels
really get. The matrix products and convolutions of the forward pass are counted apart from all
other operations: these are what a GPU's tensor cores compute. Afterwards the types of weights,
gradients and optimiser state are read, and the weights are compared with Adam's own step worked out
by hand in float64 from the same gradients: an update in 16 bits would miss it by a thousandth of a
weight.

Document C's lines are for a GPU, and so are its verdicts; autocast on a CPU, which keeps another
list of operations, is the counterpart. They speak for a perceptron, a small conv net and a
transformer layer.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

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
    at_most,
    equals,
    more_than,
)
from harness.libraries import torch
from studies.amp.models import CLASSES, NETS, PIXELS, TRANSFORMER, classification_loss, digit_net
from studies.amp.precision import BF16, FP32, autocast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

#: What the names of matrix products and convolutions hold, below autocast.
PRODUCTS = ("mm", "convolution", "attention")
#: A weight near 1 has bfloat16 neighbours 2^-8 apart, and float32 neighbours 2^-23.
ROUNDING = 2**-20
LR = 1e-3

#: What a step leaves, in words.
KEPT = {"weights": "weights", "gradients": "gradients", "state": "optimiser state"}

NET = Factor("net", NETS)
PRECISION = Factor("precision", (FP32, BF16), control=FP32)

CLAIMS: tuple[Claim | Control, ...] = (
    Claim(
        "C7.23",
        Value("products_in_16_bits").at(precision=BF16).always(),
        equals(1.0),
        reading="The forward pass runs in bfloat16 where all its matrix products and convolutions "
        "do. What else is computed there may stay in float32, since autocast chooses.",
        needs="cuda",
        headline={"net": TRANSFORMER},
    ),
    *(
        Claim(
            "C7.23",
            Value(f"float32_{name}").at(precision=BF16).always(),
            equals(1.0),
            reading=f"Weights and update are in float32: all numbers of the {words} are.",
            needs="cuda",
        )
        for name, words in KEPT.items()
    ),
    Claim(
        "C7.23",
        Value("update_gap").at(precision=BF16).always(),
        at_most(ROUNDING),
        reading="The update is in float32: no weight lies further than float32's rounding from "
        "the step worked out in float64, relative to the largest weight.",
        needs="cuda",
    ),
    Claim(
        "C7.24",
        Value("both_types").at(precision=BF16).always(),
        equals(1.0),
        reading="By itself: a network whose code names no type runs in autocast to bfloat16, and "
        "some of its operations give numbers of 16 bits, others of 32.",
        needs="cuda",
        headline={"net": TRANSFORMER},
    ),
    Control(
        "without autocast nothing has 16 bits",
        Value("share_in_16_bits").at(precision=FP32).always(),
        equals(0.0),
    ),
    Control(
        "without autocast operations give one type",
        Value("both_types").at(precision=FP32).always(),
        equals(0.0),
    ),
    Control(
        "an update in 16 bits would be seen",
        Value("bf16_update_gap").always(),
        more_than(10 * ROUNDING),
    ),
)


def measure(block: Block, arm: Arm) -> Responses:
    """Take one step with Adam and look at the types."""
    net = digit_net(arm[NET], block.seed, block.device)
    before = [p.detach().double() for p in net.parameters()]
    optimiser = torch.optim.Adam(net.parameters(), lr=LR)
    x = torch.randn(64, PIXELS, device=block.device)
    y = torch.randint(CLASSES, (64,), device=block.device)
    with autocast(arm[PRECISION], block.device), watched() as seen:
        loss = classification_loss(net, x, y)
    loss.backward()
    optimiser.step()
    gradients = [p.grad for p in net.parameters() if p.grad is not None]
    moments = [t for s in optimiser.state.values() for t in s.values() if t.numel() > 1]
    expected = first_adam_step(before, gradients)
    return {
        "products_in_16_bits": share(seen.products, 2),
        "share_in_16_bits": share(seen.results, 2),
        "both_types": float({2, 4} <= {t.dtype.itemsize for t in seen.results}),
        "float32_weights": share(list(net.parameters()), 4),
        "float32_gradients": share(gradients, 4),
        "float32_state": share(moments, 4),
        "update_gap": largest_gap(expected, list(net.parameters())),
        "bf16_update_gap": largest_gap(expected, [w.bfloat16() for w in expected]),
    }


class Seen(NamedTuple):
    """Floating-point tensors met below autocast."""

    products: list[Tensor]
    results: list[Tensor]


@contextmanager
def watched() -> Iterator[Seen]:
    """Record what matrix products are given and what other operations return.

    Conversions from one type to another are not counted: they are how autocast does its work.
    """
    from torch.utils._python_dispatch import TorchDispatchMode

    seen = Seen([], [])

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(
            self,
            func: Any,  # noqa: ANN401 - torch's own signature
            types: Sequence[type],
            args: Sequence[Any] = (),
            kwargs: Mapping[str, Any] | None = None,
        ) -> Any:  # noqa: ANN401 - whatever the operation returns
            result = func(*args, **(kwargs or {}))
            name = func.overloadpacket.__name__
            if any(part in name for part in PRODUCTS):
                seen.products.extend(floats_in(args))
            if name != "_to_copy":
                seen.results.extend(floats_in(result))
            return result

    with Watch():  # type: ignore[no-untyped-call]  # torch's constructor has no annotations
        yield seen


def floats_in(found: Any) -> Iterator[Tensor]:  # noqa: ANN401 - arguments or results
    """The floating-point tensors among arguments or results."""
    if isinstance(found, torch.Tensor):
        if found.is_floating_point():
            yield found.detach()
    elif isinstance(found, (tuple, list)):
        for part in found:
            yield from floats_in(part)


def share(tensors: Sequence[Tensor], itemsize: int) -> float:
    """The share of numbers that take so many bytes each."""
    sizes = [(t.numel(), t.dtype.itemsize) for t in tensors]
    return sum(n for n, size in sizes if size == itemsize) / sum(n for n, _ in sizes)


def first_adam_step(weights: Sequence[Tensor], gradients: Sequence[Tensor]) -> list[Tensor]:
    """Adam's first step from its formula, in float64: both moments are then the gradient's own."""
    slopes = [gradient.double() for gradient in gradients]
    return [w - LR * g / (g.abs() + 1e-8) for w, g in zip(weights, slopes, strict=True)]


def largest_gap(expected: Sequence[Tensor], found: Sequence[Tensor]) -> float:
    """The largest difference between two sets of weights, relative to the largest weight."""
    pairs = zip(expected, found, strict=True)
    gap = max((w - v.detach().double()).abs().max().item() for w, v in pairs)
    return gap / max(w.abs().max().item() for w in expected)


EXPERIMENT = Experiment(
    question="Which numbers does a step with autocast keep in 16 bits, and which in float32?",
    factors=(NET, PRECISION),
    blocks=PerProfile(1, 10, 20),
    measure=measure,
    responses=(
        Response(
            "products_in_16_bits",
            "1",
            "share of the numbers entering matrix products and convolutions that have 16 bits",
        ),
        Response(
            "share_in_16_bits",
            "1",
            "share of the numbers the forward pass computes that have 16 bits",
        ),
        Response("both_types", "yes/no", "some operations give 16 bits and others 32"),
        *(
            Response(f"float32_{name}", "1", f"share of the {words} kept in float32")
            for name, words in KEPT.items()
        ),
        Response(
            "update_gap",
            "1",
            "the largest gap between a weight and the exact step, over the largest weight",
        ),
        Response(
            "bf16_update_gap",
            "1",
            "the largest gap that rounding the weights to bfloat16 would leave, over the largest "
            "weight",
        ),
    ),
    claims=CLAIMS,
)
