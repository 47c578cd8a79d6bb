"""A collation that pads sequences to the longest of their batch, and says where they are real.

It does what the chapter's own function does: zeros at the end, of the sequence's type; a mask of
floating point, 1 for what is real and 0 for padding; labels as one tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.libraries import torch

if TYPE_CHECKING:
    from torch import Tensor


def pad_batch(examples: Sequence[tuple[Tensor, int]]) -> dict[str, Tensor]:
    """Put pairs of a sequence and its label into one batch.

    Args:
        examples: sequences of whole numbers, shape (length,), and labels.

    Returns:
        "input_ids" and "attention_mask" of shape (batch, longest), "labels" of shape (batch,).
    """
    longest = max(len(sequence) for sequence, _ in examples)
    tokens = torch.zeros(len(examples), longest, dtype=examples[0][0].dtype)
    mask = torch.zeros(len(examples), longest)
    for row, (sequence, _) in enumerate(examples):
        tokens[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    labels = torch.tensor([label for _, label in examples])
    return {"input_ids": tokens, "attention_mask": mask, "labels": labels}
