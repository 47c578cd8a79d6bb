"""Findings: what judging hands on, as typed records that tables hold and pages show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from harness.errors import HarnessError
from harness.judging.verdicts import UNTROUBLED, VERDICTS, Verdict

Kind: TypeAlias = Literal["claim", "beyond", "counterpart", "control"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Finding:
    """One condition: what was compared, what came out, and what that says.

    Attributes:
        claim: the claim's id, or the control's name.
        kind: a condition of the claim, one beyond its scope, another device's counterpart of one,
            or a control.
        experiment: where it was measured.
        contrast: what was compared, in words.
        reading: how the claim's words became the rule.
        why: what puts a condition beyond the claim's scope.
        rule: "median" of blocks, "every" value, or "frequency" over blocks.
        region: where the claim holds.
        estimate: in ``unit``; NaN where there is none.
        low: the lower end of what was judged.
        high: the upper end.
        unit: of the three.
        blocks: how many gave a value.
        verdict: of the condition.
        reason: why.
        number: the number as it is printed, with what kind of number it is.
        headline: whether this condition stands for its claim.
        warnings: ids of ``harness.judging.warnings``, separated by blanks.
    """

    claim: str
    kind: Kind
    experiment: str
    contrast: str
    reading: str
    why: str
    rule: str
    region: str
    estimate: float
    low: float
    high: float
    unit: str
    blocks: int
    verdict: Verdict
    reason: str
    number: str
    headline: bool
    warnings: str

    @property
    def troubles(self) -> bool:
        """Whether it is a control that did not come out as it must."""
        return self.kind == "control" and self.verdict not in UNTROUBLED


@dataclass(frozen=True)
class ClaimFinding:
    """One claim as a run judged it.

    Attributes:
        claim: its id.
        kind: "claim", or "counterpart" where another device than it needs ran the same code.
        verdict: of the claim.
        reason: how its conditions decided it.
        sentence: what was found: that of its headline, and how often it holds.
        number: the headline's.
        quantifier: what the claim says of its conditions.
        holds: how many of the judged conditions hold.
        fails: how many do not.
        judged: how many there are.
        curve: of a claim over a size, where it holds.
        warnings: ids that its judged conditions have, separated by blanks.
        experiments: where it was measured, separated by blanks.
    """

    claim: str
    kind: Kind
    verdict: Verdict
    reason: str
    sentence: str
    number: str
    quantifier: str
    holds: int
    fails: int
    judged: int
    curve: str
    warnings: str
    experiments: str


R = TypeVar("R", Finding, ClaimFinding)


def to_row(record: Finding | ClaimFinding) -> dict[str, str]:
    """A record as a row of text; numbers with six digits, empty where there is none."""
    return {each.name: _text(getattr(record, each.name)) for each in fields(record)}


def from_row(kind: type[R], row: Mapping[str, str]) -> R:
    """The inverse of ``to_row``.

    Raises:
        HarnessError: a column is missing, or holds what it cannot.
    """
    values: dict[str, Any] = {}
    for each in fields(kind):
        if each.name not in row:
            raise HarnessError(f"the column {each.name} is missing")
        try:
            values[each.name] = _value(str(each.type), each.name, row[each.name])
        except ValueError as error:
            raise HarnessError(f"column {each.name}: {row[each.name]!r} does not fit") from error
    return kind(**values)


def columns(kind: type[Finding | ClaimFinding]) -> list[str]:
    """The columns of a table of records."""
    return [each.name for each in fields(kind)]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return str(value)


def _value(kind: str, name: str, text: str) -> object:
    if kind == "float":
        return float(text) if text else math.nan
    if kind == "int":
        return int(text)
    if kind == "bool":
        if text not in ("yes", ""):
            raise ValueError(text)
        return text == "yes"
    known = {"verdict": VERDICTS, "kind": KINDS}.get(name)
    if known and text not in known:
        raise ValueError(text)
    return text
