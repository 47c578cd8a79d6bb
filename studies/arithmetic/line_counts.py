"""How many lines has the production script, and how many does each component add?

The document says 45 for the script, 6 for the loop it grew from, and a number for each of seven
components. A count of lines can be meant in several ways. A total holds if it is exact in one of
the natural ones: all lines, those that are not empty, those with code, statements; with the line
that opens the listing or without it. A number of the table is an about-value; it holds if it is
within 20 % or one line, whichever is more, of the lines of the component's own listing or of the
script's lines that would go or be others without it, counted with comments or without.

What is counted are signs for the kinds of lines (``listings``): the listings are not part of this
project.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness import Fact, facts
from studies.arithmetic.listings import COMPONENTS, LOOP, SCRIPT, Component, Listing

SCRIPT_LINES, LOOP_LINES = 45, 6
SHARE, LEAST = 0.2, 1.0


def natural(listing: Listing) -> set[int]:
    """The counts that "so many lines" may mean."""
    return {
        count
        for part in (listing, listing.body())
        for count in (part.all_lines(), part.not_empty(), part.code(), part.statements())
    }


def of_component(component: Component) -> set[int]:
    """The counts that "lines added" may mean."""
    parts = [SCRIPT.at(component.in_script)]
    if component.listing is not None:
        parts.append(component.listing)
    return {count for part in parts for count in (part.not_empty(), part.code())}


def nearest(counts: Iterable[int], stated: int) -> int:
    """The count that is nearest to what is stated; the larger of two as near."""
    return min(counts, key=lambda count: (abs(count - stated), -count))


def about(stated: int) -> float:
    """How far a count may be from an about-value."""
    return max(SHARE * stated, LEAST)


def added(name: str) -> Fact:
    """The row of a component."""
    component = COMPONENTS[name]
    return Fact(
        "C7.35",
        f"{name} adds about {component.stated} lines",
        lambda: nearest(of_component(component), component.stated),
        component.stated,
        lambda: nearest(natural(SCRIPT), component.stated),
        within=about(component.stated),
        reading=f"{name.capitalize()}: of the natural counts the one nearest to "
        f"{component.stated} is within 20 % or one line of it.",
        headline=name == "checkpointing",
    )


EXPERIMENT = facts(
    "How many lines has the production script, and how many does each component add?",
    Fact(
        "C7.34",
        "the script has 45 lines",
        lambda: nearest(natural(SCRIPT), SCRIPT_LINES),
        SCRIPT_LINES,
        lambda: nearest(natural(LOOP), SCRIPT_LINES),
        reading="45 is exactly one of the natural counts of the printed script: all lines, those "
        "not empty, those with code, statements, each with the opening line or without.",
        headline=True,
    ),
    Fact(
        "C7.34",
        "the minimal loop has 6 lines",
        lambda: nearest(natural(LOOP), LOOP_LINES),
        LOOP_LINES,
        lambda: nearest(natural(SCRIPT), LOOP_LINES),
        reading="6 is exactly one of the same counts of chapter 3's loop.",
    ),
    *map(added, COMPONENTS),
    Fact(
        "C7.35",
        "the column adds up to the difference of 45 and 6",
        sum(component.stated for component in COMPONENTS.values()),
        SCRIPT_LINES - LOOP_LINES,
        SCRIPT_LINES,
        beyond="a sum, which the document does not give",
    ),
)
