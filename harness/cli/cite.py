"""How to cite claims, studies and runs, in the form that is asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.publishing.citation import FORMS, written
from harness.publishing.lookup import Lookup


def show_citations(given: Sequence[str], form: str, results: Path) -> None:
    """Print citations, and nothing else: the output is a file as it is.

    Args:
        given: claims, studies, runs.
        form: see ``FORMS``.
        results: the folder of run folders.

    Raises:
        HarnessError: there is no such form, or nothing to cite of one that is named.
    """
    if form not in FORMS:
        raise HarnessError(f"There is no format {form!r}; choose one of {', '.join(FORMS)}.")
    lookup = Lookup.read(results)
    cited = [each for name in dict.fromkeys(given) for each in lookup.cited(name)]
    sys.stdout.write(written(list(dict.fromkeys(cited)), form))
