"""The study's own count of an epoch."""

from __future__ import annotations

from studies.arithmetic.step_counters import ACCUMULATE, BATCH, EXAMPLES, an_epoch


def test_its_own_count_is_one_pass_a_batch_and_one_update_a_full_group() -> None:
    passes = len(range(0, EXAMPLES, BATCH))
    assert an_epoch().passes == passes
    assert an_epoch().updates == passes // ACCUMULATE
