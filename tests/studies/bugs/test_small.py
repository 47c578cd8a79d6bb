"""Small networks stay on the CPU, and everything else of a block stays as it was."""

from __future__ import annotations

from harness.design.factors import Block
from studies.bugs.small import on_cpu


def test_blocks_move_to_the_cpu_and_keep_their_seeds() -> None:
    blocks = [Block(0, 7, 9, "cuda", effort=3), Block(1, 8, 9, "cpu", effort=3)]
    found = on_cpu(blocks)
    assert [block.device for block in found] == ["cpu", "cpu"]
    assert [(b.index, b.seed, b.shared_seed, b.effort) for b in found] == [
        (b.index, b.seed, b.shared_seed, b.effort) for b in blocks
    ]
    assert blocks[0].device == "cuda"
