"""The four teaching documents whose claims are put to the test.

The documents themselves are not part of this project: the catalogue (``claims.csv``) holds each
claim in our own words and says where it stands. Line numbers in its ``section`` column count in the
plain-text copy from which the catalogue was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Document:
    """One document: the key that claims name it by, its title, its form, and what to know of it."""

    key: str
    title: str
    format: str
    note: str


#: The documents by key, in the catalogue's order of keys.
DOCUMENTS: Mapping[str, Document] = MappingProxyType(
    {
        document.key: document
        for document in (
            Document(
                "A",
                "Train vs Eval Mode",
                "course slides with spoken notes",
                "Pre-work module 03 of the course ECBS5200, Practical Deep Learning Engineering. "
                "A claim from the notes is marked (spoken) in the catalogue.",
            ),
            Document(
                "B",
                "Why are PyTorch model loss values significantly higher after loading?",
                "question-and-answer article with three listings",
                "Dated 2025-01-30; names no author.",
            ),
            Document(
                "C",
                "Training Loop Mechanics",
                "interactive lesson, chapters 0 to 9, with listings, simulations and quizzes",
                "From a series called Training Foundations; names no author and no date. "
                "Only its text was at hand, not the code of its simulations.",
            ),
            Document(
                "D",
                "Dropout in Neural Networks — Why model.eval() Matters",
                "tutorial with five listings, printed outputs, an incident report and a FAQ",
                "Dated 2026-03-06, signed Naren, no. 13 of 15 in a series called Deep Learning.",
            ),
        )
    }
)
