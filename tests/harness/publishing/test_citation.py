"""How a verdict is cited."""

from __future__ import annotations

from harness.design.entry import Entry
from harness.publishing.citation import citation

ENTRY = Entry("P-up-1", says="A shift goes up.", scope="shifts", document="A", study="planted")


def test_a_citation_names_claim_verdict_numbers_run_and_versions() -> None:
    row = {
        "claim": "P-up-1",
        "kind": "claim",
        "verdict": "refuted",
        "sentence": "It takes 1.25 s.",
        "run": "planted/2027-03-04_xeon-2c_abc",
        "torch": "2.13.0",
        "device": "cpu",
    }
    assert citation(ENTRY, row) == (
        "The training-claims contributors (2027). training-claims: controlled experiments on "
        'claims about PyTorch training. Claim P-up-1: "A shift goes up." Verdict: refuted. '
        "It takes 1.25 s. Run planted/2027-03-04_xeon-2c_abc, torch 2.13.0, cpu."
    )
    assert "Claim P-up-1 (cpu counterpart):" in citation(ENTRY, row | {"kind": "counterpart"})
