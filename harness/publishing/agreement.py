"""How a run's verdicts agree with those of the published reference run of its study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.judging.findings import ClaimFinding
from harness.words import plural


@dataclass(frozen=True)
class Agreement:
    """The claims that two runs have in common, and those on which they differ.

    Attributes:
        run: the published run, by its place below the results folder.
        compared: how many claims both judged.
        differ: by claim, the published verdict and the new one.
    """

    run: str
    compared: int
    differ: Mapping[str, tuple[str, str]]

    @property
    def sentence(self) -> str:
        """The comparison in words."""
        same = self.compared - len(self.differ)
        head = (
            f"Against the published run {self.run}: the same verdict in {same} of "
            f"{plural(self.compared, 'claim')}"
        )
        if not self.differ:
            return f"{head}."
        changes = (f"{claim} was {old}, is {new}" for claim, (old, new) in self.differ.items())
        return f"{head}; {'; '.join(changes)}."


def agreement(
    claims: Sequence[ClaimFinding], published: Sequence[Mapping[str, str]], machine: str
) -> Agreement | None:
    """Compare a run with the published one of its study.

    Args:
        claims: of the new run.
        published: the ledger's rows of the study, on all machines.
        machine: that of the new run; where it has a published run, that one is taken.

    Returns:
        None where nothing of the study is published.
    """
    rows = [row for row in published if row["run"]]
    if not rows:
        return None
    own = [row for row in rows if row["machine"] == machine]
    shown = (own or rows)[0]
    run = shown["run"].split()[0]
    beside = [row for row in rows if row["machine"] == shown["machine"]]
    before = {(row["claim"], row["kind"]): row["verdict"] for row in beside}
    both = [c for c in claims if (c.claim, c.kind) in before and c.kind == "claim"]
    differ = {
        c.claim: (before[c.claim, c.kind], c.verdict)
        for c in both
        if before[c.claim, c.kind] != c.verdict
    }
    return Agreement(run, len(both), differ)
