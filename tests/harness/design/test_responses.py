"""Responses: name, unit and meaning."""

from __future__ import annotations

import pytest

from harness.design.responses import Response
from harness.errors import HarnessError


@pytest.mark.parametrize(
    ("name", "unit", "meaning", "sentence"),
    [
        ("two words", "m", "the length", "cannot be called 'two words'"),
        ("value", "m", "the length", "cannot be called 'value'"),
        ("x", "", "the length", "needs a unit"),
        ("x", " m", "the length", "needs a unit"),
        ("x", "m", "", "needs a meaning"),
        ("x", "m", "The length.", "without a full stop"),
    ],
)
def test_a_response_without_a_part_is_refused(
    name: str, unit: str, meaning: str, sentence: str
) -> None:
    with pytest.raises(HarnessError, match=sentence):
        Response(name, unit, meaning)
