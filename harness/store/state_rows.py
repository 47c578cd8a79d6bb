"""The state of a GPU as rows of an experiment's table, in phases of their own.

A row is a quantity as it was right after a chunk of an arm. One that the GPU does not give is a row
without a value, whose message says why, once a block: it is no failed cell, for no response of the
experiment is missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from harness.design.factors import Arm
from harness.design.gpu_state import BETWEEN, UNITS, WATCHING
from harness.meters.sampler import Sample
from harness.protocol.plan import PlannedBlock
from harness.store.rows import Row, common_columns
from harness.words import plain, shown


def state_rows(planned: PlannedBlock, samples: Sequence[Sample], lasted: float) -> list[Row]:
    """The rows of a block's samples, and of what they cost.

    Args:
        planned: the block.
        samples: in the order taken.
        lasted: seconds that the block took.
    """
    rows = quantity_rows(samples, lambda s: common_columns(planned, s.order, s.arm))
    return rows + _watching_rows(planned, samples, lasted)


def quantity_rows(samples: Sequence[Sample], common_of: Callable[[Sample], Row]) -> list[Row]:
    """The rows of samples, one a quantity.

    Args:
        samples: in the order taken.
        common_of: the columns that say whose a sample is.
    """
    rows: list[Row] = []
    told: set[tuple[str, str]] = set()
    for sample in samples:
        common = common_of(sample)
        common |= {"phase": sample.phase, "round": sample.round, "order": sample.order}
        for name, value in sample.reading.values.items():
            rows.append({**common, "response": name, "value": value, "unit": UNITS[name]})
        for name, why in sample.reading.missing.items():
            if (name, why) not in told:
                told.add((name, why))
                nothing = {"response": name, "value": math.nan, "unit": UNITS[name]}
                rows.append({**common, **nothing, "message": shown(plain(why))})
    return rows


def _watching_rows(planned: PlannedBlock, samples: Sequence[Sample], lasted: float) -> list[Row]:
    spent: dict[Arm, float] = {}
    for sample in samples:
        spent[sample.arm] = spent.get(sample.arm, 0.0) + sample.seconds
    rows = []
    for order, arm in enumerate(planned.arms):
        if arm in spent:
            common = {**common_columns(planned, order, arm), "phase": BETWEEN, "round": 0}
            cost = {"response": WATCHING.name, "value": spent[arm] / lasted, "unit": WATCHING.unit}
            rows.append({**common, **cost})
    return rows
