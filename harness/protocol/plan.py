"""The plan: which blocks run, with which seeds, and the random order of their arms."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from harness.design.factors import Arm
from harness.errors import HarnessError


@dataclass(frozen=True)
class PlannedBlock:
    """One block of a plan.

    Attributes:
        index: 0, 1, ...
        seed: its own.
        shared_seed: that all blocks share.
        arms: in the order of measuring.
        peers: the seeds of the blocks that are measured together, in their order, its own among
            them.
    """

    index: int
    seed: int
    shared_seed: int
    arms: tuple[Arm, ...]
    peers: tuple[int, ...]

    @property
    def place(self) -> int:
        """The block's place among its peers."""
        return self.peers.index(self.seed)


def plan_blocks(
    arms: tuple[Arm, ...], blocks: int, seed: int, name: str, together: int = 1
) -> tuple[PlannedBlock, ...]:
    """Plan an experiment: a pure function of its arguments.

    Args:
        arms: the arms in the design's order.
        blocks: how many blocks, 1 or more.
        seed: the run's seed, 0 or more.
        name: study and experiment, so that two experiments of a run share no random stream.
        together: how many blocks are measured together; the last ones may be fewer.

    Returns:
        The blocks in order; every block has every arm once, in an order drawn for that block.

    Raises:
        HarnessError: for a negative seed or no blocks, one by one or together.
    """
    if seed < 0:
        raise HarnessError(f"The seed must be 0 or more, not {seed}.")
    if min(blocks, together) < 1:
        raise HarnessError(f"A plan needs 1 block or more, not {min(blocks, together)}.")
    root = np.random.SeedSequence([seed, _number(name)])
    shared, *children = root.spawn(blocks + 1)
    seeds = [_seed(child) for child in children]
    return tuple(
        PlannedBlock(
            index,
            seeds[index],
            _seed(shared),
            _in_random_order(arms, child),
            tuple(seeds[index - index % together :][:together]),
        )
        for index, child in enumerate(children)
    )


def _in_random_order(arms: tuple[Arm, ...], source: np.random.SeedSequence) -> tuple[Arm, ...]:
    order = np.random.default_rng(source.spawn(1)[0]).permutation(len(arms))
    return tuple(arms[i] for i in order)


def _seed(source: np.random.SeedSequence) -> int:
    # 31 bits: every generator in use (random, numpy's legacy one, torch) takes them.
    return int(source.generate_state(1)[0] >> 1)


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
