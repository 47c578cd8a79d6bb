"""Blocks that are measured together: small networks train twenty at a time as fast as a few.

The first of them that is asked for measures them all, and what it finds is kept for the others, in
this process: each block still gets its own rows and its own file, whoever measured it with whom.
Which blocks belong together stands in the plan, so that the rows are the same in every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.design.experiment import Experiment, Responses
from harness.design.factors import Arm, Block
from harness.errors import HarnessError
from harness.protocol.plan import PlannedBlock


@dataclass
class Cohort:
    """Some blocks, what their arms share, and what each arm gave or raised so far."""

    experiment: Experiment[Any]
    blocks: tuple[Block, ...]
    cell: Any
    found: dict[Arm, Sequence[Responses] | Exception | SystemExit] = field(default_factory=dict)

    def measure(self, arm: Arm, place: int) -> Responses:
        """The responses of one block, from measuring all with it or from having done so.

        Raises:
            HarnessError: the function gave responses for another number of blocks.
            Exception: whatever it raised, for each of the blocks.
        """
        if arm not in self.found:
            self.found[arm] = self._measure(arm)
        found = self.found[arm]
        if isinstance(found, BaseException):
            raise found
        return found[place]

    def _measure(self, arm: Arm) -> Sequence[Responses] | Exception | SystemExit:
        measure = self.experiment.measure_together
        if measure is None:
            return HarnessError("these blocks are not measured together")
        try:
            found = measure(self.cell, arm)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - kept: every block's failure
            return error
        if len(found) != len(self.blocks):
            count = len(self.blocks)
            return HarnessError(f"{len(found)} responses for {count} blocks measured together")
        return found


#: Only the latest cohort of each experiment: the next one begins when it is done.
_KEPT: dict[Any, Cohort] = {}


def cohort_of(experiment: Experiment[Any], block: Block, planned: PlannedBlock) -> Cohort:
    """The blocks that are measured with one, prepared together by the first that is asked for.

    Args:
        experiment: measures together.
        block: one of them.
        planned: the same block in the plan, which names its peers.

    Raises:
        Exception: whatever ``prepare_together`` raises.
    """
    first = planned.index - planned.place
    blocks = tuple(
        replace(block, index=first + place, seed=seed) for place, seed in enumerate(planned.peers)
    )
    kept = _KEPT.get(experiment.measure_together)
    if kept is None or kept.blocks != blocks:
        prepare = experiment.prepare_together
        cell = blocks if prepare is None else prepare(blocks)
        kept = _KEPT[experiment.measure_together] = Cohort(experiment, blocks, cell)
    return kept
