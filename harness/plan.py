"""The plan: which blocks run, with which seeds, and the random order of their arms."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from harness.design import Arm
from harness.errors import HarnessError


@dataclass(frozen=True)
class PlannedBlock:
    """One block: its seed, the seed all blocks share, and its arms in the order of measuring."""

    index: int
    seed: int
    shared_seed: int
    arms: tuple[Arm, ...]


def plan_blocks(
    arms: tuple[Arm, ...], blocks: int, seed: int, name: str
) -> tuple[PlannedBlock, ...]:
    """Plan an experiment: a pure function of its arguments.

    Args:
        arms: the arms in the design's order.
        blocks: how many blocks, 1 or more.
        seed: the run's seed, 0 or more.
        name: study and experiment, so that two experiments of a run share no random stream.

    Returns:
        The blocks in order; every block has every arm once, in an order drawn for that block.

    Raises:
        HarnessError: for a negative seed or no blocks.
    """
    if seed < 0:
        raise HarnessError(f"The seed must be 0 or more, not {seed}.")
    if blocks < 1:
        raise HarnessError(f"A plan needs 1 block or more, not {blocks}.")
    root = np.random.SeedSequence([seed, _number(name)])
    shared, *children = root.spawn(blocks + 1)
    return tuple(
        _plan_block(index, arms, child, _seed(shared)) for index, child in enumerate(children)
    )


def _plan_block(
    index: int, arms: tuple[Arm, ...], source: np.random.SeedSequence, shared_seed: int
) -> PlannedBlock:
    order = np.random.default_rng(source.spawn(1)[0]).permutation(len(arms))
    return PlannedBlock(index, _seed(source), shared_seed, tuple(arms[i] for i in order))


def _seed(source: np.random.SeedSequence) -> int:
    # 31 bits: every generator in use (random, numpy's legacy one, torch) takes them.
    return int(source.generate_state(1)[0] >> 1)


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
