"""The findings that surprise most: refuted and mixed claims, ranked by their numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

MOST = 8


def surprises(rows: Sequence[Mapping[str, str]], most: int = MOST) -> list[Mapping[str, str]]:
    """The ledger's rows that a reader of the documents would least expect.

    A document's claim that is refuted surprises more than one that is mixed, and the more the
    farther its number lies from where the claim would hold. Each study gives one, so that eight
    findings show eight themes; where there are fewer studies, they give their next ones. Of claims
    that say the same, one is told.

    Args:
        rows: of the ledger.
        most: how many at most.
    """
    ranked = sorted(
        (row for row in rows if _is_candidate(row)),
        key=lambda row: (row["verdict"] != "refuted", -distance(row), row["claim"]),
    )
    by_study: dict[str, list[Mapping[str, str]]] = {}
    told: set[str] = set()
    for row in ranked:
        if row["sentence"] in told:  # claims that say the same share their conditions
            continue
        told.add(row["sentence"])
        by_study.setdefault(row["study"], []).append(row)
    turns = [
        row
        for place in range(max((len(of) for of in by_study.values()), default=0))
        for of in by_study.values()
        for row in of[place : place + 1]
    ]
    return turns[:most]


def distance(row: Mapping[str, str]) -> float:
    """How far a number lies from its region, in widths of its distance from zero.

    For a ratio that is the logarithm of how many times it misses the edge; for other numbers the
    gap over the larger of number and edge. A row without numbers has distance 0.
    """
    edges = [float(word.replace(",", "")) for word in row["region"].split() if _is_number(word)]
    if not edges or not row["estimate"]:
        return 0.0
    estimate = float(row["estimate"])
    gap = min(abs(estimate - edge) for edge in edges)
    scale = max(abs(estimate), *(abs(edge) for edge in edges))
    return gap / scale if scale > 0 and math.isfinite(scale) else 0.0


def _is_candidate(row: Mapping[str, str]) -> bool:
    decided = row["kind"] == "claim" and row["verdict"] in ("refuted", "mixed")
    return decided and bool(row["number"]) and not row["stale"]


def _is_number(word: str) -> bool:
    try:
        float(word.replace(",", ""))
    except ValueError:
        return False
    return True
