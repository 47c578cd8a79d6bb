"""Of the listings of document C that are counted: what kind each line is, and no text.

The document is no part of this project, and its listings are not copied. What is kept of each line
is one sign, read off the plain-text copy whose line numbers the catalogue uses: ``c`` for a line on
which a statement begins, ``+`` for one that goes on with it, ``#`` for one of nothing but comment,
and ``.`` for an empty one. Whoever has the document can check it sign by sign. All counts are
computed from the signs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

BEGUN, CONTINUED, COMMENT, EMPTY = "c+#."


@dataclass(frozen=True)
class Listing:
    """A listing by its lines' kinds.

    Args:
        first: the number of its first line.
        kinds: a sign for each line.
    """

    first: int
    kinds: str

    def at(self, numbers: Iterable[int]) -> Listing:
        """Some of its lines, by their numbers in the document."""
        return Listing(self.first, "".join(self.kinds[number - self.first] for number in numbers))

    def body(self) -> Listing:
        """All but the line that opens it."""
        return Listing(self.first + 1, self.kinds[1:])

    def all_lines(self) -> int:
        """Its lines, whatever they are."""
        return len(self.kinds)

    def not_empty(self) -> int:
        """Lines of code or comment."""
        return len(self.kinds) - self.kinds.count(EMPTY)

    def code(self) -> int:
        """Lines with code on them."""
        return self.kinds.count(BEGUN) + self.kinds.count(CONTINUED)

    def statements(self) -> int:
        """Statements, each of which may have several lines."""
        return self.kinds.count(BEGUN)


#: Chapter 3's loop, from the line that opens it, and chapter 7's script.
LOOP = Listing(473, "c.#c.#c.#c.#c.#c.#c")
SCRIPT = Listing(814, "cccccccc.#cc+.cccc.cc.c.ccc+ccc.c.#c+.#c++.#ccc+.#ccc")

#: Chapter 7's listings of single components.
CHECKPOINTING = Listing(717, "cc+++++++++++.ccccccc")
EARLY_STOPPING = Listing(744, "cccccc.ccccccc")
ACCUMULATION = Listing(767, "ccccccc")
MIXED_PRECISION = Listing(780, "cccccccc")
SEEDING = Listing(794, "ccccccc")


@dataclass(frozen=True)
class Component:
    """A component of the script: what its row of the table says, and where its lines are.

    Args:
        stated: lines added, by the table.
        in_script: numbers of the script's lines that would go, or be others, without it.
        listing: its own, where it has one.
    """

    stated: int
    in_script: tuple[int, ...]
    listing: Listing | None = None


COMPONENTS = {
    "checkpointing": Component(10, (821, *range(823, 827), 828, *range(857, 862)), CHECKPOINTING),
    "early stopping": Component(8, (820, *range(863, 867)), EARLY_STOPPING),
    "gradient accumulation": Component(4, (830, 834, 838), ACCUMULATION),
    "mixed precision": Component(5, (819, 833, 836, 839, 842, 843), MIXED_PRECISION),
    "seeding": Component(6, (815,), SEEDING),
    "logging": Component(3, tuple(range(852, 856))),
    "gradient clipping": Component(2, (840, 841)),
}
