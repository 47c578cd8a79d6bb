"""An arm alone for a while, on a machine whose time is planted."""

from __future__ import annotations

import pytest

from harness.meters.alone import run_alone
from tests.harness.meters.test_clock import Machine


def test_a_call_alone_takes_what_it_takes_once_the_card_has_found_its_clock() -> None:
    """It slows down from 1 ms to 2 ms after a tenth of a second."""
    machine = Machine(reading=0.0)
    work = machine.task(1e-3, drift=lambda now: 2.0 if now > 0.1 else 1.0)
    found = run_alone(work, 2, 0.4, machine, machine.clock)
    assert found.seconds == pytest.approx(2e-3)
    assert machine.now == pytest.approx(0.4, abs=2 * 2e-3)
    assert found.calls == pytest.approx(0.2 / 2e-3, abs=4)


@pytest.mark.parametrize("seconds", [0.0, 1e-6])
def test_at_least_one_chunk_is_measured(seconds: float) -> None:
    machine = Machine(reading=0.0)
    found = run_alone(machine.task(1e-3), 3, seconds, machine, machine.clock)
    assert found.seconds == pytest.approx(1e-3)
    assert found.calls == 3


def test_the_device_is_waited_for() -> None:
    machine = Machine(reading=0.0)
    found = run_alone(machine.task(1e-5, device=1e-3), 4, 0.1, machine, machine.clock)
    assert found.seconds == pytest.approx(1e-5 + 1e-3)
