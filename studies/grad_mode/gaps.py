"""How far apart two outputs of one network are: anywhere, where they are read, as predictions.

Gaps are relative to the largest output, since float32 rounds relative to the size of a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import Response, Responses
from harness.libraries import torch

if TYPE_CHECKING:
    from torch import Tensor

#: Outputs that are closer than this share of the largest are the same result: a hundred times what
#: float32 rounds by.
SAME = 1e-5

RESPONSES = (
    Response("gap", "1", "the largest relative change of the output, padding included"),
    Response("gap_read", "1", "the largest relative change of the output where it is read"),
    Response("predictions_changed", "1", "the share of predictions that change"),
    Response("same_bits", "yes/no", "the output is the same bit for bit where it is read"),
)


def compared(output: Tensor, reference: Tensor, real: Tensor | None) -> Responses:
    """The responses above.

    Args:
        output: shape (..., features).
        reference: of the same shape.
        real: which places of the output are read, shape (...); None where all are.
    """
    with torch.no_grad():
        gaps = (output - reference).abs() / reference.abs().max()
        apart = output.argmax(-1) != reference.argmax(-1)
        if real is not None:
            apart = apart[real]
        read = (gaps if real is None else gaps[real]).max().item()
        return {
            "gap": gaps.max().item(),
            "gap_read": read,
            "predictions_changed": apart.double().mean().item(),
            "same_bits": float(read == 0),
        }
