"""What reading settles: the width rule, the steps between decays, counts behind accuracies."""

from __future__ import annotations

import pytest

from studies.tuning.printed import breaks_the_rule, is_a_count, jumps, listed_rates, rate_for, steps


@pytest.mark.parametrize(
    ("width", "rate"), [(16, 0.0), (127, 0.0), (128, 0.3), (512, 0.3), (513, 0.5), (4096, 0.5)]
)
def test_the_width_rule_has_three_bands(width: int, rate: float) -> None:
    assert rate_for(width) == rate


def test_a_network_by_the_rule_does_not_break_it() -> None:
    assert breaks_the_rule([0.3, 0.0]) == [False, False]
    assert len(listed_rates()) == 2


def test_steps_leave_out_those_from_none_and_those_that_stay() -> None:
    assert steps((0.0, 1.0, 1.0, 2.0, 20.0)) == [2.0, 10.0]
    assert jumps((1.0, 2.0, 20.0)) == [False, True]


def test_every_accuracy_of_whole_rows_is_a_count_and_half_a_row_is_none() -> None:
    assert all(is_a_count(f"{count / 600:.3f}", 600) for count in range(601))
    assert not is_a_count("0.125", 10)
