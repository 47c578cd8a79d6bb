"""Planted rows for the explorers' pages: helpers, no tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd

from harness.design.factors import Factor, Level
from harness.design.responses import Response
from harness.publishing.explored import Explored
from harness.publishing.site_sources import Sources
from tests.harness.runs import drawing, protocol_of, study_of

#: By arm and block, the values of a response, one a round.
Values = Callable[[Mapping[str, Level], int], list[float]]


def planted(
    factors: tuple[Factor[Any], ...],
    responses: Mapping[Response, Values],
    *,
    blocks: int = 3,
    message: Callable[[Mapping[str, Level]], str] = lambda _: "",
) -> Explored:
    """An experiment with rows that are known beforehand."""
    (rules,) = protocol_of(study_of(first=drawing(4))).experiments.values()
    rules = replace(rules, factors=factors, responses=tuple(responses), blocks=blocks)
    rows = [
        {
            **arm,
            "block": block,
            "round": at,
            "response": response.name,
            "value": value,
            "status": "ok",
            "message": message(arm),
        }
        for levels in itertools.product(*(factor.levels for factor in factors))
        for arm in [dict(zip((factor.name for factor in factors), levels, strict=True))]
        for block in range(blocks)
        for response, values in responses.items()
        for at, value in enumerate(values(arm, block))
    ]
    return Explored("planted", "first", rules, pd.DataFrame(rows), 0, "planted/run", "pc", "2.0")


def sources_of(*rows: Mapping[str, str]) -> Sources:
    """Sources with these rows of the ledger, and no run."""
    by_claim: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        by_claim.setdefault(row["claim"], []).append(row)
    bare = SimpleNamespace(
        rows=by_claim,
        studies=sorted({row["study"] for row in rows}),
        gathered=SimpleNamespace(runs=[]),
    )
    return cast("Sources", bare)


def ledger_row(claim: str, study: str, experiments: str, **changes: str) -> dict[str, str]:
    """A row of the ledger, as far as the explorers' pages read it."""
    row = {
        "claim": claim,
        "kind": "claim",
        "study": study,
        "experiments": experiments,
        "document": "C",
        "section": "chapter 1",
        "says": "It goes up.",
        "verdict": "mixed",
        "machine": "pc",
        "stale": "",
        "sentence": "Up in 1 of 2.",
        "reason": "",
    }
    return row | changes
