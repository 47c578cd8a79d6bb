"""Formula and count of an epoch, on planted numbers."""

from __future__ import annotations

import pytest

from harness.workloads.arithmetic import Run
from studies.arithmetic.counting import epoch
from studies.arithmetic.unanswered import by_formula


@pytest.mark.parametrize(
    ("run", "expected"), [(Run(23, 10), (3, 3)), (Run(20, 10), (2, 10)), (Run(3, 10), (1, 3))]
)
def test_an_epoch_is_its_batches_and_its_last_one(run: Run, expected: tuple[int, int]) -> None:
    assert epoch(run) == by_formula(run) == expected
