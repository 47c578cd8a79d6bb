"""A claim in words, as the catalogue holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from harness.errors import HarnessError

#: What a claim says of the conditions in its scope; it decides how their verdicts become its own.
Quantifier: TypeAlias = Literal["always", "can", "typical", "single", "instruction", "frequency"]
QUANTIFIERS: tuple[Quantifier, ...] = get_args(Quantifier)


@dataclass(frozen=True)
class Entry:
    """One claim in our own words: a row of ``studies/claims.csv``, or of a study's own CATALOGUE.

    Attributes:
        claim: its id.
        says: the statement, adding nothing to the passage.
        scope: the nets, data, sizes and settings that the passage speaks of.
        quantifier: see ``QUANTIFIERS``.
        document: the key of the document ("own" for a claim of no document).
        section: its place there.
        kind: mechanism, number, default, ...
        needs: "cpu", "cuda", "cpu or cuda" or "field data".
        study: the study that judges it.
        same_as: ids of claims that make the same statement.
    """

    claim: str
    says: str
    scope: str
    quantifier: str = "always"
    document: str = "own"
    section: str = ""
    kind: str = ""
    needs: str = "cpu"
    study: str = ""
    same_as: str = ""

    def __post_init__(self) -> None:
        if not self.claim or not self.says:
            raise HarnessError("A claim needs an id and what it says.")
        if self.quantifier not in QUANTIFIERS:
            raise HarnessError(
                f"The claim {self.claim} has quantifier {self.quantifier!r}; it is one of "
                f"{', '.join(QUANTIFIERS)}."
            )
