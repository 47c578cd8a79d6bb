"""Blocks that are measured together: small networks train twenty at a time as fast as a few.

The first of them that is asked for measures them all, and what it finds is kept for the others, in
this process: each block still gets its own rows and its own file, whoever measured it with whom.
Which blocks belong together stands in the plan, so that the rows are the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from harness.design.experiment import Responses
from harness.design.factors import Arm, Block
from harness.errors import HarnessError
from harness.protocol.plan import PlannedBlock

MeasureTogether: TypeAlias = Callable[[tuple[Block, ...], Arm], Sequence[Responses]]


@dataclass
class _Kept:
    """What the latest cohort of a function gave, by arm: responses by place, or what it raised."""

    cohort: tuple[Block, ...]
    found: dict[Arm, Sequence[Responses] | Exception | SystemExit] = field(default_factory=dict)


#: Only the latest cohort of each experiment: the next one begins when it is done.
_KEPT: dict[Any, _Kept] = {}


def measure_with_cohort(
    measure: MeasureTogether, block: Block, planned: PlannedBlock, arm: Arm
) -> Responses:
    """The responses of one block, from measuring all its peers with it or from having done so.

    Args:
        measure: an experiment's ``measure_together``.
        block: whose responses are asked for.
        planned: the same block in the plan, which names its peers.
        arm: the arm.

    Raises:
        HarnessError: the function gave responses for another number of blocks.
        Exception: whatever it raised, for each of the blocks.
    """
    cohort = _cohort(block, planned)
    kept = _KEPT.get(measure)
    if kept is None or kept.cohort != cohort:
        kept = _KEPT[measure] = _Kept(cohort)
    if arm not in kept.found:
        kept.found[arm] = _measure(measure, cohort, arm)
    found = kept.found[arm]
    if isinstance(found, BaseException):
        raise found
    return found[planned.place]


def _cohort(block: Block, planned: PlannedBlock) -> tuple[Block, ...]:
    first = planned.index - planned.place
    return tuple(
        replace(block, index=first + place, seed=seed) for place, seed in enumerate(planned.peers)
    )


def _measure(
    measure: MeasureTogether, cohort: tuple[Block, ...], arm: Arm
) -> Sequence[Responses] | Exception | SystemExit:
    try:
        found = measure(cohort, arm)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - kept: it is every block's failure
        return error
    if len(found) != len(cohort):
        return HarnessError(f"{len(found)} responses for {len(cohort)} blocks measured together")
    return found
