"""Findings: records that survive their way through a table of text."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.judging.findings import KINDS, ClaimFinding, Finding, columns, from_row, to_row
from harness.judging.verdicts import VERDICTS

texts = st.text(max_size=30)
numbers = st.floats(allow_nan=False, width=16) | st.just(math.nan)


def records(kind: type[Finding | ClaimFinding]) -> st.SearchStrategy[Any]:
    """Records with any text in their columns of text, and any number in the others."""
    by_type = {"str": texts, "float": numbers, "int": st.integers(0, 99), "bool": st.booleans()}
    special = {"kind": st.sampled_from(KINDS), "verdict": st.sampled_from(VERDICTS)}
    parts = {f.name: special.get(f.name, by_type.get(str(f.type), texts)) for f in fields(kind)}
    return st.builds(kind, **parts)


findings, claims = records(Finding), records(ClaimFinding)


@given(findings)
def test_a_finding_comes_back_from_its_row(finding: Finding) -> None:
    again = from_row(Finding, to_row(finding))
    for name in columns(Finding):
        one, other = getattr(finding, name), getattr(again, name)
        if isinstance(one, float):
            assert (math.isnan(one) and math.isnan(other)) or other == pytest.approx(one, rel=1e-5)
        else:
            assert one == other


@given(claims)
def test_a_claims_finding_comes_back_from_its_row(claim: ClaimFinding) -> None:
    assert from_row(ClaimFinding, to_row(claim)) == claim


ROW = to_row(
    ClaimFinding("P-1", "claim", "refuted", "no", "No.", "", "always", 0, 1, 1, "", "", "first")
)


@pytest.mark.parametrize(
    ("column", "text"),
    [("verdict", "proven"), ("kind", "guess"), ("holds", "many"), ("holds", "")],
)
def test_a_row_that_holds_what_it_cannot_is_refused_by_its_column(column: str, text: str) -> None:
    with pytest.raises(HarnessError, match=f"column {column}"):
        from_row(ClaimFinding, ROW | {column: text})


def test_a_row_without_a_column_is_refused() -> None:
    with pytest.raises(HarnessError, match="the column sentence is missing"):
        from_row(ClaimFinding, {name: text for name, text in ROW.items() if name != "sentence"})
