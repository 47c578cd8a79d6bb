"""How to cite a verdict: one sentence, the same on the terminal and on the site."""

from __future__ import annotations

from collections.abc import Mapping

from harness.design.entry import Entry

TITLE = "training-claims: controlled experiments on claims about PyTorch training"


def citation(entry: Entry, row: Mapping[str, str]) -> str:
    """How to cite a verdict: it names the run, which does not change once it is published.

    Args:
        entry: the claim, in the catalogue's words.
        row: what the ledger holds of the claim on one machine.
    """
    date = row["run"].split()[0].rpartition("/")[2][:10]
    kind = "" if row["kind"] == "claim" else f" ({row['device']} counterpart)"
    return (
        f"The training-claims contributors ({date[:4]}). {TITLE}. "
        f'Claim {row["claim"]}{kind}: "{entry.says}" Verdict: {row["verdict"]}. {row["sentence"]} '
        f"Run {', '.join(row['run'].split())}, torch {row['torch']}, {row['device']}."
    )
