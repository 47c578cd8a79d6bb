"""One statement, one rule: what several claims say is looked at once and judged alike."""

from __future__ import annotations

from dataclasses import replace

from harness import Beyond, Claim, Fact


def twins(fact: Fact, *ids: str, headline: bool = False) -> tuple[Claim | Beyond, ...]:
    """The condition of a fact as that of other claims which say the same.

    Args:
        fact: as the first of them states it.
        ids: of the others.
        headline: whether it stands for them where they are told in one line.
    """
    return tuple(replace(fact, id=claim, headline=headline).rule() for claim in ids)
