"""What each formula is off by, against a training walked by lists."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.design.factors import Arm, Block
from harness.workloads.arithmetic import Run
from studies.arithmetic.every_size import DROPPED, EPOCHS, KEPT, measure
from tests.studies.arithmetic.walking import walk


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(1, 12), st.booleans(), st.integers(1, 4))
def test_it_is_off_by_what_a_walk_is_off_by(
    examples: int, batch: int, dropped: bool, accumulate: int
) -> None:
    arm = Arm(
        (
            ("examples", examples),
            ("batch", batch),
            ("last", DROPPED if dropped else KEPT),
            ("accumulate", accumulate),
        )
    )
    found = measure(Block(0, 1, 0), arm)
    walked = walk(Run(examples, batch, EPOCHS, accumulate, dropped))
    epoch = walked.epochs[0]
    last = epoch[-1] if epoch else 0
    rest = examples % batch
    assert found == {
        "updates_off": len(walked.groups) - EPOCHS * (examples // batch + (rest > 0)),
        "code_off": last - (rest or batch),
        "sheet_off": last - rest,
        "partial_off": sum(size for size in epoch if size < batch) - rest,
        "floor_off": len(epoch) - examples // batch,
    }
