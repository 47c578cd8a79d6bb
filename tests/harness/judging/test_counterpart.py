"""Names of counterparts."""

from __future__ import annotations

import pytest

from harness.judging.counterpart import claim_of, counterpart_name, is_counterpart


@pytest.mark.parametrize("claim", ["C7.22", "A-forget-1", "B-ex (2)"])
def test_a_counterpart_carries_the_name_of_its_claim_and_device(claim: str) -> None:
    name = counterpart_name(claim, "cpu")
    assert name == f"{claim} (CPU counterpart)"
    assert is_counterpart(name)
    assert claim_of(name) == claim
    assert not is_counterpart(claim)
    assert claim_of(claim) == claim
