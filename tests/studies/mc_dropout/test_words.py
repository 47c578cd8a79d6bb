"""Words: passes are counted, and what varies is told from what does not."""

from __future__ import annotations

import pytest
from torch import nn

from studies.mc_dropout.words import COMMAND, passes_of, smallest_variance, varies, with_module


@pytest.mark.parametrize("count", [2, 3, 50])
def test_the_passes_of_a_command_are_counted(count: int) -> None:
    command = COMMAND.replace("range(10)", f"range({count})")
    assert passes_of(command)() == count


def test_a_module_that_draws_varies_and_one_that_does_not_is_the_same() -> None:
    assert varies(lambda: nn.Sequential(nn.RReLU(), nn.Linear(64, 2)))() == "the same"
    assert varies(with_module)() == "the same"
    assert varies(with_module, training=True)() == "TypeError"


def test_passes_that_drop_nothing_have_no_variance() -> None:
    assert smallest_variance(0.0) == 0
