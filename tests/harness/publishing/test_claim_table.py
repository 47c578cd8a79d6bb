"""What the filters of the table of claims go by."""

from __future__ import annotations

import pytest

from harness.publishing.claim_table import EFFECTS, EXACT, _effect


@pytest.mark.parametrize(
    ("estimate", "region", "effect"),
    [
        ("", "at least 1", ""),
        ("1", "equal to 1", "exact"),
        ("1.02", "at least 1", "near"),
        ("0.8", "at least 1", "clear"),
        ("5", "at least 1", "far"),
        ("-5", "between -1 and 1", "far"),
    ],
)
def test_an_effect_is_told_by_its_distance_from_the_claims_edge(
    estimate: str, region: str, effect: str
) -> None:
    assert _effect({"estimate": estimate, "region": region}) == effect
    assert effect in {"", *EFFECTS, *EXACT}
