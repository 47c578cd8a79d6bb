"""What a validation loop leaves changed, and the rule that it only reads.

Several passages say that an evaluation measures and changes nothing; they are judged alike: no
weight, no buffer and no gradient is another afterwards, bit for bit.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from harness import Claim, Level, Response, Responses, Value, equals
from harness.libraries import nn, torch

if TYPE_CHECKING:
    from torch import Tensor

KINDS = {"weights": "weight", "buffers": "buffer", "gradients": "gradient"}

#: A count of tensors each, as ``changes`` gives it.
RESPONSES = tuple(
    Response(kind, "tensors", f"number of {kind} that validation changes") for kind in KINDS
)


def only_reads(
    claim: str, *, headline: dict[str, Level] | None = None, **where: Level | tuple[Level, ...]
) -> tuple[Claim, ...]:
    """The claim that the usual loop only reads.

    Args:
        claim: its id.
        headline: levels of the condition that stands for it, of the weights.
        where: levels of the design's factors.
    """
    return tuple(
        Claim(
            claim,
            Value(kind).at(**where).always(),
            equals(0),
            reading=f"It only reads: no {one} is another after the usual loop, bit for bit.",
            headline=headline if headline and kind == "weights" else False,
        )
        for kind, one in KINDS.items()
    )


def copy_with_gradients(net: nn.Module) -> nn.Module:
    """A copy of a network in the midst of training: a deep copy alone leaves gradients out."""
    copied = copy.deepcopy(net)
    for mine, original in zip(copied.parameters(), net.parameters(), strict=True):
        mine.grad = None if original.grad is None else original.grad.clone()
    return copied


def state_of(net: nn.Module) -> dict[str, list[Tensor | None]]:
    """Copies of all that a loop could change; a parameter without a gradient has None."""
    parameters = list(net.parameters())
    return {
        "weights": [parameter.detach().clone() for parameter in parameters],
        "buffers": [buffer.clone() for buffer in net.buffers()],
        "gradients": [None if p.grad is None else p.grad.clone() for p in parameters],
    }


def changes(before: dict[str, list[Tensor | None]], net: nn.Module) -> Responses:
    """How many tensors of each kind are no longer what they were."""
    after = state_of(net)
    return {
        kind: float(sum(differ(a, b) for a, b in zip(before[kind], after[kind], strict=True)))
        for kind in KINDS
    }


def differ(one: Tensor | None, other: Tensor | None) -> bool:
    """Whether two tensors differ in a bit, or one is there and the other is not."""
    if one is None or other is None:
        return one is not other
    return not torch.equal(one, other)
