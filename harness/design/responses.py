"""Responses: what is measured, in which unit, and what the number means."""

from __future__ import annotations

from dataclasses import dataclass

from harness.design.factors import RESERVED
from harness.errors import HarnessError


@dataclass(frozen=True)
class Response:
    """What ``measure`` gives a number of.

    Args:
        name: a Python identifier, the key in what ``measure`` returns.
        unit: "1" for a pure number (a share, a ratio), "yes/no" for 1 or 0 where something is so or
            is not, else a unit or what is counted ("nat", "MiB", "calls").
        meaning: what the number is, as words that can begin a sentence: "the largest change of a
            logit"; of a yes/no, a statement: "the gradient is the sum of both".

    Raises:
        HarnessError: a reserved or malformed name, or no unit or meaning.
    """

    name: str
    unit: str
    meaning: str

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name in RESERVED:
            raise HarnessError(f"A response cannot be called {self.name!r}: use a free identifier.")
        if not self.unit.strip() or self.unit != self.unit.strip():
            raise HarnessError(f'The response {self.name!r} needs a unit ("1" for a pure number).')
        if not self.meaning.strip() or self.meaning.endswith("."):
            raise HarnessError(
                f"The response {self.name!r} needs a meaning: words that can begin a sentence, "
                "without a full stop."
            )
