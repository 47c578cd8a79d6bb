"""Which findings are told first."""

from __future__ import annotations

import pytest

from harness.publishing.surprises import distance, surprises


def row(claim: str, study: str, verdict: str = "refuted", **columns: str) -> dict[str, str]:
    return {
        "claim": claim,
        "kind": "claim",
        "study": study,
        "verdict": verdict,
        "number": "1",
        "sentence": f"What came out for {claim}.",
        "region": "at least 2",
        "estimate": "1",
        "stale": "",
        **columns,
    }


def told(*rows: dict[str, str], most: int = 8) -> list[str]:
    return [found["claim"] for found in surprises(rows, most)]


def test_what_is_refuted_surprises_more_than_what_is_mixed() -> None:
    assert told(row("A-1", "s", "mixed"), row("A-2", "s")) == ["A-2", "A-1"]


def test_what_lies_farther_from_its_region_comes_first() -> None:
    near, far = row("A-1", "s", estimate="1.9"), row("A-2", "s", estimate="0.1")
    assert told(near, far) == ["A-2", "A-1"]


def test_each_study_gives_one_before_any_gives_two() -> None:
    rows = [row(f"A-{n}", "a", estimate="0.1") for n in range(3)] + [row("B-1", "b")]
    assert told(*rows, most=3) == ["A-0", "B-1", "A-1"]


def test_of_claims_that_say_the_same_one_is_told() -> None:
    twin = row("A-2", "s") | {"sentence": "What came out for A-1."}
    assert told(row("A-1", "s"), twin) == ["A-1"]


@pytest.mark.parametrize(
    "columns",
    [
        {"verdict": "reproduced"},
        {"verdict": "inconclusive"},
        {"verdict": "not tested"},
        {"kind": "counterpart"},
        {"number": ""},
        {"stale": "Made under rules that have changed since."},
    ],
)
def test_what_is_open_expected_or_outdated_is_no_surprise(columns: dict[str, str]) -> None:
    assert told(row("A-1", "s") | columns) == []


@pytest.mark.parametrize(
    ("region", "estimate", "expected"),
    [
        ("at least 2", "1", 0.5),
        ("at most 2", "4", 0.5),
        ("between 2 and 4", "8", 0.5),
        ("equal to 0", "5", 1.0),
        ("at least 1,000", "500", 0.5),
        ("at least 2", "", 0.0),
        ("", "5", 0.0),
        ("equal to 0", "0", 0.0),
    ],
)
def test_distance_is_the_gap_over_the_larger_of_number_and_edge(
    region: str, estimate: str, expected: float
) -> None:
    assert distance(row("A-1", "s", region=region, estimate=estimate)) == pytest.approx(expected)
