"""Claims that say the same have the same rule."""

from __future__ import annotations

from harness import Claim
from studies.batchnorm.hand_calculation import EXPERIMENT
from studies.eval_variance.batch_norm import CLAIMS


def rules_of(claim: str, rules: tuple[object, ...]) -> list[tuple[object, ...]]:
    return [
        (r.contrast, r.region, r.reading) for r in rules if isinstance(r, Claim) and r.id == claim
    ]


def test_both_sentences_of_document_a_have_the_rule_of_document_cs() -> None:
    shared = rules_of("C4.05", CLAIMS)
    assert shared
    for claim in ("A-train-6", "A-eval-3"):
        assert rules_of(claim, EXPERIMENT.claims) == shared
