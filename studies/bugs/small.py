"""Where small networks train, whatever the device of a run: on the CPU.

A step of theirs is some dozens of operations on a few thousand numbers, and a GPU takes longer to
be given each of them than to compute it: in quick form the experiments that train so make from
twenty thousand to half a million operations each, replicas together. What is
asked of these trainings (losses, gradients, accuracies, bytes of stored outputs) is about numbers
and no device; what the documents say of a GPU is asked in experiments of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness import Block


def on_cpu(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The same blocks, whose tensors belong on the CPU."""
    return tuple(replace(block, device="cpu") for block in blocks)
