"""The addresses of a site's pages: made of ids alone, so that a link outlives every build."""

from __future__ import annotations

import hashlib
import re

FIRST, CLAIMS, METHOD = "index.html", "claims/index.html", "method.html"
COMPARISONS = "comparisons.html"
#: The ledger as a table, for programs.
LEDGER = "claims.csv"
EXPLORERS = "explorers/index.html"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_LONGEST_STEM = 40


def claim_page(claim: str) -> str:
    """The page of a claim, for good."""
    return f"claims/{_stem(claim)}.html"


def claim_record(claim: str) -> str:
    """The claim's record for programs, beside its page."""
    return f"claims/{_stem(claim)}.json"


def study_page(study: str) -> str:
    """The page of a study."""
    return f"studies/{_stem(study)}.html"


def machine_page(machine: str) -> str:
    """The page of a machine."""
    return f"machines/{_stem(machine)}.html"


def run_page(run: str) -> str:
    """The page of a run, which keeps it when a newer run takes its place in the ledger."""
    study, _, name = run.partition("/")
    return f"runs/{_stem(study)}/{_stem(name)}.html"


def explorer_page(name: str) -> str:
    """The page of an explorer; its state is the query that follows."""
    return f"explorers/{_stem(name)}.html"


def _stem(name: str) -> str:
    """The name where it can be a file's; else what is left of it, with a checksum of all of it."""
    if _PLAIN.fullmatch(name) and name != "index":
        return name
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:_LONGEST_STEM]
    return f"{plain or 'x'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
