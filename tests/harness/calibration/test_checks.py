"""Checks: what a simulated rate says of itself."""

from __future__ import annotations

import pytest

from harness.calibration.checks import Check


def test_a_check_gives_its_standard_error_and_reads_as_a_sentence() -> None:
    check = Check("median, value", "normal", 8, "covered", "", 10_000, 0.99, 0.985, met=True)
    assert check.se == pytest.approx(0.000995, rel=1e-3)
    assert str(check) == (
        "median, value; normal; 8 blocks: covered 99.00 % (s.e. 0.10), limit 98.5 %"
    )
